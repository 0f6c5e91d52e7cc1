use serde::Deserialize;
use service::{Arn, Context, Failure, Operation, Result, Row};

use crate::Lambda;
use crate::error::Error;
use crate::functions::{CHANGE_ATTEMPTS_MAX, alias, function_row, in_progress, rows, together_with};
use crate::name::Target;
use crate::ops::url_target;
use crate::tables::{Function, URL_CONFIGS, URL_IDS, UrlOwner, member_key};
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
        let mode = self.invoke_mode.unwrap_or_else(|| "BUFFERED".into());
        for _ in 0..CHANGE_ATTEMPTS_MAX {
            let function = match function_row(cx, &target).await {
                Err(failure) if failure.code() == "ResourceNotFoundException" => return Err(no_function()),
                other => other?,
            };
            if let Some(name) = &target.qualifier {
                alias(cx, &target, name).await?.ok_or_else(no_function)?;
            }
            let now = cx.now().epoch_millis();
            let config = UrlConfig {
                url_id: new_url_id(cx, &function.value.tags, target.qualifier.as_deref())?,
                auth_type: self.auth_type.clone(),
                invoke_mode: mode.clone(),
                cors: self.cors.clone(),
                created_epoch_millis: now,
                modified_epoch_millis: now,
            };
            if insert(cx, &target, &function, &config).await? {
                return Ok(config.view(cx, target.qualified_arn().to_string()).of_creation());
            }
        }
        Err(in_progress(&target))
    }
}

/// `false` when the function changed meanwhile.
async fn insert(cx: &Context, target: &Target, function: &Row<Function>, config: &UrlConfig) -> Result<bool> {
    let key = member_key(&target.name, target.qualifier_or_latest());
    let taken = |cause: String| {
        let arn = target.qualified_arn();
        Error::conflict(format!(
            "Failed to create function url config for [functionArn = {arn}]. Error message:  {cause}"
        ))
    };
    if rows(cx, &target.scope, &URL_CONFIGS).get(&key).await?.is_some() {
        return Err(taken("FunctionUrlConfig exists for this Lambda function".into()).into());
    }
    if rows(cx, &target.scope, &URL_IDS).get(&config.url_id).await?.is_some() {
        return Err(taken(format!("the id {} belongs to another function URL", config.url_id)).into());
    }
    let owner = UrlOwner {
        account: target.scope.account.to_string(),
        region: target.scope.region.to_string(),
        function: target.name.clone(),
        qualifier: target.qualifier_or_latest().to_owned(),
    };
    together_with(cx, target, function)?
        .insert(&URL_CONFIGS, &key, config)?
        .insert(&URL_IDS, &config.url_id, &owner)?
        .commit()
        .await
}

fn no_function() -> Failure {
    Error::not_found("Function does not exist").into()
}
