//! One attempt of a change: the commit it makes, and what it frees.

use service::{Context, Failure, Result};
use store::{Commit, Outcome};

use super::{Row, State};
use crate::events::{self, Cause, Change};
use crate::object::{Content, Object, Piece, Place};
use crate::{S3, tables};

pub(super) struct Plan {
    pub(super) commit: Commit,
    frees: bool,
}

impl Plan {
    /// A change of a key that holds only if bucket and latest version are as read.
    pub(super) fn new(state: &State, key: &str) -> Self {
        let current = state.current.as_ref().map(|row| row.version);
        let commit = Commit::new()
            .check(state.found.unchanged())
            .check_version(tables::current(state.bucket(), key), current);
        Plan { commit, frees: false }
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

    /// The bytes of a version that goes; the worker deletes them.
    pub(super) fn free(&mut self, state: &State, content: &Content) {
        let account = &state.bucket().owner;
        match content {
            Content::Piece(Piece { place: Place::Inline(_), .. }) => {}
            Content::Piece(Piece { place: Place::Row(id), .. }) => {
                self.with(|commit| commit.delete(tables::data(account, id)));
            }
            Content::Piece(Piece { place: Place::Blob(id), .. }) => {
                self.frees = true;
                self.with(|commit| commit.put(tables::freed(id), Vec::new()));
            }
            Content::Parts(id) => {
                self.frees = true;
                self.with(|commit| commit.put(tables::freed_list(account, id), Vec::new()));
            }
        }
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
                if self.frees {
                    s3.clear_soon();
                }
                Ok(true)
            }
            Outcome::Conflict(_) => Ok(false),
        }
    }
}
