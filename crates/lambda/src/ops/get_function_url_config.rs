use serde::Deserialize;
use service::{Arn, Context, Operation, Result};

use crate::Lambda;
use crate::error::Error;
use crate::functions::rows;
use crate::name::Target;
use crate::ops::url_target;
use crate::tables::{URL_CONFIGS, member_key};
use crate::url_config::UrlConfigView;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetFunctionUrlConfig {
    function_name: String,
    qualifier: Option<String>,
}

impl Operation for GetFunctionUrlConfig {
    type Service = Lambda;
    type Output = UrlConfigView;

    const NAME: &'static str = "GetFunctionUrlConfig";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, self.qualifier.as_deref())
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<UrlConfigView> {
        let target = url_target(cx, &self.function_name, self.qualifier.as_deref())?;
        let key = member_key(&target.name, target.qualifier_or_latest());
        let config =
            rows(cx, &target.scope, &URL_CONFIGS).get(&key).await?.ok_or_else(Error::no_such_resource)?;
        Ok(config.view(cx, target.qualified_arn().to_string()))
    }
}
