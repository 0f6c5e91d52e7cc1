use serde::Deserialize;
use service::{Arn, Context, Operation, Result};

use crate::Lambda;
use crate::event_invoke::config::{ConfigView, missing, require};
use crate::functions::rows;
use crate::name::Target;
use crate::tables::{EVENT_INVOKE_CONFIGS, member_key};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetFunctionEventInvokeConfig {
    function_name: String,
    qualifier: Option<String>,
}

impl Operation for GetFunctionEventInvokeConfig {
    type Service = Lambda;
    type Output = ConfigView;

    const NAME: &'static str = "GetFunctionEventInvokeConfig";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, self.qualifier.as_deref())
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<ConfigView> {
        let target = Target::parse(cx, &self.function_name, self.qualifier.as_deref())?;
        require(cx, &target).await?;
        let key = member_key(&target.name, target.qualifier_or_latest());
        let config = rows(cx, &target.scope, &EVENT_INVOKE_CONFIGS).get(&key).await?;
        Ok(config.ok_or_else(|| missing(&target))?.view(&target))
    }
}
