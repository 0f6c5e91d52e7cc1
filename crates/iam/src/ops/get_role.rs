use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::Iam;
use crate::holder;
use crate::role::{self, Detail, Role, RoleView};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetRole {
    role_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    role: RoleView,
}

impl Operation for GetRole {
    type Service = Iam;
    type Output = Output;
    const NAME: &'static str = "GetRole";

    fn resource(&self, cx: &Context) -> Arn {
        role::policy_resource(cx, &self.role_name)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<Output> {
        let role = holder::find::<Role>(cx, &self.role_name).await?;
        Ok(Output { role: role.view(cx.scope(), Detail::All) })
    }
}
