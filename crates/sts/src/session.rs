//! What a new session brings along: policies that narrow it, tags, source identity.

use std::collections::BTreeMap;

use auth::policy::{Policy, PolicyKind};
use auth::{Identities, SessionDetail};
use serde::Deserialize;
use service::{AccountId, CallerSession, ConditionKeys, Result};

use crate::error::{Error, access_denied, invalid_parameter, validation};

/// Managed policies passed to one session.
const POLICY_ARNS_MAX: usize = 10;
/// Characters of the policy passed to one session.
const POLICY_CHARS_MAX: usize = 2_048;
/// Bytes of all that a session brings along.
const PACKED_BYTES_MAX: usize = 4_096;
const TAGS_MAX: usize = 50;
const TAG_KEY_CHARS_MAX: usize = 128;
const TAG_VALUE_CHARS_MAX: usize = 256;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    key: String,
    value: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PolicyDescriptor {
    arn: Option<String>,
}

/// What a caller asks a session to have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    pub policy: Option<String>,
    pub policy_arns: Vec<PolicyDescriptor>,
    pub tags: Vec<Tag>,
    pub transitive_tag_keys: Vec<String>,
    pub source_identity: Option<String>,
}

/// A session to be, and how much of its room it takes.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub detail: SessionDetail,
    /// Only where there is something.
    pub packed_percent: Option<usize>,
}

impl Wishes {
    /// Checks everything that was asked for. Tags and source identity of the calling session go on into the new one.
    pub(crate) async fn prepare(
        self,
        identities: &dyn Identities,
        account: &AccountId,
        calling: Option<&CallerSession>,
    ) -> Result<Prepared> {
        let policy_arns: Vec<String> = self.policy_arns.into_iter().filter_map(|wish| wish.arn).collect();
        check_policies(identities, account, self.policy.as_deref(), &policy_arns).await?;
        let own = read_tags(self.tags)?;
        let mut transitive = self.transitive_tag_keys;
        if !transitive.iter().all(|key| own.contains_key(key)) {
            return Err(validation(
                "The specified transitive tag key must be included in the requested tags.",
            ));
        }
        let mut tags = own;
        for key in calling.iter().flat_map(|calling| &calling.transitive_tag_keys) {
            if tags.keys().any(|own| own.eq_ignore_ascii_case(key)) {
                return Err(invalid_parameter(
                    "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag \
                     key from the calling session.",
                ));
            }
            if let Some(value) = calling.and_then(|calling| calling.tags.get(key)) {
                tags.insert(key.clone(), value.clone());
                transitive.push(key.clone());
            }
        }
        let source_identity =
            inherited(self.source_identity, calling.and_then(|calling| calling.source_identity.as_ref()))?;
        let detail = SessionDetail {
            policy: self.policy,
            policy_arns,
            tags,
            transitive_tag_keys: transitive,
            source_identity,
            ..SessionDetail::default()
        };
        let packed_percent = packed_percent(&detail)?;
        Ok(Prepared { detail, packed_percent })
    }

    /// `aws:RequestTag/…` and its kin.
    pub(crate) fn condition_keys(&self) -> ConditionKeys {
        let tag = |tag: &Tag| (format!("aws:RequestTag/{}", tag.key).into(), vec![tag.value.clone()]);
        let mut keys: ConditionKeys = self.tags.iter().map(tag).collect();
        keys.push(("aws:TagKeys".into(), self.tags.iter().map(|tag| tag.key.clone()).collect()));
        keys.push(("sts:TransitiveTagKeys".into(), self.transitive_tag_keys.clone()));
        keys.push(("sts:SourceIdentity".into(), self.source_identity.iter().cloned().collect()));
        keys
    }
}

impl Tag {
    pub(crate) fn new(key: String, value: String) -> Self {
        Tag { key, value }
    }
}

async fn check_policies(
    identities: &dyn Identities,
    account: &AccountId,
    policy: Option<&str>,
    arns: &[String],
) -> Result<()> {
    if let Some(policy) = policy {
        if policy.chars().count() > POLICY_CHARS_MAX {
            return Err(Error::PackedPolicyTooLargeException(format!(
                "Session policies have at most {POLICY_CHARS_MAX} characters."
            ))
            .into());
        }
        Policy::parse(policy, PolicyKind::Identity)
            .map_err(|malformed| Error::MalformedPolicyDocumentException(malformed.to_string()))?;
    }
    if arns.len() > POLICY_ARNS_MAX {
        return Err(validation(format!(
            "The number of managed session policies exceeds the limit of {POLICY_ARNS_MAX}."
        )));
    }
    for arn in arns {
        let found = identities.session_policies(account.as_str(), None, std::slice::from_ref(arn)).await?;
        if found.is_empty() {
            return Err(validation(format!("Policy {arn} does not exist or is not attachable.")));
        }
    }
    Ok(())
}

fn read_tags(tags: Vec<Tag>) -> Result<BTreeMap<String, String>> {
    if tags.len() > TAGS_MAX {
        return Err(validation(format!("A session has at most {TAGS_MAX} tags.")));
    }
    let mut read: BTreeMap<String, String> = BTreeMap::new();
    for Tag { key, value } in tags {
        if key.is_empty()
            || key.chars().count() > TAG_KEY_CHARS_MAX
            || value.chars().count() > TAG_VALUE_CHARS_MAX
        {
            return Err(validation(format!(
                "Tag keys have 1 to {TAG_KEY_CHARS_MAX} characters, their values at most {TAG_VALUE_CHARS_MAX}."
            )));
        }
        if read.keys().any(|known| known.to_lowercase() == key.to_lowercase()) {
            return Err(invalid_parameter(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        read.insert(key, value);
    }
    Ok(read)
}

/// Once set, a source identity stays as it is through every role that is assumed in turn.
fn inherited(asked: Option<String>, before: Option<&String>) -> Result<Option<String>> {
    match (asked, before) {
        (Some(asked), Some(before)) if asked != *before => {
            Err(access_denied("The source identity of a session cannot be changed by the roles it assumes."))
        }
        (Some(asked), _) => Ok(Some(asked)),
        (None, before) => Ok(before.cloned()),
    }
}

fn packed_percent(detail: &SessionDetail) -> Result<Option<usize>> {
    let tags: usize = detail.tags.iter().map(|(key, value)| key.len() + value.len()).sum();
    let arns: usize = detail.policy_arns.iter().map(String::len).sum();
    let bytes = detail.policy.as_ref().map_or(0, String::len) + arns + tags;
    if bytes == 0 {
        return Ok(None);
    }
    let percent = (bytes * 100).div_ceil(PACKED_BYTES_MAX);
    if percent > 100 {
        return Err(Error::PackedPolicyTooLargeException(format!(
            "Packed size of session policies and session tags consumes {percent}% of allotted space."
        ))
        .into());
    }
    Ok(Some(percent))
}
