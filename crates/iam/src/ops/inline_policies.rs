use serde::{Deserialize, Serialize};
use service::{Arn, Context, Empty, Operation, Result};

use crate::Iam;
use crate::document::{self, Purpose, counted_chars};
use crate::error::Error;
use crate::limits::INLINE_POLICIES_CHARS_MAX;
use crate::page::{self, PageEnd};
use crate::role::{self, check_name};

pub(crate) const POLICY_NAME_CHARS_MAX: usize = 128;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutRolePolicy {
    role_name: String,
    policy_name: String,
    policy_document: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetRolePolicy {
    role_name: String,
    policy_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteRolePolicy {
    role_name: String,
    policy_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListRolePolicies {
    role_name: String,
    marker: Option<String>,
    max_items: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetOutput {
    role_name: String,
    policy_name: String,
    policy_document: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListOutput {
    policy_names: Vec<String>,
    #[serde(flatten)]
    end: PageEnd,
}

impl Operation for PutRolePolicy {
    type Service = Iam;
    type Output = Empty;
    const NAME: &'static str = "PutRolePolicy";

    fn resource(&self, cx: &Context) -> Arn {
        role::policy_resource(cx, &self.role_name)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<Empty> {
        check_name(&self.policy_name, POLICY_NAME_CHARS_MAX)?;
        document::check(&self.policy_document, Purpose::Permissions)?;
        role::update(cx, &self.role_name, |role| {
            role.inline_policies.insert(self.policy_name.clone(), self.policy_document.clone());
            let chars: usize = role.inline_policies.values().map(|document| counted_chars(document)).sum();
            if chars > INLINE_POLICIES_CHARS_MAX {
                return Err(Error::LimitExceededException(format!(
                    "Maximum policy size of {INLINE_POLICIES_CHARS_MAX} bytes exceeded for role {}",
                    role.name
                )));
            }
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}

impl Operation for GetRolePolicy {
    type Service = Iam;
    type Output = GetOutput;
    const NAME: &'static str = "GetRolePolicy";

    fn resource(&self, cx: &Context) -> Arn {
        role::policy_resource(cx, &self.role_name)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<GetOutput> {
        let role = role::find(cx, &self.role_name).await?;
        let found =
            role.inline_policies.get(&self.policy_name).ok_or_else(|| no_inline_policy(&self.policy_name))?;
        Ok(GetOutput {
            policy_document: document::encode(found),
            role_name: self.role_name,
            policy_name: self.policy_name,
        })
    }
}

impl Operation for DeleteRolePolicy {
    type Service = Iam;
    type Output = Empty;
    const NAME: &'static str = "DeleteRolePolicy";

    fn resource(&self, cx: &Context) -> Arn {
        role::policy_resource(cx, &self.role_name)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<Empty> {
        role::update(cx, &self.role_name, |role| {
            let removed = role.inline_policies.remove(&self.policy_name);
            removed.map(drop).ok_or_else(|| no_inline_policy(&self.policy_name))
        })
        .await?;
        Ok(Empty)
    }
}

impl Operation for ListRolePolicies {
    type Service = Iam;
    type Output = ListOutput;
    const NAME: &'static str = "ListRolePolicies";

    fn resource(&self, cx: &Context) -> Arn {
        role::policy_resource(cx, &self.role_name)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<ListOutput> {
        let role = role::find(cx, &self.role_name).await?;
        let names = role.inline_policies.into_keys().map(|name| (name.clone(), name)).collect();
        let (policy_names, end) = page::cut(names, self.marker.as_deref(), self.max_items)?;
        Ok(ListOutput { policy_names, end })
    }
}

fn no_inline_policy(name: &str) -> Error {
    Error::NoSuchEntityException(format!("The role policy with name {name} cannot be found."))
}
