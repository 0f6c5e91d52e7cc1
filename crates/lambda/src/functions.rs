//! Reading and changing functions: the steps that several operations share.

use std::collections::HashSet;

use serde::Serialize;
use serde::de::DeserializeOwned;
use service::{Changes, Context, Failure, Result, Row, Rows, Scope, Table};
use store::BlobId;

use crate::error::Error;
use crate::name::{LATEST, Target, version_number};
use crate::tables::{
    ALIASES, Alias, FUNCTIONS, Function, Revision, VERSIONS, member_key, members, version_key,
};

/// How often a change is tried again when another one came between.
pub(crate) const CHANGE_ATTEMPTS_MAX: usize = 32;

/// Rows of the function's own account, which need not be the caller's.
pub(crate) fn rows<'a, T>(cx: &'a Context, scope: &'a Scope, table: &'static Table<T>) -> Rows<'a, T>
where
    T: Serialize + DeserializeOwned,
{
    Rows::new(cx.platform().kv().as_ref(), table, scope)
}

pub(crate) fn changes<'a>(cx: &'a Context, scope: &'a Scope) -> Changes<'a> {
    Changes::new(cx.platform().kv().as_ref(), scope)
}

/// The function, whatever the qualifier.
pub(crate) async fn function(cx: &Context, target: &Target) -> Result<Function> {
    rows(cx, &target.scope, &FUNCTIONS).get(&target.name).await?.ok_or_else(|| target.not_found().into())
}

/// The alias that the qualifier names; `None` when it names a version or nothing.
pub(crate) async fn alias(cx: &Context, target: &Target, name: &str) -> Result<Option<Alias>> {
    rows(cx, &target.scope, &ALIASES).get(&member_key(&target.name, name)).await
}

/// One published version, by its number or as `$LATEST`.
pub(crate) async fn version(
    cx: &Context,
    target: &Target,
    function: &Function,
    version: &str,
) -> Result<Revision> {
    if version == LATEST {
        return Ok(function.latest.clone());
    }
    let Some(number) = version_number(version) else { return Err(target.not_found().into()) };
    let key = version_key(&target.name, number);
    rows(cx, &target.scope, &VERSIONS).get(&key).await?.ok_or_else(|| target.not_found().into())
}

/// What the qualifier means now: an alias stands for its main version.
pub(crate) async fn revision(cx: &Context, target: &Target) -> Result<(Function, Revision)> {
    let function = function(cx, target).await?;
    let revision = match target.qualifier.as_deref() {
        None | Some(LATEST) => function.latest.clone(),
        Some(number) if version_number(number).is_some() => version(cx, target, &function, number).await?,
        Some(name) => {
            let alias = alias(cx, target, name).await?.ok_or_else(|| target.not_found())?;
            version(cx, target, &function, &alias.version).await?
        }
    };
    Ok((function, revision))
}

/// Checks that a qualifier names something, for what is attached to versions and aliases.
pub(crate) async fn require(cx: &Context, target: &Target) -> Result<Function> {
    Ok(revision(cx, target).await?.0)
}

/// The function's row, to be put back unchanged by [`together_with`].
pub(crate) async fn function_row(cx: &Context, target: &Target) -> Result<Row<Function>> {
    let row = rows(cx, &target.scope, &FUNCTIONS).row(&target.name).await?;
    row.ok_or_else(|| target.not_found().into())
}

/// A change of something that belongs to a function: it conflicts with every other change of the function or of
/// its belongings, its deletion above all, so that nothing is left behind and nothing refers to what is gone.
pub(crate) fn together_with<'a>(
    cx: &'a Context,
    target: &'a Target,
    function: &Row<Function>,
) -> Result<Changes<'a>> {
    changes(cx, &target.scope).replace(&FUNCTIONS, &target.name, function)
}

/// Another change came between too often.
pub(crate) fn in_progress(target: &Target) -> Failure {
    let arn = target.function_arn();
    Error::conflict(format!(
        "The operation cannot be performed at this time. An update is in progress for resource: {arn}"
    ))
    .into()
}

/// That a version is to be published together with a change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Publication {
    pub(crate) description: Option<String>,
}

/// A change that happened.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) before: Function,
    pub(crate) after: Function,
    /// The version that holds the new state; an earlier one when nothing differs from it.
    pub(crate) published: Option<Revision>,
}

/// Changes a function and publishes it if asked, in one commit. `change` may run several times.
pub(crate) async fn change(
    cx: &Context,
    target: &Target,
    publication: Option<&Publication>,
    mut change: impl FnMut(&mut Function) -> Result<()> + Send,
) -> Result<Changed> {
    let functions = rows(cx, &target.scope, &FUNCTIONS);
    for _ in 0..CHANGE_ATTEMPTS_MAX {
        let Some(mut row) = functions.row(&target.name).await? else { return Err(target.not_found().into()) };
        let before = row.value.clone();
        change(&mut row.value)?;
        let mut changes = changes(cx, &target.scope);
        let mut published = None;
        if let Some(publication) = publication {
            let last = last_version(cx, target).await?;
            let revision = match last.filter(|last| same_content(last, &row.value.latest)) {
                Some(last) => last,
                None => {
                    let revision = publish(cx, &mut row.value, publication);
                    let key = version_key(&target.name, row.value.version_last);
                    changes = changes.insert(&VERSIONS, &key, &revision)?;
                    revision
                }
            };
            published = Some(revision);
        }
        if changes.replace(&FUNCTIONS, &target.name, &row)?.commit().await? {
            return Ok(Changed { before, after: row.value, published });
        }
    }
    Err(in_progress(target))
}

/// Makes `$LATEST` of now into a version that never changes.
pub(crate) fn publish(cx: &Context, function: &mut Function, publication: &Publication) -> Revision {
    function.version_last += 1;
    Revision {
        version: function.version_last.to_string(),
        revision_id: cx.platform().ids().uuid(),
        modified_epoch_millis: cx.now().epoch_millis(),
        package: function.latest.package.clone(),
        settings: function.latest.settings.clone(),
        description: publication.description.clone(),
    }
}

/// Refuses a change that was made for another state of the function.
pub(crate) fn check_revision(expected: Option<&str>, actual: &str) -> std::result::Result<(), Error> {
    match expected {
        Some(expected) if expected != actual => Err(Error::stale_revision("GetFunction/GetAlias")),
        _ => Ok(()),
    }
}

/// The blobs of all versions of a function, `$LATEST` left out.
pub(crate) async fn published_blobs(cx: &Context, target: &Target) -> Result<HashSet<BlobId>> {
    let versions = rows(cx, &target.scope, &VERSIONS).all(&members(&target.name)).await?;
    Ok(versions.into_iter().map(|(_, revision)| revision.package.blob).collect())
}

/// Removes blobs that no row names any more. What fails stays as garbage; the rows are right already.
pub(crate) async fn discard(cx: &Context, blobs: impl IntoIterator<Item = BlobId>) {
    for blob in blobs {
        if let Err(error) = cx.platform().blobs().delete(&blob).await {
            tracing::warn!(%blob, %error, "an unused package was not removed");
        }
    }
}

async fn last_version(cx: &Context, target: &Target) -> Result<Option<Revision>> {
    let newest = rows(cx, &target.scope, &VERSIONS).list_backward(&members(&target.name), None, 1).await?;
    Ok(newest.into_iter().next().map(|(_, revision)| revision))
}

fn same_content(left: &Revision, right: &Revision) -> bool {
    left.package.sha256 == right.package.sha256 && left.settings == right.settings
}
