use serde::Deserialize;
use service::{Arn, Context, Failure, Operation, Result};

use crate::Lambda;
use crate::event_invoke::config::{ConfigView, DestinationConfig, Wanted, missing};
use crate::functions::rows;
use crate::name::Target;
use crate::tables::{EVENT_INVOKE_CONFIGS, member_key};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateFunctionEventInvokeConfig {
    function_name: String,
    qualifier: Option<String>,
    maximum_retry_attempts: Option<u32>,
    maximum_event_age_in_seconds: Option<u32>,
    destination_config: Option<DestinationConfig>,
}

impl Operation for UpdateFunctionEventInvokeConfig {
    type Service = Lambda;
    type Output = ConfigView;

    const NAME: &'static str = "UpdateFunctionEventInvokeConfig";

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
        let config = rows(cx, &target.scope, &EVENT_INVOKE_CONFIGS)
            .update(&key, |config| {
                config.apply(cx, &wanted);
                Ok::<_, Failure>(config.clone())
            })
            .await?
            .ok_or_else(|| missing(&target))?;
        Ok(config.view(&target))
    }
}
