//! What happens to objects, told to whoever asked to be told: the posts go into the commit that makes it happen.

use service::{Context, Result};
use store::{Commit, Snapshot};

use crate::bucket::Bucket;
use crate::object::Object;

/// Why an object changed; each is an event type of S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Put,
    Post,
    Copy,
    CompleteMultipartUpload,
    Delete,
    DeleteMarkerCreated,
    TaggingPut,
    TaggingDelete,
    AclPut,
    RestorePost,
    RestoreCompleted,
    LifecycleExpirationDelete,
    LifecycleExpirationDeleteMarkerCreated,
}

/// One change of one object, about to be committed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change<'a> {
    pub(crate) cause: Cause,
    pub(crate) bucket: &'a Bucket,
    pub(crate) key: &'a str,
    /// The version that was written, marked or removed. Its `order` is the sequencer.
    pub(crate) object: &'a Object,
}

/// Adds the posts that the change causes. Called for each attempt of a commit, with the snapshot the attempt read.
#[expect(clippy::unused_async, reason = "configurations are read from the snapshot once there are any")]
pub(crate) async fn with_posts(
    _cx: &Context,
    _snapshot: &dyn Snapshot,
    _change: Change<'_>,
    commit: Commit,
) -> Result<Commit> {
    Ok(commit)
}
