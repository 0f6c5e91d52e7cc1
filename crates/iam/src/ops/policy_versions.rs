use serde::{Deserialize, Serialize};
use service::{Arn, Context, Empty, Operation, Result};

use super::create_policy::check_managed_document;
use crate::Iam;
use crate::error::Error;
use crate::limits::VERSIONS_PER_POLICY_MAX;
use crate::page::{self, PageEnd};
use crate::policy::{self, PolicyVersion, VersionView, policy_resource};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreatePolicyVersion {
    policy_arn: String,
    policy_document: String,
    #[serde(default)]
    set_as_default: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetPolicyVersion {
    policy_arn: String,
    version_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListPolicyVersions {
    policy_arn: String,
    marker: Option<String>,
    max_items: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SetDefaultPolicyVersion {
    policy_arn: String,
    version_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeletePolicyVersion {
    policy_arn: String,
    version_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct VersionOutput {
    policy_version: VersionView,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListOutput {
    versions: Vec<VersionView>,
    #[serde(flatten)]
    end: PageEnd,
}

impl Operation for CreatePolicyVersion {
    type Service = Iam;
    type Output = VersionOutput;
    const NAME: &'static str = "CreatePolicyVersion";

    fn resource(&self, _: &Context) -> Arn {
        policy_resource(&self.policy_arn)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<VersionOutput> {
        check_managed_document(&self.policy_document)?;
        let now = cx.now();
        let policy_version = policy::update(cx, &self.policy_arn, |policy| {
            if policy.versions.len() >= VERSIONS_PER_POLICY_MAX {
                return Err(Error::LimitExceededException(format!(
                    "A managed policy can have up to {VERSIONS_PER_POLICY_MAX} versions. Before you create a new \
                     version, you must delete an existing version."
                )));
            }
            let number = policy.next_version;
            policy.next_version += 1;
            policy.updated = now;
            if self.set_as_default {
                policy.default_version = number;
            }
            let version = PolicyVersion { number, document: self.policy_document.clone(), created: now };
            let view = policy.version_view(&version).without_document();
            policy.versions.push(version);
            Ok(view)
        })
        .await?;
        Ok(VersionOutput { policy_version })
    }
}

impl Operation for GetPolicyVersion {
    type Service = Iam;
    type Output = VersionOutput;
    const NAME: &'static str = "GetPolicyVersion";

    fn resource(&self, _: &Context) -> Arn {
        policy_resource(&self.policy_arn)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<VersionOutput> {
        let policy = policy::find(cx, &self.policy_arn).await?;
        let version = policy.version(&self.policy_arn, &self.version_id)?;
        Ok(VersionOutput { policy_version: policy.version_view(version) })
    }
}

impl Operation for ListPolicyVersions {
    type Service = Iam;
    type Output = ListOutput;
    const NAME: &'static str = "ListPolicyVersions";

    fn resource(&self, _: &Context) -> Arn {
        policy_resource(&self.policy_arn)
    }

    /// The latest version first, without documents.
    async fn run(self, _: &Iam, cx: &Context) -> Result<ListOutput> {
        let policy = policy::find(cx, &self.policy_arn).await?;
        let newest_first = policy.versions.iter().rev().map(|version| {
            let key = format!("{:020}", u64::MAX - version.number);
            (key, policy.version_view(version).without_document())
        });
        let (versions, end) = page::cut(newest_first.collect(), self.marker.as_deref(), self.max_items)?;
        Ok(ListOutput { versions, end })
    }
}

impl Operation for SetDefaultPolicyVersion {
    type Service = Iam;
    type Output = Empty;
    const NAME: &'static str = "SetDefaultPolicyVersion";

    fn resource(&self, _: &Context) -> Arn {
        policy_resource(&self.policy_arn)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<Empty> {
        let now = cx.now();
        policy::update(cx, &self.policy_arn, |policy| {
            policy.default_version = policy.version(&self.policy_arn, &self.version_id)?.number;
            policy.updated = now;
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}

impl Operation for DeletePolicyVersion {
    type Service = Iam;
    type Output = Empty;
    const NAME: &'static str = "DeletePolicyVersion";

    fn resource(&self, _: &Context) -> Arn {
        policy_resource(&self.policy_arn)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<Empty> {
        policy::update(cx, &self.policy_arn, |policy| {
            let number = policy.version(&self.policy_arn, &self.version_id)?.number;
            if number == policy.default_version {
                return Err(Error::DeleteConflictException("Cannot delete the default version of a policy."));
            }
            policy.versions.retain(|version| version.number != number);
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}
