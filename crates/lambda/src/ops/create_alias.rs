use serde::Deserialize;
use service::{Arn, Context, Operation, Result, Row};

use crate::Lambda;
use crate::alias::{AliasConfiguration, RoutingConfig, check_name, check_weights};
use crate::error::Error;
use crate::functions::{CHANGE_ATTEMPTS_MAX, function_row, in_progress, rows, together_with, version};
use crate::name::{Target, qualified_arn};
use crate::settings::checked_description;
use crate::tables::{ALIASES, Alias, Function, member_key, members};

/// Aliases of one function, a bound of ours: AWS names none below the account's storage.
const ALIASES_MAX: usize = 1_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateAlias {
    function_name: String,
    name: String,
    function_version: String,
    description: Option<String>,
    routing_config: Option<RoutingConfig>,
}

impl Operation for CreateAlias {
    type Service = Lambda;
    type Output = AliasConfiguration;

    const NAME: &'static str = "CreateAlias";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, None)
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<AliasConfiguration> {
        let target = Target::parse_unqualified(cx, &self.function_name)?;
        check_name(&self.name)?;
        let weights =
            self.routing_config.and_then(|config| config.additional_version_weights).unwrap_or_default();
        check_weights(&self.function_version, &weights)?;
        let description = checked_description(self.description.unwrap_or_default())?;
        let alias = Alias {
            name: self.name,
            version: self.function_version,
            description,
            revision_id: cx.platform().ids().uuid(),
            additional_weights: weights,
        };
        for _ in 0..CHANGE_ATTEMPTS_MAX {
            let function = function_row(cx, &target).await?;
            if insert(cx, &target, &function, &alias).await? {
                lambda.routes.forget_function(&target.scope, &target.name);
                return Ok(AliasConfiguration::new(&target.scope, &target.name, alias));
            }
        }
        Err(in_progress(&target))
    }
}

/// `false` when the function changed meanwhile.
async fn insert(cx: &Context, target: &Target, function: &Row<Function>, alias: &Alias) -> Result<bool> {
    for wanted in alias.additional_weights.keys().chain([&alias.version]) {
        let named = Target { qualifier: Some(wanted.clone()), ..target.clone() };
        version(cx, &named, &function.value, wanted).await?;
    }
    let aliases = rows(cx, &target.scope, &ALIASES);
    let key = member_key(&target.name, &alias.name);
    if aliases.get(&key).await?.is_some() {
        let arn = qualified_arn(&target.scope, &target.name, &alias.name);
        return Err(Error::conflict(format!("Alias already exists: {arn}")).into());
    }
    if aliases.list(&members(&target.name), None, ALIASES_MAX).await?.len() >= ALIASES_MAX {
        return Err(Error::alias_limit(format!("A function has at most {ALIASES_MAX} aliases.")).into());
    }
    together_with(cx, target, function)?.insert(&ALIASES, &key, alias)?.commit().await
}
