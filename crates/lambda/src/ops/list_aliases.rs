use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, PageToken, Result};

use crate::Lambda;
use crate::alias::AliasConfiguration;
use crate::functions::{function, rows};
use crate::name::Target;
use crate::ops::{marker, page_size};
use crate::tables::{ALIASES, members};

/// Aliases of one page, whatever the client asks for.
const PAGE_ROWS_MAX: usize = 50;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListAliases {
    function_name: String,
    function_version: Option<String>,
    marker: Option<String>,
    max_items: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listed {
    aliases: Vec<AliasConfiguration>,
    next_marker: Option<String>,
}

impl Operation for ListAliases {
    type Service = Lambda;
    type Output = Listed;

    const NAME: &'static str = "ListAliases";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, None)
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<Listed> {
        let target = Target::parse_unqualified(cx, &self.function_name)?;
        let limit = page_size(self.max_items, PAGE_ROWS_MAX)?;
        let marker = marker(self.marker.as_deref())?;
        function(cx, &target).await?;
        let wanted = |version: &str| self.function_version.as_ref().is_none_or(|wanted| wanted == version);
        let mut page: Vec<_> = rows(cx, &target.scope, &ALIASES)
            .all(&members(&target.name))
            .await?
            .into_iter()
            .filter(|(key, alias)| {
                marker.as_ref().is_none_or(|marker| key > marker) && wanted(&alias.version)
            })
            .collect();
        let next_marker = PageToken::cut(&mut page, limit).map(|token| token.encode());
        let aliases = page
            .into_iter()
            .map(|(_, alias)| AliasConfiguration::new(&target.scope, &target.name, alias))
            .collect();
        Ok(Listed { aliases, next_marker })
    }
}
