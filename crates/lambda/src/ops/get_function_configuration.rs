use serde::Deserialize;
use service::{Arn, Context, Operation, Result};

use crate::Lambda;
use crate::configuration::{FunctionConfiguration, Phase};
use crate::functions::revision;
use crate::name::Target;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetFunctionConfiguration {
    function_name: String,
    qualifier: Option<String>,
}

impl Operation for GetFunctionConfiguration {
    type Service = Lambda;
    type Output = FunctionConfiguration;

    const NAME: &'static str = "GetFunctionConfiguration";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, self.qualifier.as_deref())
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<FunctionConfiguration> {
        let target = Target::parse(cx, &self.function_name, self.qualifier.as_deref())?;
        let (_, revision) = revision(cx, &target).await?;
        let qualifier = target.qualifier.as_deref();
        Ok(FunctionConfiguration::new(&target.scope, &target.name, qualifier, revision, Phase::Settled))
    }
}
