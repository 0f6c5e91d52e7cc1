//! Posts: calls of other services that happen later and surely, because they are written in the commit that causes them.
//!
//! A [`Post`] names an operation, its input and who calls it. Prepared, it is one more write of a commit; when the
//! commit has happened, background work ([`start_deliveries`]) calls the operation until it succeeds or its
//! [`RetryPolicy`] gives up, then removes the post. So a state and the event it causes are there together or not at all.
//!
//! What is promised:
//! * a post is delivered at least once: after a crash, or when the process stops in the middle, once more. The call's
//!   request id is the post's id, the same each time;
//! * a post goes away only with the success of its call, in one commit with what that call left in
//!   [`Delivery::then`], or with its dead letter in one commit;
//! * lanes do not wait for each other: see [`Post::lane`]. There is no order but in lanes made by [`Post::in_order`].
//!
//! ```
//! use service::{Context, Post, Principal, Result, Table};
//! use wire::Document;
//!
//! static OBJECTS: Table<String> = Table::regional("s3", "objects");
//!
//! async fn put_object(cx: &Context, key: &str, function_arn: &str) -> Result<bool> {
//!     let principal = Principal::Service { account: cx.account().clone(), name: "s3.amazonaws.com" };
//!     let event = Document::map([
//!         ("FunctionName", function_arn.into()),
//!         ("InvocationType", "Event".into()),
//!         ("Payload", Document::Blob("{\"Records\": []}".into())),
//!     ]);
//!     let post = Post::new(cx, principal, "lambda", "Invoke", event).lane(function_arn).prepare(cx.platform()).await?;
//!     cx.changes().put(&OBJECTS, key, &"etag".to_owned())?.post(&post).commit().await
//! }
//! ```
//!
//! Code that makes its own commits uses [`PreparedPost::add_to`] or [`PreparedPost::add_to_txn`].

mod courier;
mod delivery;
mod envelope;
mod lane;
mod outbox;
mod retry;

use store::{Commit, Txn, Write};
use wire::{Document, Timestamp};

use crate::{Arn, Context, Failure, Platform, Principal, Result, Scope};

pub(crate) use courier::{deliver_due, payloads, remove_payloads};
pub(crate) use outbox::Outbox;

pub use courier::start_deliveries;
pub use delivery::{Cause, Delivery};
pub use outbox::{DELIVERIES_MAX, LANE_DELIVERIES_MAX, LANE_POSTS_MAX};
pub use retry::{Backoff, RetryPolicy};

use envelope::Envelope;
use lane::Lane;

/// Largest input of a post, as it is stored. What is over 32 KiB lies in a blob.
pub const PAYLOAD_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Longest key of a lane.
pub const LANE_KEY_BYTES_MAX: usize = 512;

/// A call to be made later. See the [module](self).
#[derive(Clone, Debug)]
pub struct Post {
    scope: Scope,
    principal: Principal,
    service: String,
    operation: String,
    input: Document,
    trace: String,
    posted: Timestamp,
    id: String,
    lane_key: String,
    ordered: bool,
    retry: RetryPolicy,
    dead_letter: Option<Box<Post>>,
    source: Option<Arn>,
}

impl Post {
    /// A call of `service`'s `operation` by `principal` in the context's account and region. Trace and time are the
    /// context's; the policy is [`RetryPolicy::default`].
    pub fn new(cx: &Context, principal: Principal, service: &str, operation: &str, input: Document) -> Self {
        Post {
            scope: cx.scope().clone(),
            principal,
            service: service.to_owned(),
            operation: operation.to_owned(),
            input,
            trace: cx.trace().to_string(),
            posted: cx.now(),
            id: cx.platform().ids().uuid(),
            lane_key: String::new(),
            ordered: false,
            retry: RetryPolicy::default(),
            dead_letter: None,
            source: None,
        }
    }

    /// The resource for whose sake the call is made, e.g. the bucket that notifies: `aws:SourceArn` in the policies of
    /// what is called, beside the account of the principal as `aws:SourceAccount`.
    pub fn source(mut self, arn: Arn) -> Self {
        self.source = Some(arn);
        self
    }

    /// Calls in another account or region.
    pub fn in_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// The request id of its calls; a new one unless given.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Posts of one scope, operation and key share a lane: what they have in common is that one slow or failing call
    /// may hold up the others. Name what is called, such as a function's ARN; no more than [`LANE_KEY_BYTES_MAX`].
    pub fn lane(mut self, key: impl Into<String>) -> Self {
        self.lane_key = key.into();
        self
    }

    /// A lane whose posts are delivered one after the other in the order of their commits; one that fails holds up the
    /// others until it succeeds or is given up.
    pub fn in_order(mut self, key: impl Into<String>) -> Self {
        self.lane_key = key.into();
        self.ordered = true;
        self
    }

    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// What to post in its place when it is given up; why is told by [`Delivery::cause`].
    pub fn dead_letter(mut self, post: Post) -> Self {
        self.dead_letter = Some(Box::new(post));
        self
    }

    /// Makes the post ready for a commit: a large input is stored now, durably. `ServiceUnavailable` when its lane is
    /// full ([`LANE_POSTS_MAX`]); an input over [`PAYLOAD_BYTES_MAX`] is the caller's mistake and an internal failure.
    ///
    /// A prepared post whose commit does not happen is given to [`PreparedPost::discard`].
    pub async fn prepare(self, platform: &Platform) -> Result<PreparedPost> {
        let lane = self.make_lane()?;
        if !platform.outbox().has_room(&lane) {
            let text = format!("{LANE_POSTS_MAX} or more calls of {} wait already.", self.operation);
            return Err(Failure::new("ServiceUnavailable", 503, text));
        }
        let envelope = Envelope::seal(self, platform).await?;
        Ok(PreparedPost { row: envelope.encode()?, lane, envelope })
    }

    fn make_lane(&self) -> Result<Lane> {
        let plain = self.lane_key.len() <= LANE_KEY_BYTES_MAX && !self.lane_key.contains('\0');
        if !plain {
            return Err(Failure::Internal(anyhow::anyhow!("{:?} is no key of a lane", self.lane_key)));
        }
        Ok(Lane::new(&self.scope, &self.service, &self.operation, &self.lane_key, self.ordered))
    }
}

/// A post ready to be written; it may be written by several attempts of a commit, of which one happens.
#[derive(Clone, Debug)]
pub struct PreparedPost {
    lane: Lane,
    envelope: Envelope,
    row: bytes::Bytes,
}

impl PreparedPost {
    /// The request id of its calls.
    pub fn id(&self) -> &str {
        &self.envelope.id
    }

    /// Adds the post to a commit. Its entry counts among the commit's appends, after those that are there.
    pub fn add_to(&self, commit: Commit) -> Commit {
        commit.put(self.lane.mark(), lane::MARK_VALUE).append(self.lane.log(), self.row.clone())
    }

    /// [`PreparedPost::add_to`] for transactions.
    pub fn add_to_txn(&self, txn: &Txn) {
        txn.put(self.lane.mark(), lane::MARK_VALUE);
        txn.append(self.lane.log(), self.row.clone());
    }

    /// Writes the post alone.
    pub async fn commit(&self, platform: &Platform) -> Result<()> {
        platform.kv().commit(self.add_to(Commit::new())).await?;
        Ok(())
    }

    /// Removes what was stored for a post that will not be written.
    pub async fn discard(self, platform: &Platform) {
        remove_payloads(platform, self.envelope.blobs()).await;
    }

    fn writes(&self) -> Vec<Write> {
        self.add_to(Commit::new()).writes
    }
}
