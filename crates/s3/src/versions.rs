//! The versions of a key: reading one, and the commits that add, replace and remove them.
//!
//! Every change of a key is one commit that holds only if the bucket's row and the rows it read are unchanged; after a
//! conflict it is planned again on what is there now. What a change frees is deleted once the commit is durable.

mod plan;
mod remove;
mod write;

use service::{Context, Result};
use store::{Order, Snapshot, Version};

use crate::bucket::{self, Bucket, Found, Versioning};
use crate::error;
use crate::object::{Object, VersionId};
use crate::tables;

pub(crate) use remove::{Causes, Removed, remove};
pub(crate) use write::{Draft, Written, update, write};

/// One key of one bucket, as a request names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
    /// `x-amz-expected-bucket-owner`.
    pub(crate) expected_owner: Option<&'a str>,
}

/// A version as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) object: Object,
    pub(crate) version: Version,
}

/// A key at one moment: its bucket and its latest version.
pub(crate) struct State {
    pub(crate) snapshot: Box<dyn Snapshot>,
    pub(crate) found: Found,
    pub(crate) current: Option<Row>,
}

impl State {
    pub(crate) async fn read(cx: &Context, target: Target<'_>) -> Result<State> {
        let snapshot = cx.platform().kv().snapshot().await?;
        let found = bucket::find(snapshot.as_ref(), target.bucket, target.expected_owner).await?;
        let current = snapshot.get(&tables::current(&found.bucket, target.key)).await?;
        let current = current.map(Row::decode).transpose()?;
        Ok(State { snapshot, found, current })
    }

    pub(crate) fn bucket(&self) -> &Bucket {
        &self.found.bucket
    }

    /// The version of an id; `None`: there is no such version.
    pub(crate) async fn version(&self, key: &str, id: VersionId) -> Result<Option<Place>> {
        let Some(current) = &self.current else { return Ok(None) };
        if id.names(&current.object) {
            return Ok(Some(Place::Current(current.clone())));
        }
        let order = match id {
            VersionId::Null => match current.object.null_order {
                Some(order) => order,
                None => return Ok(None),
            },
            VersionId::Named { order, .. } => order,
        };
        Ok(self.older(key, order).await?.filter(|row| id.names(&row.object)).map(Place::Older))
    }

    async fn older(&self, key: &str, order: u64) -> Result<Option<Row>> {
        let row = self.snapshot.get(&tables::older(self.bucket(), key, order)).await?;
        row.map(Row::decode).transpose()
    }

    /// The latest of the older versions.
    async fn latest_older(&self, key: &str) -> Result<Option<Row>> {
        let rows = self.snapshot.scan(tables::older_of(self.bucket(), key), Order::Forward, 1).await?;
        rows.into_iter().next().map(|(_, row)| Row::decode(row)).transpose()
    }
}

impl Row {
    fn decode(row: store::Versioned) -> Result<Row> {
        Ok(Row { object: Object::decode(&row.value)?, version: row.version })
    }
}

/// Where a version was found.
pub(crate) enum Place {
    Current(Row),
    Older(Row),
}

impl Place {
    pub(crate) fn into_row(self) -> Row {
        match self {
            Place::Current(row) | Place::Older(row) => row,
        }
    }
}

/// A version that a request reads.
pub(crate) struct Read {
    pub(crate) bucket: Bucket,
    pub(crate) object: Object,
}

impl Read {
    /// What `x-amz-version-id` answers: nothing in buckets that never had versions.
    pub(crate) fn version_id(&self) -> Option<String> {
        (self.bucket.versioning != Versioning::Off).then(|| self.object.version_id())
    }
}

/// The version a request names, or the latest. Delete markers are errors that say so.
pub(crate) async fn read(cx: &Context, target: Target<'_>, version_id: Option<&str>) -> Result<Read> {
    let state = State::read(cx, target).await?;
    let object = match version_id {
        None => {
            let Some(current) = state.current else { return Err(error::no_such_key(target.key).into()) };
            if current.object.is_delete_marker {
                return Err(error::no_such_key(target.key)
                    .with("DeleteMarker", true)
                    .with("VersionId", current.object.version_id())
                    .into());
            }
            current.object
        }
        Some(id) => {
            let found = state.version(target.key, parse_version_id(id)?).await?;
            let found = found.ok_or_else(|| error::no_such_version(target.key, id))?.into_row().object;
            if found.is_delete_marker {
                return Err(error::method_not_allowed_on_marker(&found).into());
            }
            found
        }
    };
    Ok(Read { bucket: state.found.bucket, object })
}

pub(crate) fn parse_version_id(id: &str) -> Result<VersionId> {
    Ok(VersionId::parse(id)
        .ok_or_else(|| error::invalid_argument("Invalid version id specified", "versionId", id))?)
}

/// Refuses keys that no object can have.
pub(crate) fn check_key(key: &str) -> Result<()> {
    if tables::fits(key) {
        return Ok(());
    }
    Err(error::Error::new("KeyTooLongError", 400, "Your key is too long")
        .with("Size", i64::try_from(key.len()).unwrap_or(i64::MAX))
        .with("MaxSizeAllowed", crate::limits::KEY_BYTES_MAX as i64)
        .into())
}
