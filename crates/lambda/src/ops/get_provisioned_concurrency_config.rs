use serde::Deserialize;
use service::{Arn, Context, Operation, Result};

use crate::Lambda;
use crate::functions::rows;
use crate::name::Target;
use crate::provisioned::{ProvisionedView, checked_target, missing};
use crate::tables::{PROVISIONED, member_key};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetProvisionedConcurrencyConfig {
    function_name: String,
    qualifier: String,
}

impl Operation for GetProvisionedConcurrencyConfig {
    type Service = Lambda;
    type Output = ProvisionedView;

    const NAME: &'static str = "GetProvisionedConcurrencyConfig";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, Some(&self.qualifier))
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<ProvisionedView> {
        let target = checked_target(cx, &self.function_name, &self.qualifier).await?;
        let key = member_key(&target.name, target.qualifier_or_latest());
        let config = rows(cx, &target.scope, &PROVISIONED).get(&key).await?.ok_or_else(missing)?;
        lambda.provisioned_view(cx, &target, &config).await
    }
}
