use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result, Tags};

use crate::Iam;
use crate::document::{self, Purpose, counted_chars};
use crate::error::Error;
use crate::holder::POLICY_NAME_CHARS_MAX;
use crate::limits::MANAGED_POLICY_CHARS_MAX;
use crate::policy::{POLICIES, Policy, PolicyVersion, PolicyView};
use crate::role::{check_name, check_path, key};
use crate::tag_list::{self, Tag};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreatePolicy {
    policy_name: String,
    path: Option<String>,
    policy_document: String,
    description: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    policy: PolicyView,
}

impl Operation for CreatePolicy {
    type Service = Iam;
    type Output = Output;
    const NAME: &'static str = "CreatePolicy";

    fn resource(&self, cx: &Context) -> Arn {
        let path = self.path.as_deref().unwrap_or("/");
        Arn::global("iam", cx.scope(), format_args!("policy{path}{}", self.policy_name))
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<Output> {
        check_name(&self.policy_name, POLICY_NAME_CHARS_MAX)?;
        let path = self.path.unwrap_or_else(|| "/".into());
        check_path(&path)?;
        check_managed_document(&self.policy_document)?;
        let mut tags = Tags::default();
        tag_list::add(&mut tags, self.tags)?;
        let now = cx.now();
        let policy = Policy {
            id: format!("ANPA{}", cx.platform().ids().upper_alphanumeric::<17>()),
            name: self.policy_name,
            path,
            created: now,
            updated: now,
            description: self.description,
            versions: vec![PolicyVersion { number: 1, document: self.policy_document, created: now }],
            default_version: 1,
            next_version: 2,
            tags,
            attachments: 0,
            boundary_uses: 0,
        };
        if !cx.rows(&POLICIES).insert(&key(&policy.name), &policy).await? {
            return Err(Error::EntityAlreadyExistsException(format!(
                "A policy called {} already exists. Duplicate names are not allowed.",
                policy.name
            ))
            .into());
        }
        // The description of a policy is answered by GetPolicy only.
        Ok(Output { policy: policy.view(cx.scope()).without_description() })
    }
}

pub(crate) fn check_managed_document(text: &str) -> std::result::Result<(), Error> {
    document::check(text, Purpose::Permissions)?;
    if counted_chars(text) > MANAGED_POLICY_CHARS_MAX {
        return Err(Error::over_quota("PolicySize", MANAGED_POLICY_CHARS_MAX));
    }
    Ok(())
}
