use serde::Deserialize;
use service::{Arn, Context, Empty, Operation, Result};

use crate::Lambda;
use crate::error::Error;
use crate::functions::require;
use crate::name::{Target, qualified_arn};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetFunctionEventInvokeConfig {
    function_name: String,
    qualifier: Option<String>,
}

impl Operation for GetFunctionEventInvokeConfig {
    type Service = Lambda;
    type Output = Empty;

    const NAME: &'static str = "GetFunctionEventInvokeConfig";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, self.qualifier.as_deref())
    }

    /// No function has one yet: there is no asynchronous invocation to configure.
    async fn run(self, _: &Lambda, cx: &Context) -> Result<Empty> {
        let target = Target::parse(cx, &self.function_name, self.qualifier.as_deref())?;
        require(cx, &target).await?;
        let arn = qualified_arn(&target.scope, &target.name, target.qualifier_or_latest());
        Err(Error::not_found(format!("The function {arn} doesn't have an EventInvokeConfig")).into())
    }
}
