use serde::Deserialize;
use service::{Arn, Context, Empty, Operation, Result};

use crate::Lambda;
use crate::error::Error;
use crate::functions::{changes, rows};
use crate::name::Target;
use crate::ops::url_target;
use crate::tables::{URL_CONFIGS, URL_IDS, member_key};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteFunctionUrlConfig {
    function_name: String,
    qualifier: Option<String>,
}

impl Operation for DeleteFunctionUrlConfig {
    type Service = Lambda;
    type Output = Empty;

    const NAME: &'static str = "DeleteFunctionUrlConfig";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, self.qualifier.as_deref())
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<Empty> {
        let target = url_target(cx, &self.function_name, self.qualifier.as_deref())?;
        let key = member_key(&target.name, target.qualifier_or_latest());
        let config =
            rows(cx, &target.scope, &URL_CONFIGS).get(&key).await?.ok_or_else(Error::no_such_resource)?;
        changes(cx, &target.scope)
            .remove(&URL_CONFIGS, &key)
            .remove(&URL_IDS, &config.url_id)
            .commit()
            .await?;
        Ok(Empty)
    }
}
