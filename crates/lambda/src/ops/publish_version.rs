use serde::Deserialize;
use service::{Arn, Context, Operation, Result};

use crate::Lambda;
use crate::configuration::{FunctionConfiguration, Phase};
use crate::error::Error;
use crate::functions::{Publication, change, check_revision};
use crate::name::Target;
use crate::settings::checked_description;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PublishVersion {
    function_name: String,
    #[serde(rename = "CodeSha256")]
    code_sha256: Option<String>,
    description: Option<String>,
    revision_id: Option<String>,
}

impl Operation for PublishVersion {
    type Service = Lambda;
    type Output = FunctionConfiguration;

    const NAME: &'static str = "PublishVersion";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, None)
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<FunctionConfiguration> {
        let target = Target::parse_unqualified(cx, &self.function_name)?;
        let publication = Publication { description: self.description.map(checked_description).transpose()? };
        let changed = Box::pin(change(cx, &target, Some(&publication), |function| {
            check_revision(self.revision_id.as_deref(), &function.latest.revision_id)?;
            let actual = function.latest.package.code_sha256();
            if let Some(expected) = self.code_sha256.as_ref().filter(|sha256| !sha256.is_empty() && **sha256 != actual) {
                return Err(Error::parameter(format!(
                    "CodeSHA256 ({expected}) is different from current CodeSHA256 in $LATEST ({actual}). Please try \
                     again with the CodeSHA256 in $LATEST."
                ))
                .into());
            }
            Ok(())
        }))
        .await?;
        let told = changed.published.unwrap_or(changed.after.latest);
        let qualifier = told.version.clone();
        Ok(FunctionConfiguration::new(&target.scope, &target.name, Some(&qualifier), told, Phase::Settled))
    }
}
