use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, PageToken, Result};

use crate::Lambda;
use crate::configuration::{FunctionConfiguration, Phase};
use crate::functions::{function, rows};
use crate::name::Target;
use crate::ops::{marker, page_size};
use crate::tables::{VERSIONS, members};

/// Versions of one page, whatever the client asks for.
const PAGE_ROWS_MAX: usize = 50;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListVersionsByFunction {
    function_name: String,
    marker: Option<String>,
    max_items: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listed {
    versions: Vec<FunctionConfiguration>,
    next_marker: Option<String>,
}

impl Operation for ListVersionsByFunction {
    type Service = Lambda;
    type Output = Listed;

    const NAME: &'static str = "ListVersionsByFunction";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, None)
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<Listed> {
        let target = Target::parse_unqualified(cx, &self.function_name)?;
        let limit = page_size(self.max_items, PAGE_ROWS_MAX)?;
        let marker = marker(self.marker.as_deref())?;
        let function = function(cx, &target).await?;
        // `$LATEST` comes first and counts as one; its key sorts before those of all versions.
        let mut page = Vec::new();
        if marker.is_none() {
            page.push((members(&target.name), function.latest));
        }
        let wanted = limit + 1 - page.len();
        let versions = rows(cx, &target.scope, &VERSIONS);
        page.extend(versions.list(&members(&target.name), marker.as_deref(), wanted).await?);
        let next_marker = PageToken::cut(&mut page, limit).map(|token| token.encode());
        let versions = page
            .into_iter()
            .map(|(_, revision)| {
                let qualifier = revision.version.clone();
                FunctionConfiguration::new(
                    &target.scope,
                    &target.name,
                    Some(&qualifier),
                    revision,
                    Phase::Settled,
                )
            })
            .collect();
        Ok(Listed { versions, next_marker })
    }
}
