//! What every service is made of: operations, their table, the context of a request, and typed rows.
//!
//! A service crate declares one type per operation ([`Operation`]), lists them in one table ([`Definition`]),
//! and never sees a protocol, a signature or an HTTP message. It reads time, ids, account, region and caller
//! from its [`Context`], keeps its state in [`Rows`], and reaches other services through [`Context::call`] now or
//! through a [`Post`] later.
//!
//! This crate must not know protocols, signatures, HTTP or any particular service.

mod arn;
mod authorize;
mod caller;
mod clock;
mod context;
mod event_pattern;
mod failure;
pub mod honesty;
mod ids;
mod operation;
mod page;
mod platform;
mod post;
mod registry;
mod reply;
mod rows;
mod scope;
mod tags;
mod trace;

pub use arn::Arn;
pub use authorize::{
    AllowAll, Authorization, Authorizer, ConditionKeys, Demand, Grant, Grantee, ResourcePolicies,
    ResourcePolicy, ResourcePolicyKind, grants_document,
};
pub use caller::{Caller, CallerSession, Principal};
pub use clock::Clock;
pub use context::{Context, ContextBuilder, Trailers};
pub use event_pattern::{EventPattern, PatternError};
pub use failure::{Failure, Result, WireError};
pub use ids::Ids;
pub use operation::{Definition, Entry, Judge, Operation, Ready};
pub use page::{PageToken, TokenError};
pub use platform::{Mode, Platform, PlatformParts};
pub use post::{
    Backoff, Cause, DELIVERIES_MAX, Delivery, LANE_DELIVERIES_MAX, LANE_KEY_BYTES_MAX, LANE_POSTS_MAX,
    PAYLOAD_BYTES_MAX, Post, PreparedPost, RetryPolicy, start_deliveries,
};
pub use registry::{AnyService, Guarded, Mounted, Registry};
pub use reply::{ByteStream, Empty, Event, EventStream, IntoReply, Reply, ReplyStream, Streamed};
pub use rows::{Changes, Row, Rows, Table};
pub use scope::{AccountId, Region, Scope};
pub use store::BoxFuture;
pub use tags::{TagError, Tags};
pub use trace::Trace;
