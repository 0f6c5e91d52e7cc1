use serde::Deserialize;
use service::{Arn, Context, Operation, Result};

use crate::Lambda;
use crate::alias::{AliasConfiguration, RoutingConfig, check_weights};
use crate::error::Error;
use crate::functions::{
    CHANGE_ATTEMPTS_MAX, check_revision, function_row, in_progress, rows, together_with, version,
};
use crate::name::{Target, qualified_arn};
use crate::settings::checked_description;
use crate::tables::{ALIASES, member_key};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateAlias {
    function_name: String,
    name: String,
    function_version: Option<String>,
    description: Option<String>,
    routing_config: Option<RoutingConfig>,
    revision_id: Option<String>,
}

impl Operation for UpdateAlias {
    type Service = Lambda;
    type Output = AliasConfiguration;

    const NAME: &'static str = "UpdateAlias";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, None)
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<AliasConfiguration> {
        let target = Target::parse_unqualified(cx, &self.function_name)?;
        let not_found = || {
            let arn = qualified_arn(&target.scope, &target.name, &self.name);
            Error::not_found(format!("Alias not found: {arn}"))
        };
        let weights = self.routing_config.map(|config| config.additional_version_weights.unwrap_or_default());
        let description = self.description.map(checked_description).transpose()?;
        let key = member_key(&target.name, &self.name);
        for _ in 0..CHANGE_ATTEMPTS_MAX {
            let function = function_row(cx, &target).await?;
            let mut row = rows(cx, &target.scope, &ALIASES).row(&key).await?.ok_or_else(not_found)?;
            let alias = &mut row.value;
            check_revision(self.revision_id.as_deref(), &alias.revision_id)?;
            for wanted in weights.iter().flat_map(|weights| weights.keys()).chain(&self.function_version) {
                let named = Target { qualifier: Some(wanted.clone()), ..target.clone() };
                version(cx, &named, &function.value, wanted).await?;
            }
            if let Some(version) = &self.function_version {
                alias.version.clone_from(version);
            }
            if let Some(description) = &description {
                alias.description.clone_from(description);
            }
            if let Some(weights) = &weights {
                alias.additional_weights.clone_from(weights);
            }
            check_weights(&alias.version, &alias.additional_weights)?;
            alias.revision_id = cx.platform().ids().uuid();
            if together_with(cx, &target, &function)?.replace(&ALIASES, &key, &row)?.commit().await? {
                lambda.routes.forget_function(&target.scope, &target.name);
                return Ok(AliasConfiguration::new(&target.scope, &target.name, row.value));
            }
        }
        Err(in_progress(&target))
    }
}
