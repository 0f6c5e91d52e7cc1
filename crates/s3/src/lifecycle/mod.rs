//! Lifecycle: the rules by which objects, their old versions and unfinished uploads end by themselves.
//!
//! [`Lifecycle`] is what PutBucketLifecycleConfiguration stores; [`evaluate`] says what is due when.
//! Source: user guide, "Managing the lifecycle of objects" and "Lifecycle configuration elements".

mod check;
pub(crate) mod evaluate;
pub(crate) mod expiry;
#[cfg(test)]
mod tests;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use service::{Context, Result};
use wire::Timestamp;

use crate::bucket::Bucket;
use crate::configuration::{self, LIFECYCLE};
use crate::object::Object;
use evaluate::{Due, Subject};

/// The lifecycle configuration of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Lifecycle {
    pub(crate) rules: Vec<Rule>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Rule {
    #[serde(rename = "ID", skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    pub(crate) status: String,
    /// The old place of the prefix; a rule has this or a filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) filter: Option<Filter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expiration: Option<Expiration>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) transitions: Vec<Transition>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) noncurrent_version_expiration: Option<NoncurrentExpiration>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) noncurrent_version_transitions: Vec<NoncurrentTransition>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) abort_incomplete_multipart_upload: Option<AbortUpload>,
}

/// One condition, or several in `And`; none covers every object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Filter {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tag: Option<Tag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) object_size_greater_than: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) object_size_less_than: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) and: Option<All>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct All {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prefix: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<Tag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) object_size_greater_than: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) object_size_less_than: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    pub(crate) key: String,
    pub(crate) value: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Expiration {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) date: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) days: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expired_object_delete_marker: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Transition {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) date: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) days: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) storage_class: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct NoncurrentExpiration {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) noncurrent_days: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) newer_noncurrent_versions: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct NoncurrentTransition {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) noncurrent_days: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) storage_class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) newer_noncurrent_versions: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct AbortUpload {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) days_after_initiation: Option<i64>,
}

/// `x-amz-expiration`: when the latest version of an object ends, and by which rule.
pub(crate) async fn expiration_header(
    cx: &Context,
    bucket: &Bucket,
    key: &str,
    object: &Object,
) -> Result<Option<String>> {
    let Some(lifecycle) = configuration::get::<Lifecycle>(cx, bucket, LIFECYCLE).await? else {
        return Ok(None);
    };
    let subject = Subject { key, bytes: object.size, tags: &object.tags };
    let due = lifecycle.expiration(subject, Timestamp::from_epoch_millis(object.modified_epoch_millis));
    Ok(due.map(|due| {
        let rule_id = utf8_percent_encode(&due.rule_id, NON_ALPHANUMERIC);
        format!("expiry-date=\"{}\", rule-id=\"{rule_id}\"", due.at.to_http_date())
    }))
}

/// When an upload that begins now is aborted.
pub(crate) async fn abort_due(cx: &Context, bucket: &Bucket, key: &str) -> Result<Option<Due>> {
    let lifecycle = configuration::get::<Lifecycle>(cx, bucket, LIFECYCLE).await?;
    Ok(lifecycle.and_then(|lifecycle| lifecycle.abort(key, cx.now())))
}

impl Rule {
    fn is_enabled(&self) -> bool {
        self.status == "Enabled"
    }

    /// The prefix wherever the rule has it.
    fn prefix(&self) -> &str {
        let filter = self.filter.as_ref();
        let prefix = self.prefix.as_deref();
        prefix
            .or_else(|| filter?.prefix.as_deref())
            .or_else(|| filter?.and.as_ref()?.prefix.as_deref())
            .unwrap_or("")
    }

    fn tags(&self) -> impl Iterator<Item = &Tag> {
        let filter = self.filter.as_ref();
        let one = filter.and_then(|filter| filter.tag.as_ref());
        one.into_iter()
            .chain(filter.and_then(|filter| filter.and.as_ref()).into_iter().flat_map(|all| &all.tags))
    }

    /// Sizes must be above the first and below the second.
    fn size_bounds(&self) -> (Option<i64>, Option<i64>) {
        let Some(filter) = &self.filter else { return (None, None) };
        let all = filter.and.as_ref();
        (
            filter.object_size_greater_than.or_else(|| all?.object_size_greater_than),
            filter.object_size_less_than.or_else(|| all?.object_size_less_than),
        )
    }
}
