use serde::Deserialize;
use service::{Arn, Context, Empty, Operation, Result};

use crate::Lambda;
use crate::event_invoke::config::{missing, require};
use crate::functions::rows;
use crate::name::Target;
use crate::tables::{EVENT_INVOKE_CONFIGS, member_key};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteFunctionEventInvokeConfig {
    function_name: String,
    qualifier: Option<String>,
}

impl Operation for DeleteFunctionEventInvokeConfig {
    type Service = Lambda;
    type Output = Empty;

    const NAME: &'static str = "DeleteFunctionEventInvokeConfig";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, self.qualifier.as_deref())
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<Empty> {
        let target = Target::parse(cx, &self.function_name, self.qualifier.as_deref())?;
        require(cx, &target).await?;
        let key = member_key(&target.name, target.qualifier_or_latest());
        if rows(cx, &target.scope, &EVENT_INVOKE_CONFIGS).remove(&key).await? {
            return Ok(Empty);
        }
        Err(missing(&target).into())
    }
}
