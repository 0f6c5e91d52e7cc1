use std::collections::HashSet;

use serde::Deserialize;
use service::{Arn, Context, Empty, Operation, Result};
use store::BlobId;

use crate::Lambda;
use crate::error::Error;
use crate::functions::{
    CHANGE_ATTEMPTS_MAX, changes, discard, function_row, in_progress, published_blobs, rows, together_with,
};
use crate::name::{LATEST, Target, version_number};
use crate::tables::{
    ALIASES, EVENT_INVOKE_CONFIGS, FUNCTIONS, POLICIES, PROVISIONED, URL_CONFIGS, URL_IDS, VERSIONS,
    member_key, members, version_key,
};

/// Versions removed in one commit; more are removed in commits before the function itself.
const VERSIONS_A_COMMIT_MAX: usize = 1_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteFunction {
    function_name: String,
    qualifier: Option<String>,
}

impl Operation for DeleteFunction {
    type Service = Lambda;
    type Output = Empty;

    const NAME: &'static str = "DeleteFunction";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, self.qualifier.as_deref())
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<Empty> {
        let target = Target::parse(cx, &self.function_name, self.qualifier.as_deref())?;
        match target.qualifier.as_deref() {
            None => delete_all(lambda, cx, &target).await?,
            Some(LATEST) => {
                let text = "$LATEST version cannot be deleted without deleting the function.";
                return Err(Error::parameter(text).into());
            }
            Some(qualifier) => match version_number(qualifier) {
                Some(version) => delete_version(lambda, cx, &target, version).await?,
                None => {
                    return Err(Error::parameter("Deletion of aliases is not currently supported.").into());
                }
            },
        }
        Ok(Empty)
    }
}

async fn delete_version(lambda: &Lambda, cx: &Context, target: &Target, version: u64) -> Result<()> {
    let function = function_row(cx, target).await?;
    let key = version_key(&target.name, version);
    let versions = rows(cx, &target.scope, &VERSIONS);
    let Some(row) = versions.row(&key).await? else { return Err(target.not_found().into()) };
    let number = version.to_string();
    let referring: Vec<String> = rows(cx, &target.scope, &ALIASES)
        .all(&members(&target.name))
        .await?
        .into_iter()
        .filter(|(_, alias)| alias.version == number || alias.additional_weights.contains_key(&number))
        .map(|(_, alias)| alias.name)
        .collect();
    if !referring.is_empty() {
        return Err(Error::conflict(format!(
            "Unable to delete version because the following aliases reference it: [{}]",
            referring.join(", ")
        ))
        .into());
    }
    let blob = row.value.package.blob.clone();
    let gone = together_with(cx, target, &function)?
        .remove_row(&VERSIONS, &key, &row)
        .remove(&POLICIES, &member_key(&target.name, &number))
        .remove(&EVENT_INVOKE_CONFIGS, &member_key(&target.name, &number))
        .remove(&PROVISIONED, &member_key(&target.name, &number))
        .commit()
        .await?;
    if !gone {
        return Err(in_progress(target));
    }
    lambda.routes.forget_function(&target.scope, &target.name);
    let prefix = format!("{}{number}/", crate::function_prefix(&target.scope, &target.name));
    lambda.workers.retire(&prefix).await;
    if function.value.latest.package.blob != blob && !published_blobs(cx, target).await?.contains(&blob) {
        discard(cx, [blob]).await;
    }
    Ok(())
}

async fn delete_all(lambda: &Lambda, cx: &Context, target: &Target) -> Result<()> {
    for _ in 0..CHANGE_ATTEMPTS_MAX {
        if let Some(blobs) = Box::pin(remove_rows(cx, target)).await? {
            if let Some(pool) = lambda.pools.get(&target.scope) {
                pool.reserve(&target.name, None);
            }
            lambda.function_gone(&target.scope, &target.name).await;
            discard(cx, blobs).await;
            return Ok(());
        }
    }
    Err(in_progress(target))
}

/// The blobs that nobody names any more; `None` when the function changed meanwhile.
async fn remove_rows(cx: &Context, target: &Target) -> Result<Option<HashSet<BlobId>>> {
    let functions = rows(cx, &target.scope, &FUNCTIONS);
    let Some(row) = functions.row(&target.name).await? else { return Err(target.not_found().into()) };
    let mut blobs = published_blobs(cx, target).await?;
    blobs.insert(row.value.latest.package.blob.clone());
    let belonging = members(&target.name);
    let versions = rows(cx, &target.scope, &VERSIONS).all(&belonging).await?;
    let mut together = changes(cx, &target.scope).remove_row(&FUNCTIONS, &target.name, &row);
    let (first, rest) = versions.split_at(versions.len().min(VERSIONS_A_COMMIT_MAX));
    for chunk in rest.chunks(VERSIONS_A_COMMIT_MAX) {
        let all = chunk.iter().fold(changes(cx, &target.scope), |all, (key, _)| all.remove(&VERSIONS, key));
        all.commit().await?;
    }
    for (key, _) in first {
        together = together.remove(&VERSIONS, key);
    }
    for (key, _) in rows(cx, &target.scope, &ALIASES).all(&belonging).await? {
        together = together.remove(&ALIASES, &key);
    }
    for (key, _) in rows(cx, &target.scope, &POLICIES).all(&belonging).await? {
        together = together.remove(&POLICIES, &key);
    }
    for (key, _) in rows(cx, &target.scope, &EVENT_INVOKE_CONFIGS).all(&belonging).await? {
        together = together.remove(&EVENT_INVOKE_CONFIGS, &key);
    }
    for (key, _) in rows(cx, &target.scope, &PROVISIONED).all(&belonging).await? {
        together = together.remove(&PROVISIONED, &key);
    }
    for (key, config) in rows(cx, &target.scope, &URL_CONFIGS).all(&belonging).await? {
        together = together.remove(&URL_CONFIGS, &key).remove(&URL_IDS, &config.url_id);
    }
    Ok(together.commit().await?.then_some(blobs))
}
