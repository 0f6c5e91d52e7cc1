use serde::Deserialize;
use service::{Arn, Context, Operation, Result};

use crate::Lambda;
use crate::functions::{CHANGE_ATTEMPTS_MAX, function_row, in_progress, together_with};
use crate::name::Target;
use crate::provisioned::{ProvisionedConfig, ProvisionedView, check_room, checked_target};
use crate::tables::{PROVISIONED, member_key};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutProvisionedConcurrencyConfig {
    function_name: String,
    qualifier: String,
    provisioned_concurrent_executions: u32,
}

impl Operation for PutProvisionedConcurrencyConfig {
    type Service = Lambda;
    type Output = ProvisionedView;

    const NAME: &'static str = "PutProvisionedConcurrencyConfig";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, Some(&self.qualifier))
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<ProvisionedView> {
        let target = checked_target(cx, &self.function_name, &self.qualifier).await?;
        let key = member_key(&target.name, target.qualifier_or_latest());
        let requested = self.provisioned_concurrent_executions;
        let config = ProvisionedConfig { requested, modified_epoch_millis: cx.now().epoch_millis() };
        for _ in 0..CHANGE_ATTEMPTS_MAX {
            let function = function_row(cx, &target).await?;
            check_room(cx, &target, &key, requested).await?;
            let changes = together_with(cx, &target, &function)?.put(&PROVISIONED, &key, &config)?;
            if changes.commit().await? {
                lambda.provisioned.wake.notify_one();
                return lambda.provisioned_view(cx, &target, &config).await;
            }
        }
        Err(in_progress(&target))
    }
}
