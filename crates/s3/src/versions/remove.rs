//! Deletes: by version, or by putting a delete marker before all versions.

use service::{Context, Result};

use super::plan::Plan;
use super::write::add_version;
use super::{Place, Row, State, Target};
use crate::bucket::{self, Bucket, Versioning};
use crate::events::Cause;
use crate::limits::CONFLICT_RETRIES_MAX;
use crate::object::{Object, VersionId};
use crate::{S3, tables};

/// What a delete did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    /// The version that was removed, or the delete marker that was written.
    pub(crate) version_id: Option<String>,
    /// The version is a delete marker.
    pub(crate) delete_marker: Option<bool>,
}

/// Who removes, for the event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Causes {
    pub(crate) removed: Cause,
    pub(crate) marked: Cause,
}

impl Causes {
    pub(crate) const REQUEST: Causes = Causes { removed: Cause::Delete, marked: Cause::DeleteMarkerCreated };
}

/// Removes a version, or, without an id, what is present. `condition` looks at the version that would go, or that a
/// delete marker would cover, and may refuse. Removing what is not there is fine.
pub(crate) async fn remove(
    s3: &S3,
    cx: &Context,
    target: Target<'_>,
    version_id: Option<VersionId>,
    causes: Causes,
    condition: impl Fn(&Bucket, Option<&Object>) -> Result<()>,
) -> Result<Removed> {
    let mut turn = None;
    for attempt in 0..CONFLICT_RETRIES_MAX {
        let state = State::read(cx, target).await?;
        let (plan, removed) = match version_id {
            Some(id) => remove_version(cx, &state, target.key, id, causes, &condition).await?,
            None => remove_present(cx, &state, target.key, causes, &condition).await?,
        };
        let is_done = match plan {
            Some(plan) => plan.commit(s3, cx).await?,
            None => true,
        };
        if is_done {
            return Ok(removed);
        }
        if attempt == 0 {
            turn = Some(s3.turn_of(target).lock().await);
        }
    }
    drop(turn);
    Err(bucket::busy())
}

type Planned = (Option<Plan>, Removed);

async fn remove_present(
    cx: &Context,
    state: &State,
    key: &str,
    causes: Causes,
    condition: &impl Fn(&Bucket, Option<&Object>) -> Result<()>,
) -> Result<Planned> {
    let current = state.current.as_ref().map(|row| &row.object);
    condition(state.bucket(), current.filter(|object| !object.is_delete_marker))?;
    let mut plan = Plan::new(state, key);
    if state.bucket().versioning == Versioning::Off {
        let Some(current) = current else { return Ok((None, Removed::default())) };
        plan.free(state, &current.content);
        plan.with(|commit| commit.delete(tables::current(state.bucket(), key)));
        plan.tell(cx, state, causes.removed, key, current).await?;
        return Ok((Some(plan), Removed::default()));
    }
    let mut marker = Object { is_delete_marker: true, ..Object::default() };
    add_version(cx, &mut plan, state, key, &mut marker).await?;
    plan.tell(cx, state, causes.marked, key, &marker).await?;
    Ok((Some(plan), Removed { version_id: Some(marker.version_id()), delete_marker: Some(true) }))
}

async fn remove_version(
    cx: &Context,
    state: &State,
    key: &str,
    id: VersionId,
    causes: Causes,
    condition: &impl Fn(&Bucket, Option<&Object>) -> Result<()>,
) -> Result<Planned> {
    let place = state.version(key, id).await?;
    let found = place.as_ref().map(|place| match place {
        Place::Current(row) | Place::Older(row) => &row.object,
    });
    condition(state.bucket(), found)?;
    let mut removed = Removed {
        version_id: Some(match id {
            VersionId::Null => "null".to_owned(),
            VersionId::Named { order, random } => format!("{order:016x}{random:016x}"),
        }),
        delete_marker: None,
    };
    let Some(place) = place else { return Ok((None, removed)) };
    let mut plan = Plan::new(state, key);
    let object = match place {
        Place::Current(row) => {
            promote(&mut plan, state, key, &row).await?;
            row.object
        }
        Place::Older(row) => {
            plan.delete_older(state, key, &row);
            if row.object.is_null()
                && let Some(current) = &state.current
            {
                let current = Object { null_order: None, ..current.object.clone() };
                plan.put_current(state, key, &current);
            }
            row.object
        }
    };
    plan.free(state, &object.content);
    removed.delete_marker = object.is_delete_marker.then_some(true);
    plan.tell(cx, state, causes.removed, key, &object).await?;
    Ok((Some(plan), removed))
}

/// The latest version goes; the one behind it takes its place.
async fn promote(plan: &mut Plan, state: &State, key: &str, gone: &Row) -> Result<()> {
    match state.latest_older(key).await? {
        Some(next) => {
            plan.delete_older(state, key, &next);
            let mut object = next.object;
            object.null_order = gone.object.null_order.filter(|_| !object.is_null());
            plan.put_current(state, key, &object);
        }
        None => plan.with(|commit| commit.delete(tables::current(state.bucket(), key))),
    }
    Ok(())
}
