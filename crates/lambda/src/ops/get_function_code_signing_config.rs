use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::Lambda;
use crate::functions::function;
use crate::name::Target;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetFunctionCodeSigningConfig {
    function_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Found {
    function_name: String,
}

impl Operation for GetFunctionCodeSigningConfig {
    type Service = Lambda;
    type Output = Found;

    const NAME: &'static str = "GetFunctionCodeSigningConfig";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, None)
    }

    /// No function has one: setting it is refused.
    async fn run(self, _: &Lambda, cx: &Context) -> Result<Found> {
        let target = Target::parse_unqualified(cx, &self.function_name)?;
        Ok(Found { function_name: function(cx, &target).await?.name })
    }
}
