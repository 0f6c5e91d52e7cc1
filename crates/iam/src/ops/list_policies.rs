use serde::{Deserialize, Serialize};
use service::{Context, Operation, Result};

use crate::Iam;
use crate::managed;
use crate::page::{self, PageEnd};
use crate::policy::{POLICIES, PolicyView, managed_view};
use crate::uses::Holders;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListPolicies {
    scope: Option<PolicyScope>,
    #[serde(default)]
    only_attached: bool,
    path_prefix: Option<String>,
    policy_usage_filter: Option<PolicyUsage>,
    marker: Option<String>,
    max_items: Option<usize>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
enum PolicyScope {
    All,
    #[serde(rename = "AWS")]
    Aws,
    Local,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
enum PolicyUsage {
    PermissionsPolicy,
    PermissionsBoundary,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    policies: Vec<PolicyView>,
    #[serde(flatten)]
    end: PageEnd,
}

impl Operation for ListPolicies {
    type Service = Iam;
    type Output = Output;
    const NAME: &'static str = "ListPolicies";

    async fn run(self, _: &Iam, cx: &Context) -> Result<Output> {
        let scope = self.scope.unwrap_or(PolicyScope::All);
        let mut policies: Vec<(String, PolicyView)> = Vec::new();
        if scope != PolicyScope::Aws {
            let rows = cx.rows(&POLICIES).all("").await?;
            policies.extend(rows.iter().map(|(_, policy)| (policy.arn(cx.scope()), policy.view(cx.scope()))));
        }
        if scope != PolicyScope::Local {
            let holders = Holders::read(cx).await?;
            for (arn, mut policy) in managed::all() {
                (policy.attachments, policy.boundary_uses) = holders.uses(&arn);
                policies.push((arn.clone(), managed_view(&policy, &arn)));
            }
        }
        let prefix = self.path_prefix.as_deref().unwrap_or("/");
        policies.retain(|(_, policy)| policy.path.starts_with(prefix) && self.wants(policy));
        policies.sort_by(|(one, _), (other, _)| one.cmp(other));
        let (page, end) = page::cut(policies, self.marker.as_deref(), self.max_items)?;
        Ok(Output { policies: page.into_iter().map(PolicyView::listed).collect(), end })
    }
}

impl ListPolicies {
    fn wants(&self, policy: &PolicyView) -> bool {
        let (attached, bounding) = (policy.attachment_count > 0, policy.permissions_boundary_usage_count > 0);
        let used = match self.policy_usage_filter {
            None => attached || bounding,
            Some(PolicyUsage::PermissionsPolicy) => attached,
            Some(PolicyUsage::PermissionsBoundary) => bounding,
        };
        let asked = self.only_attached || self.policy_usage_filter == Some(PolicyUsage::PermissionsBoundary);
        used || !asked
    }
}
