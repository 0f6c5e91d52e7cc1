use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result, Tags};

use crate::Lambda;
use crate::configuration::{FunctionConfiguration, Phase};
use crate::functions::revision;
use crate::name::Target;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetFunction {
    function_name: String,
    qualifier: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Found {
    configuration: FunctionConfiguration,
    code: Code,
    tags: Option<Tags>,
    concurrency: Option<Concurrency>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Code {
    repository_type: &'static str,
    location: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Concurrency {
    reserved_concurrent_executions: u32,
}

impl Operation for GetFunction {
    type Service = Lambda;
    type Output = Found;

    const NAME: &'static str = "GetFunction";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, self.qualifier.as_deref())
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<Found> {
        let target = Target::parse(cx, &self.function_name, self.qualifier.as_deref())?;
        let (function, revision) = revision(cx, &target).await?;
        let location = lambda.download_url(cx, &revision.package);
        Ok(Found {
            configuration: FunctionConfiguration::new(
                &target.scope,
                &target.name,
                target.qualifier.as_deref(),
                revision,
                Phase::Settled,
            ),
            code: Code { repository_type: "S3", location },
            tags: Some(function.tags).filter(|tags| !tags.is_empty()),
            concurrency: function
                .reserved_concurrency
                .map(|reserved_concurrent_executions| Concurrency { reserved_concurrent_executions }),
        })
    }
}
