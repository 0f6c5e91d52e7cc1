use serde::Deserialize;
use service::{Arn, Context, Operation, Result};

use crate::Lambda;
use crate::alias::AliasConfiguration;
use crate::error::Error;
use crate::functions::{alias, function};
use crate::name::{Target, qualified_arn};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetAlias {
    function_name: String,
    name: String,
}

impl Operation for GetAlias {
    type Service = Lambda;
    type Output = AliasConfiguration;

    const NAME: &'static str = "GetAlias";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, None)
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<AliasConfiguration> {
        let target = Target::parse_unqualified(cx, &self.function_name)?;
        function(cx, &target).await?;
        let Some(alias) = alias(cx, &target, &self.name).await? else {
            let arn = qualified_arn(&target.scope, &target.name, &self.name);
            return Err(Error::not_found(format!("Cannot find alias arn: {arn}")).into());
        };
        Ok(AliasConfiguration::new(&target.scope, &target.name, alias))
    }
}
