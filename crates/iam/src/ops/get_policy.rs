use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::Iam;
use crate::policy::{self, Owner, PolicyView, managed_view, owner, policy_resource};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetPolicy {
    policy_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    policy: PolicyView,
}

impl Operation for GetPolicy {
    type Service = Iam;
    type Output = Output;
    const NAME: &'static str = "GetPolicy";

    fn resource(&self, _: &Context) -> Arn {
        policy_resource(&self.policy_arn)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<Output> {
        let found = policy::find(cx, &self.policy_arn).await?;
        let policy = match owner(cx, &self.policy_arn) {
            Some(Owner::Aws(_)) => managed_view(&found, &self.policy_arn),
            _ => found.view(cx.scope()),
        };
        Ok(Output { policy })
    }
}
