//! The decision whether a caller may act; every call passes through it, from outside and between services.

use store::BoxFuture;

use crate::{Arn, Context, Result};

/// One question: may `cx.caller()` do `action` on `resource`?
#[derive(Debug)]
pub struct Authorization<'a> {
    pub cx: &'a Context,
    /// `service:Action`, e.g. `lambda:InvokeFunction`.
    pub action: String,
    pub resource: Arn,
}

pub trait Authorizer: Send + Sync + 'static {
    /// `Err` carries the denial as the client reads it.
    fn authorize<'a>(&'a self, question: Authorization<'a>) -> BoxFuture<'a, Result<()>>;
}

/// Development mode: policies are stored but not enforced.
#[derive(Debug, Default)]
pub struct AllowAll;

impl Authorizer for AllowAll {
    fn authorize<'a>(&'a self, _: Authorization<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
