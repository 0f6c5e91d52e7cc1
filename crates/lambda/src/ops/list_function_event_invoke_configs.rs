use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, PageToken, Result};

use crate::Lambda;
use crate::event_invoke::config::{ConfigView, require};
use crate::functions::rows;
use crate::name::Target;
use crate::ops::{marker, page_size};
use crate::tables::{EVENT_INVOKE_CONFIGS, members};

/// Configurations of one page, whatever the client asks for.
const PAGE_ROWS_MAX: usize = 50;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListFunctionEventInvokeConfigs {
    function_name: String,
    marker: Option<String>,
    max_items: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listed {
    function_event_invoke_configs: Vec<ConfigView>,
    next_marker: Option<String>,
}

impl Operation for ListFunctionEventInvokeConfigs {
    type Service = Lambda;
    type Output = Listed;

    const NAME: &'static str = "ListFunctionEventInvokeConfigs";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, None)
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<Listed> {
        let target = Target { qualifier: None, ..Target::parse_unqualified(cx, &self.function_name)? };
        let limit = page_size(self.max_items, PAGE_ROWS_MAX)?;
        let marker = marker(self.marker.as_deref())?;
        require(cx, &target).await?;
        let prefix = members(&target.name);
        let configs = rows(cx, &target.scope, &EVENT_INVOKE_CONFIGS);
        let mut page = configs.list(&prefix, marker.as_deref(), limit + 1).await?;
        let next_marker = PageToken::cut(&mut page, limit).map(|token| token.encode());
        let function_event_invoke_configs = page
            .into_iter()
            .map(|(key, config)| {
                let qualifier = key.strip_prefix(&prefix).map(str::to_owned);
                config.view(&Target { qualifier, ..target.clone() })
            })
            .collect();
        Ok(Listed { function_event_invoke_configs, next_marker })
    }
}
