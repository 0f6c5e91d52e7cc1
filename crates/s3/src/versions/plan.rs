//! One attempt of a change: the commit it makes, and what it frees.

use service::{Context, Failure, Result};
use store::{BlobId, Commit, Outcome, Snapshot};

use super::{Row, State};
use crate::events::{self, Cause, Change};
use crate::object::{Content, Object, Piece, Place, blob_id, decode_parts};
use crate::{S3, tables};

pub(super) struct Plan {
    pub(super) commit: Commit,
    freed: Vec<BlobId>,
}

impl Plan {
    /// A change of a key that holds only if bucket and latest version are as read.
    pub(super) fn new(state: &State, key: &str) -> Self {
        let current = state.current.as_ref().map(|row| row.version);
        let commit = Commit::new()
            .check(state.found.unchanged())
            .check_version(tables::current(state.bucket(), key), current);
        Plan { commit, freed: Vec::new() }
    }

    pub(super) fn with(&mut self, change: impl FnOnce(Commit) -> Commit) {
        self.commit = change(std::mem::take(&mut self.commit));
    }

    /// Makes this the latest version.
    pub(super) fn put_current(&mut self, state: &State, key: &str, object: &Object) {
        self.with(|commit| commit.put(tables::current(state.bucket(), key), object.encode()));
    }

    /// Removes an older version, which was read from the same snapshot.
    pub(super) fn delete_older(&mut self, state: &State, key: &str, row: &Row) {
        let older = tables::older(state.bucket(), key, row.object.order);
        self.with(|commit| commit.check_version(older.clone(), Some(row.version)).delete(older));
    }

    /// The bytes of a version that goes.
    pub(super) async fn free(&mut self, state: &State, content: &Content) -> Result<()> {
        let account = &state.bucket().owner;
        match content {
            Content::Piece(piece) => self.free_piece(account, piece),
            Content::Parts(id) => {
                let key = tables::list_of_parts(account, id);
                let parts = list_of_parts(state.snapshot.as_ref(), &key).await?;
                parts.iter().try_for_each(|part| self.free_piece(account, &part.piece))?;
                self.with(|commit| commit.delete(key));
                Ok(())
            }
        }
    }

    fn free_piece(&mut self, account: &str, piece: &Piece) -> Result<()> {
        match &piece.place {
            Place::Inline(_) => {}
            Place::Row(id) => self.with(|commit| commit.delete(tables::data(account, id))),
            Place::Blob(id) => self.freed.push(blob_id(id)?),
        }
        Ok(())
    }

    /// Adds what the change tells others.
    pub(super) async fn tell(
        &mut self,
        cx: &Context,
        state: &State,
        cause: Cause,
        key: &str,
        object: &Object,
    ) -> Result<()> {
        let change = Change { cause, bucket: state.bucket(), key, object };
        let commit = std::mem::take(&mut self.commit);
        self.commit = events::with_posts(cx, state.snapshot.as_ref(), change, commit).await?;
        Ok(())
    }

    /// `false`: somebody was faster, nothing happened.
    pub(super) async fn commit(self, s3: &S3, cx: &Context) -> Result<bool> {
        match cx.platform().kv().commit(self.commit).await.map_err(Failure::from)? {
            Outcome::Done(_) => {
                s3.free(cx.platform(), self.freed);
                Ok(true)
            }
            Outcome::Conflict(_) => Ok(false),
        }
    }
}

async fn list_of_parts(snapshot: &dyn Snapshot, key: &[u8]) -> Result<Vec<crate::object::Part>> {
    match snapshot.get(key).await? {
        Some(row) => Ok(decode_parts(&row.value)
            .ok_or_else(|| anyhow::anyhow!("the list of an object's parts does not read"))?),
        None => Ok(Vec::new()),
    }
}
