use serde::{Deserialize, Serialize};
use service::{Arn, Context, Empty, Operation, Result};

use super::create_role::{check_session_seconds, check_trust_policy};
use crate::Iam;
use crate::holder;
use crate::limits::SESSION_SECONDS_DEFAULT;
use crate::role::{self, Detail, Role, RoleView};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateRole {
    role_name: String,
    description: Option<String>,
    max_session_duration: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateRoleDescription {
    role_name: String,
    description: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateAssumeRolePolicy {
    role_name: String,
    policy_document: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    role: RoleView,
}

impl Operation for UpdateRole {
    type Service = Iam;
    type Output = Empty;
    const NAME: &'static str = "UpdateRole";

    fn resource(&self, cx: &Context) -> Arn {
        role::policy_resource(cx, &self.role_name)
    }

    /// A description that is not given stays; a duration that is not given becomes the default, as on AWS.
    async fn run(self, _: &Iam, cx: &Context) -> Result<Empty> {
        let max_session_seconds = self.max_session_duration.unwrap_or(SESSION_SECONDS_DEFAULT);
        check_session_seconds(max_session_seconds)?;
        holder::update::<Role, _>(cx, &self.role_name, |role| {
            if let Some(description) = &self.description {
                role.description = Some(description.clone());
            }
            role.max_session_seconds = max_session_seconds;
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}

impl Operation for UpdateRoleDescription {
    type Service = Iam;
    type Output = Output;
    const NAME: &'static str = "UpdateRoleDescription";

    fn resource(&self, cx: &Context) -> Arn {
        role::policy_resource(cx, &self.role_name)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<Output> {
        let role = holder::update::<Role, _>(cx, &self.role_name, |role| {
            role.description = Some(self.description.clone());
            Ok(role.clone())
        })
        .await?;
        Ok(Output { role: role.view(cx.scope(), Detail::All) })
    }
}

impl Operation for UpdateAssumeRolePolicy {
    type Service = Iam;
    type Output = Empty;
    const NAME: &'static str = "UpdateAssumeRolePolicy";

    fn resource(&self, cx: &Context) -> Arn {
        role::policy_resource(cx, &self.role_name)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<Empty> {
        check_trust_policy(&self.policy_document)?;
        holder::update::<Role, _>(cx, &self.role_name, |role| {
            role.trust_policy = self.policy_document.clone();
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}
