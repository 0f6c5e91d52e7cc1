use serde::Deserialize;
use service::{Arn, Context, Empty, Operation, Result};

use crate::Lambda;
use crate::functions::rows;
use crate::name::Target;
use crate::provisioned::checked_target;
use crate::tables::{PROVISIONED, member_key};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteProvisionedConcurrencyConfig {
    function_name: String,
    qualifier: String,
}

impl Operation for DeleteProvisionedConcurrencyConfig {
    type Service = Lambda;
    type Output = Empty;

    const NAME: &'static str = "DeleteProvisionedConcurrencyConfig";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, Some(&self.qualifier))
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<Empty> {
        let target = checked_target(cx, &self.function_name, &self.qualifier).await?;
        let key = member_key(&target.name, target.qualifier_or_latest());
        // What is not there is deleted already.
        rows(cx, &target.scope, &PROVISIONED).remove(&key).await?;
        lambda.provisioned.wake.notify_one();
        Ok(Empty)
    }
}
