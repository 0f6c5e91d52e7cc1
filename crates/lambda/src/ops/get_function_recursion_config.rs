use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::Lambda;
use crate::functions::function;
use crate::name::Target;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetFunctionRecursionConfig {
    function_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Found {
    recursive_loop: String,
}

impl Operation for GetFunctionRecursionConfig {
    type Service = Lambda;
    type Output = Found;

    const NAME: &'static str = "GetFunctionRecursionConfig";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, None)
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<Found> {
        let target = Target::parse_unqualified(cx, &self.function_name)?;
        let chosen = function(cx, &target).await?.recursive_loop;
        Ok(Found { recursive_loop: chosen.unwrap_or_else(|| "Terminate".into()) })
    }
}
