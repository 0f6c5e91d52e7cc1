use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::Iam;
use crate::role;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListInstanceProfilesForRole {
    role_name: String,
}

/// Nothing can put a role into an instance profile here, so every role is in none.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    instance_profiles: [(); 0],
    is_truncated: bool,
}

impl Operation for ListInstanceProfilesForRole {
    type Service = Iam;
    type Output = Output;
    const NAME: &'static str = "ListInstanceProfilesForRole";

    fn resource(&self, cx: &Context) -> Arn {
        role::policy_resource(cx, &self.role_name)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<Output> {
        role::find(cx, &self.role_name).await?;
        Ok(Output { instance_profiles: [], is_truncated: false })
    }
}
