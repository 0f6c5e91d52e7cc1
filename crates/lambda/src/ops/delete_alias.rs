use serde::Deserialize;
use service::{Arn, Context, Empty, Operation, Result};

use crate::Lambda;
use crate::functions::{changes, function, rows};
use crate::name::Target;
use crate::tables::{ALIASES, EVENT_INVOKE_CONFIGS, POLICIES, PROVISIONED, URL_CONFIGS, URL_IDS, member_key};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteAlias {
    function_name: String,
    name: String,
}

impl Operation for DeleteAlias {
    type Service = Lambda;
    type Output = Empty;

    const NAME: &'static str = "DeleteAlias";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, None)
    }

    /// An alias that is not there is deleted already; its policy and URL go with it.
    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<Empty> {
        let target = Target::parse_unqualified(cx, &self.function_name)?;
        function(cx, &target).await?;
        let key = member_key(&target.name, &self.name);
        let mut all = changes(cx, &target.scope)
            .remove(&ALIASES, &key)
            .remove(&POLICIES, &key)
            .remove(&EVENT_INVOKE_CONFIGS, &key)
            .remove(&PROVISIONED, &key);
        if let Some(config) = rows(cx, &target.scope, &URL_CONFIGS).get(&key).await? {
            all = all.remove(&URL_CONFIGS, &key).remove(&URL_IDS, &config.url_id);
        }
        all.commit().await?;
        lambda.routes.forget_function(&target.scope, &target.name);
        Ok(Empty)
    }
}
