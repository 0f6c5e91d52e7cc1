use serde::{Deserialize, Serialize};
use service::{Arn, Context, Demand, Failure, Operation, Result, Tags};

use crate::Iam;
use crate::conditions;
use crate::document::{self, Purpose, counted_chars};
use crate::error::{Error, validation};
use crate::limits::{
    CONFLICT_RETRIES_MAX, SESSION_SECONDS_DEFAULT, SESSION_SECONDS_RANGE, TRUST_POLICY_CHARS_MAX,
};
use crate::role::{Detail, ROLES, Role, RoleView, check_name, check_path, key};
use crate::tag_list::{self, Tag};
use crate::uses::{Use, change_uses};

const ROLE_NAME_CHARS_MAX: usize = 64;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateRole {
    role_name: String,
    path: Option<String>,
    assume_role_policy_document: String,
    description: Option<String>,
    max_session_duration: Option<i64>,
    permissions_boundary: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    role: RoleView,
}

impl Operation for CreateRole {
    type Service = Iam;
    type Output = Output;
    const NAME: &'static str = "CreateRole";

    fn resource(&self, cx: &Context) -> Arn {
        let path = self.path.as_deref().unwrap_or("/");
        Arn::global("iam", cx.scope(), format_args!("role{path}{}", self.role_name))
    }

    fn demands(&self, cx: &Context) -> Vec<Demand> {
        let keys = conditions::of_request(&self.tags, self.permissions_boundary.as_deref());
        vec![Demand { keys, ..Demand::new(Self::ACTION, self.resource(cx)) }]
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<Output> {
        check_name(&self.role_name, ROLE_NAME_CHARS_MAX)?;
        let path = self.path.unwrap_or_else(|| "/".into());
        check_path(&path)?;
        check_trust_policy(&self.assume_role_policy_document)?;
        let max_session_seconds = self.max_session_duration.unwrap_or(SESSION_SECONDS_DEFAULT);
        check_session_seconds(max_session_seconds)?;
        let mut tags = Tags::default();
        tag_list::add(&mut tags, self.tags)?;
        let role = Role {
            id: format!("AROA{}", cx.platform().ids().upper_alphanumeric::<17>()),
            path,
            created: cx.now(),
            trust_policy: self.assume_role_policy_document,
            description: self.description,
            max_session_seconds,
            permissions_boundary: self.permissions_boundary,
            tags,
            inline_policies: Default::default(),
            attached_policies: Vec::new(),
            name: self.role_name,
        };
        for _ in 0..CONFLICT_RETRIES_MAX {
            if cx.rows(&ROLES).get(&key(&role.name)).await?.is_some() {
                let name = &role.name;
                return Err(Error::EntityAlreadyExistsException(format!(
                    "Role with name {name} already exists."
                ))
                .into());
            }
            let mut changes = cx.changes();
            if let Some(boundary) = &role.permissions_boundary {
                changes = change_uses(cx, changes, boundary, Use::Boundary, 1).await?;
            }
            if changes.insert(&ROLES, &key(&role.name), &role)?.commit().await? {
                return Ok(Output { role: role.view(cx.scope(), Detail::All) });
            }
        }
        Err(Failure::Internal(anyhow::anyhow!("role {} kept changing", role.name)))
    }
}

pub(crate) fn check_trust_policy(text: &str) -> Result<()> {
    document::check(text, Purpose::Trust)?;
    if counted_chars(text) > TRUST_POLICY_CHARS_MAX {
        return Err(Error::over_quota("ACLSizePerRole", TRUST_POLICY_CHARS_MAX).into());
    }
    Ok(())
}

pub(crate) fn check_session_seconds(seconds: i64) -> Result<()> {
    if SESSION_SECONDS_RANGE.contains(&seconds) {
        return Ok(());
    }
    Err(validation(format!(
        "MaxSessionDuration must be between {} and {} seconds.",
        SESSION_SECONDS_RANGE.start(),
        SESSION_SECONDS_RANGE.end()
    )))
}
