//! New versions, and changes of what is known of existing ones.

use service::{Context, Result};
use store::Commit;

use super::plan::Plan;
use super::{Place, State, Target, parse_version_id};
use crate::bucket::{self, Bucket, Versioning};
use crate::error;
use crate::events::Cause;
use crate::limits::CONFLICT_RETRIES_MAX;
use crate::object::{Object, VersionName};
use crate::{S3, tables};

/// A version to be written. Its order, name and time are given when it is.
pub(crate) struct Draft {
    pub(crate) object: Object,
    pub(crate) cause: Cause,
}

/// A version that is durable.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) bucket: Bucket,
    pub(crate) object: Object,
}

impl Written {
    /// What `x-amz-version-id` answers.
    pub(crate) fn version_id(&self) -> Option<String> {
        (self.bucket.versioning == Versioning::Enabled).then(|| self.object.version_id())
    }

    /// The same for requests that change an existing version, which may be the null one.
    pub(crate) fn any_version_id(&self) -> Option<String> {
        (self.bucket.versioning != Versioning::Off).then(|| self.object.version_id())
    }
}

/// Writes a new latest version. `condition` looks at what is there and may refuse, or complete the object from the
/// bucket; `beside` adds the rows the object needs.
pub(crate) async fn write(
    s3: &S3,
    cx: &Context,
    target: Target<'_>,
    draft: Draft,
    condition: impl Fn(&Bucket, Option<&Object>, &mut Object) -> Result<()>,
    beside: impl Fn(&Bucket, Commit) -> Commit,
) -> Result<Written> {
    let mut turn = None;
    for attempt in 0..CONFLICT_RETRIES_MAX {
        let state = State::read(cx, target).await?;
        let mut object = draft.object.clone();
        condition(state.bucket(), present(&state), &mut object)?;
        let mut plan = Plan::new(&state, target.key);
        plan.with(|commit| beside(state.bucket(), commit));
        add_version(cx, &mut plan, &state, target.key, &mut object).await?;
        plan.tell(cx, &state, draft.cause, target.key, &object).await?;
        if plan.commit(s3, cx).await? {
            return Ok(Written { bucket: state.found.bucket, object });
        }
        // Rivals for one key take turns from the second attempt on.
        if attempt == 0 {
            turn = Some(s3.turn_of(target).lock().await);
        }
    }
    drop(turn);
    Err(bucket::busy())
}

/// The latest version, unless it is a delete marker.
fn present(state: &State) -> Option<&Object> {
    state.current.as_ref().map(|row| &row.object).filter(|object| !object.is_delete_marker)
}

/// Puts the object before all other versions of the key, as the bucket's versioning wants it.
pub(super) async fn add_version(
    cx: &Context,
    plan: &mut Plan,
    state: &State,
    key: &str,
    object: &mut Object,
) -> Result<()> {
    let now = cx.now().epoch_millis();
    let micros = u64::try_from(now).unwrap_or(0).saturating_mul(1_000);
    let current = state.current.as_ref();
    object.modified_epoch_millis = now;
    object.order = current.map_or(0, |row| row.object.order.saturating_add(1)).max(micros);
    object.null_order = None;
    if state.bucket().versioning == Versioning::Enabled {
        object.version = VersionName::Random(u64::from_be_bytes(cx.platform().ids().bytes()));
    } else {
        object.version = VersionName::Null;
    }
    let Some(current) = current else {
        plan.put_current(state, key, object);
        return Ok(());
    };
    let replaces_null = object.is_null();
    if replaces_null && current.object.is_null() {
        plan.free(state, &current.object.content);
    } else {
        let mut old = current.object.clone();
        let null_order = if old.is_null() { Some(old.order) } else { old.null_order.take() };
        plan.with(|commit| commit.put(tables::older(state.bucket(), key, old.order), old.encode()));
        match null_order {
            Some(order) if replaces_null => {
                if let Some(null) = state.older(key, order).await? {
                    plan.free(state, &null.object.content);
                    plan.delete_older(state, key, &null);
                }
            }
            kept => object.null_order = kept,
        }
    }
    plan.put_current(state, key, object);
    Ok(())
}

/// Changes what is known of a version: its tags, its lock, its access control list.
pub(crate) async fn update(
    s3: &S3,
    cx: &Context,
    target: Target<'_>,
    version_id: Option<&str>,
    causes: &[Cause],
    mut change: impl FnMut(&Bucket, &mut Object) -> Result<()>,
) -> Result<Written> {
    for _ in 0..CONFLICT_RETRIES_MAX {
        let state = State::read(cx, target).await?;
        let place = match version_id {
            Some(id) => state
                .version(target.key, parse_version_id(id)?)
                .await?
                .ok_or_else(|| error::no_such_version(target.key, id))?,
            None => Place::Current(state.current.clone().ok_or_else(|| error::no_such_key(target.key))?),
        };
        let (key, row) = match place {
            Place::Current(row) => (tables::current(state.bucket(), target.key), row),
            Place::Older(row) => (tables::older(state.bucket(), target.key, row.object.order), row),
        };
        let mut object = row.object;
        if object.is_delete_marker {
            return Err(match version_id {
                Some(_) => error::method_not_allowed_on_marker(&object),
                None => error::no_such_key(target.key).with("DeleteMarker", true),
            }
            .into());
        }
        change(state.bucket(), &mut object)?;
        let mut plan = Plan::new(&state, target.key);
        plan.with(|commit| commit.check_version(key.clone(), Some(row.version)).put(key, object.encode()));
        for cause in causes {
            plan.tell(cx, &state, *cause, target.key, &object).await?;
        }
        if plan.commit(s3, cx).await? {
            return Ok(Written { bucket: state.found.bucket, object });
        }
    }
    Err(bucket::busy())
}
