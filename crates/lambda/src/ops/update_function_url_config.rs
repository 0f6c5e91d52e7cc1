use serde::Deserialize;
use service::{Arn, Context, Failure, Operation, Result};

use crate::Lambda;
use crate::error::Error;
use crate::functions::rows;
use crate::name::Target;
use crate::ops::url_target;
use crate::tables::{URL_CONFIGS, member_key};
use crate::url_config::{Cors, UrlConfigView, check};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateFunctionUrlConfig {
    function_name: String,
    qualifier: Option<String>,
    auth_type: Option<String>,
    cors: Option<Cors>,
    invoke_mode: Option<String>,
}

impl Operation for UpdateFunctionUrlConfig {
    type Service = Lambda;
    type Output = UrlConfigView;

    const NAME: &'static str = "UpdateFunctionUrlConfig";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, self.qualifier.as_deref())
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<UrlConfigView> {
        let target = url_target(cx, &self.function_name, self.qualifier.as_deref())?;
        check(self.auth_type.as_deref(), self.invoke_mode.as_deref(), self.cors.as_ref())?;
        let key = member_key(&target.name, target.qualifier_or_latest());
        let config = rows(cx, &target.scope, &URL_CONFIGS)
            .update(&key, |config| {
                if let Some(auth_type) = &self.auth_type {
                    config.auth_type.clone_from(auth_type);
                }
                if let Some(invoke_mode) = &self.invoke_mode {
                    config.invoke_mode.clone_from(invoke_mode);
                }
                if let Some(cors) = &self.cors {
                    config.cors = Some(cors.clone());
                }
                config.modified_epoch_millis = cx.now().epoch_millis();
                Ok::<_, Failure>(config.clone())
            })
            .await?
            .ok_or_else(Error::no_such_resource)?;
        Ok(config.view(cx, target.qualified_arn().to_string()))
    }
}
