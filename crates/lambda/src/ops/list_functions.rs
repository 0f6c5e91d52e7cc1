use serde::{Deserialize, Serialize};
use service::{Context, Operation, PageToken, Result};

use crate::Lambda;
use crate::configuration::{FunctionConfiguration, Phase};
use crate::functions::rows;
use crate::name::LATEST;
use crate::ops::{marker, page_size};
use crate::tables::{FUNCTIONS, VERSIONS, members};

/// Functions of one page, whatever the client asks for (ListFunctions in the API reference).
const PAGE_ROWS_MAX: usize = 50;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListFunctions {
    function_version: Option<String>,
    marker: Option<String>,
    max_items: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listed {
    functions: Vec<FunctionConfiguration>,
    next_marker: Option<String>,
}

impl Operation for ListFunctions {
    type Service = Lambda;
    type Output = Listed;

    const NAME: &'static str = "ListFunctions";

    async fn run(self, _: &Lambda, cx: &Context) -> Result<Listed> {
        let limit = page_size(self.max_items, PAGE_ROWS_MAX)?;
        let marker = marker(self.marker.as_deref())?;
        match self.function_version.as_deref() {
            None => latest(cx, marker, limit).await,
            Some("ALL") => all_versions(cx, marker, limit).await,
            Some(other) => {
                let rule = "Member must satisfy enum value set: [ALL]";
                Err(crate::settings::constraint(other, "functionVersion", rule))
            }
        }
    }
}

async fn latest(cx: &Context, marker: Option<String>, limit: usize) -> Result<Listed> {
    let mut page = rows(cx, cx.scope(), &FUNCTIONS).list("", marker.as_deref(), limit + 1).await?;
    let next_marker = PageToken::cut(&mut page, limit).map(|token| token.encode());
    let functions = page
        .into_iter()
        .map(|(name, function)| {
            FunctionConfiguration::new(cx.scope(), &name, None, function.latest, Phase::Settled)
        })
        .collect();
    Ok(Listed { functions, next_marker })
}

/// Every function followed by its published versions. The marker is `NAME` after `$LATEST` and a version's key after it.
async fn all_versions(cx: &Context, marker: Option<String>, limit: usize) -> Result<Listed> {
    let functions = rows(cx, cx.scope(), &FUNCTIONS);
    let versions = rows(cx, cx.scope(), &VERSIONS);
    let mut page: Vec<(String, FunctionConfiguration)> = Vec::new();
    let (mut name, mut version) = match marker {
        None => (None, None),
        Some(marker) => match marker.split_once('/') {
            Some((name, _)) => (Some(name.to_owned()), Some(marker.clone())),
            None => (Some(marker), None),
        },
    };
    while page.len() <= limit {
        if let Some(name) = &name {
            let wanted = limit + 1 - page.len();
            let found = versions.list(&members(name), version.as_deref(), wanted).await?;
            let more = found.len() == wanted;
            for (key, revision) in found {
                let number = revision.version.clone();
                let told =
                    FunctionConfiguration::new(cx.scope(), name, Some(&number), revision, Phase::Settled);
                page.push((key, told));
            }
            if more {
                break;
            }
        }
        let Some((next, function)) = functions.list("", name.as_deref(), 1).await?.pop() else { break };
        let told =
            FunctionConfiguration::new(cx.scope(), &next, Some(LATEST), function.latest, Phase::Settled);
        page.push((next.clone(), told));
        (name, version) = (Some(next), None);
    }
    let next_marker = PageToken::cut(&mut page, limit).map(|token| token.encode());
    Ok(Listed { functions: page.into_iter().map(|(_, told)| told).collect(), next_marker })
}
