use serde::Deserialize;
use service::{Arn, Context, Operation, Result};

use crate::Lambda;
use crate::error::Error;
use crate::functions::{alias, changes, function, rows};
use crate::name::Target;
use crate::ops::url_target;
use crate::tables::{URL_CONFIGS, URL_IDS, UrlOwner, member_key};
use crate::url_config::{Cors, UrlConfig, UrlConfigView, check, new_url_id};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateFunctionUrlConfig {
    function_name: String,
    qualifier: Option<String>,
    auth_type: String,
    cors: Option<Cors>,
    invoke_mode: Option<String>,
}

impl Operation for CreateFunctionUrlConfig {
    type Service = Lambda;
    type Output = UrlConfigView;

    const NAME: &'static str = "CreateFunctionUrlConfig";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, self.qualifier.as_deref())
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<UrlConfigView> {
        let target = url_target(cx, &self.function_name, self.qualifier.as_deref())?;
        check(Some(&self.auth_type), self.invoke_mode.as_deref(), self.cors.as_ref())?;
        let function = match function(cx, &target).await {
            Err(failure) if failure.code() == "ResourceNotFoundException" => {
                return Err(Error::not_found("Function does not exist").into());
            }
            other => other?,
        };
        if let Some(name) = &target.qualifier {
            alias(cx, &target, name).await?.ok_or_else(|| Error::not_found("Function does not exist"))?;
        }
        let key = member_key(&target.name, target.qualifier_or_latest());
        let now = cx.now().epoch_millis();
        let config = UrlConfig {
            url_id: new_url_id(cx, &function.tags, target.qualifier.as_deref())?,
            auth_type: self.auth_type,
            invoke_mode: self.invoke_mode.unwrap_or_else(|| "BUFFERED".into()),
            cors: self.cors,
            created_epoch_millis: now,
            modified_epoch_millis: now,
        };
        let owner = UrlOwner {
            account: target.scope.account.to_string(),
            region: target.scope.region.to_string(),
            function: target.name.clone(),
            qualifier: target.qualifier_or_latest().to_owned(),
        };
        let made = changes(cx, &target.scope)
            .insert(&URL_CONFIGS, &key, &config)?
            .insert(&URL_IDS, &config.url_id, &owner)?
            .commit()
            .await?;
        if !made {
            let arn = target.qualified_arn();
            let exists = rows(cx, &target.scope, &URL_CONFIGS).get(&key).await?.is_some();
            let cause = if exists {
                "FunctionUrlConfig exists for this Lambda function".to_owned()
            } else {
                format!("the id {} belongs to another function URL", config.url_id)
            };
            return Err(Error::conflict(format!(
                "Failed to create function url config for [functionArn = {arn}]. Error message:  {cause}"
            ))
            .into());
        }
        Ok(config.view(cx, target.qualified_arn().to_string()).of_creation())
    }
}
