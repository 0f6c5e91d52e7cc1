use serde::Serialize;
use service::{Arn, Context, Operation, PageToken, Result};

use crate::Lambda;
use crate::functions::{function, rows};
use crate::name::Target;
use crate::ops::{marker, page_size};
use crate::provisioned::ProvisionedView;
use crate::tables::{PROVISIONED, members};

/// Configurations of one page, whatever the client asks for.
const PAGE_ROWS_MAX: usize = 50;

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListProvisionedConcurrencyConfigs {
    function_name: String,
    marker: Option<String>,
    max_items: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listed {
    provisioned_concurrency_configs: Vec<Item>,
    next_marker: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    function_arn: String,
    #[serde(flatten)]
    view: ProvisionedView,
}

impl Operation for ListProvisionedConcurrencyConfigs {
    type Service = Lambda;
    type Output = Listed;

    const NAME: &'static str = "ListProvisionedConcurrencyConfigs";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, None)
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<Listed> {
        let target = Target { qualifier: None, ..Target::parse_unqualified(cx, &self.function_name)? };
        let limit = page_size(self.max_items, PAGE_ROWS_MAX)?;
        let marker = marker(self.marker.as_deref())?;
        function(cx, &target).await?;
        let prefix = members(&target.name);
        let configs = rows(cx, &target.scope, &PROVISIONED);
        let mut page = configs.list(&prefix, marker.as_deref(), limit + 1).await?;
        let next_marker = PageToken::cut(&mut page, limit).map(|token| token.encode());
        let mut provisioned_concurrency_configs = Vec::with_capacity(page.len());
        for (key, config) in page {
            let of = Target { qualifier: key.strip_prefix(&prefix).map(str::to_owned), ..target.clone() };
            let view = lambda.provisioned_view(cx, &of, &config).await?;
            provisioned_concurrency_configs.push(Item { function_arn: of.qualified_arn().to_string(), view });
        }
        Ok(Listed { provisioned_concurrency_configs, next_marker })
    }
}
