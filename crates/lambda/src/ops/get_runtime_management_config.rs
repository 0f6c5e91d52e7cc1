use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::Lambda;
use crate::functions::revision;
use crate::name::{LATEST, Target, qualified_arn};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetRuntimeManagementConfig {
    function_name: String,
    qualifier: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Found {
    update_runtime_on: &'static str,
    function_arn: String,
}

impl Operation for GetRuntimeManagementConfig {
    type Service = Lambda;
    type Output = Found;

    const NAME: &'static str = "GetRuntimeManagementConfig";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, self.qualifier.as_deref())
    }

    /// The runtime is always what the host has now, which is what `Auto` means.
    async fn run(self, _: &Lambda, cx: &Context) -> Result<Found> {
        let target = Target::parse(cx, &self.function_name, self.qualifier.as_deref())?;
        let (_, revision) = revision(cx, &target).await?;
        let arn = match revision.version.as_str() {
            LATEST => target.function_arn(),
            version => qualified_arn(&target.scope, &target.name, version),
        };
        Ok(Found { update_runtime_on: "Auto", function_arn: arn.to_string() })
    }
}
