use serde::Deserialize;
use service::{Arn, Context, Operation, Result};

use crate::Lambda;
use crate::event_invoke::config::{ConfigView, DestinationConfig, EventInvokeConfig, Wanted};
use crate::functions::{CHANGE_ATTEMPTS_MAX, function_row, in_progress, together_with};
use crate::name::Target;
use crate::tables::{EVENT_INVOKE_CONFIGS, member_key};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutFunctionEventInvokeConfig {
    function_name: String,
    qualifier: Option<String>,
    maximum_retry_attempts: Option<u32>,
    maximum_event_age_in_seconds: Option<u32>,
    destination_config: Option<DestinationConfig>,
}

impl Operation for PutFunctionEventInvokeConfig {
    type Service = Lambda;
    type Output = ConfigView;

    const NAME: &'static str = "PutFunctionEventInvokeConfig";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, self.qualifier.as_deref())
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<ConfigView> {
        let target = Target::parse(cx, &self.function_name, self.qualifier.as_deref())?;
        let wanted = Wanted {
            maximum_retry_attempts: self.maximum_retry_attempts,
            maximum_event_age_in_seconds: self.maximum_event_age_in_seconds,
            destination_config: self.destination_config,
        };
        wanted.check(cx, &target).await?;
        let key = member_key(&target.name, target.qualifier_or_latest());
        let mut config = EventInvokeConfig::default();
        config.apply(cx, &wanted);
        for _ in 0..CHANGE_ATTEMPTS_MAX {
            let function = function_row(cx, &target).await?;
            let changes = together_with(cx, &target, &function)?.put(&EVENT_INVOKE_CONFIGS, &key, &config)?;
            if changes.commit().await? {
                return Ok(config.view(&target));
            }
        }
        Err(in_progress(&target))
    }
}
