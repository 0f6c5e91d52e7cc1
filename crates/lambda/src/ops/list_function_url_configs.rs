use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, PageToken, Result};

use crate::Lambda;
use crate::functions::{function, rows};
use crate::name::{LATEST, Target, function_arn, qualified_arn};
use crate::ops::{marker, page_size};
use crate::tables::{URL_CONFIGS, members};
use crate::url_config::UrlConfigView;

/// Configurations of one page, whatever the client asks for.
const PAGE_ROWS_MAX: usize = 50;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListFunctionUrlConfigs {
    function_name: String,
    marker: Option<String>,
    max_items: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listed {
    function_url_configs: Vec<UrlConfigView>,
    next_marker: Option<String>,
}

impl Operation for ListFunctionUrlConfigs {
    type Service = Lambda;
    type Output = Listed;

    const NAME: &'static str = "ListFunctionUrlConfigs";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, None)
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<Listed> {
        let target = Target::parse_unqualified(cx, &self.function_name)?;
        let limit = page_size(self.max_items, PAGE_ROWS_MAX)?;
        let marker = marker(self.marker.as_deref())?;
        function(cx, &target).await?;
        let prefix = members(&target.name);
        let configs = rows(cx, &target.scope, &URL_CONFIGS);
        let mut page = configs.list(&prefix, marker.as_deref(), limit + 1).await?;
        let next_marker = PageToken::cut(&mut page, limit).map(|token| token.encode());
        let function_url_configs = page
            .into_iter()
            .map(|(key, config)| {
                let arn = match key.strip_prefix(&prefix) {
                    Some(qualifier) if qualifier != LATEST => {
                        qualified_arn(&target.scope, &target.name, qualifier)
                    }
                    _ => function_arn(&target.scope, &target.name),
                };
                config.view(cx, arn.to_string())
            })
            .collect();
        Ok(Listed { function_url_configs, next_marker })
    }
}
