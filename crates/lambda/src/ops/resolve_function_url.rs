use serde::{Deserialize, Serialize};
use service::{AccountId, Context, Operation, Region, Result, Scope};

use crate::Lambda;
use crate::error::Error;
use crate::functions::rows;
use crate::name::{LATEST, function_arn, qualified_arn};
use crate::tables::{URL_CONFIGS, URL_IDS, member_key};
use crate::url_config::Cors;

/// Internal: whose function URL is this? Any account may be the request's, ids are unique in the installation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ResolveFunctionUrl {
    url_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Resolved {
    /// With the alias, where the URL is one of an alias: what to invoke.
    function_arn: String,
    function_name: String,
    qualifier: Option<String>,
    account: String,
    region: String,
    auth_type: String,
    invoke_mode: String,
    cors: Option<Cors>,
}

impl Operation for ResolveFunctionUrl {
    type Service = Lambda;
    type Output = Resolved;

    const NAME: &'static str = "ResolveFunctionUrl";

    async fn run(self, _: &Lambda, cx: &Context) -> Result<Resolved> {
        let owner =
            rows(cx, cx.scope(), &URL_IDS).get(&self.url_id).await?.ok_or_else(Error::no_such_resource)?;
        let (Some(account), Some(region)) = (AccountId::parse(&owner.account), Region::parse(&owner.region))
        else {
            return Err(anyhow::anyhow!("the owner of a function URL has no account or region").into());
        };
        let scope = Scope { account, region };
        let key = member_key(&owner.function, &owner.qualifier);
        let config = rows(cx, &scope, &URL_CONFIGS).get(&key).await?.ok_or_else(Error::no_such_resource)?;
        let qualifier = Some(owner.qualifier).filter(|qualifier| qualifier != LATEST);
        let arn = match &qualifier {
            Some(qualifier) => qualified_arn(&scope, &owner.function, qualifier),
            None => function_arn(&scope, &owner.function),
        };
        Ok(Resolved {
            function_arn: arn.to_string(),
            function_name: owner.function,
            qualifier,
            account: owner.account,
            region: owner.region,
            auth_type: config.auth_type,
            invoke_mode: config.invoke_mode,
            cors: config.cors,
        })
    }
}
