use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::Lambda;
use crate::functions::function;
use crate::name::Target;
use crate::ops::whole_function;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetFunctionConcurrency {
    function_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Concurrency {
    reserved_concurrent_executions: Option<u32>,
}

impl Operation for GetFunctionConcurrency {
    type Service = Lambda;
    type Output = Concurrency;

    const NAME: &'static str = "GetFunctionConcurrency";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, None)
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<Concurrency> {
        let target = whole_function(cx, &self.function_name)?;
        Ok(Concurrency { reserved_concurrent_executions: function(cx, &target).await?.reserved_concurrency })
    }
}
