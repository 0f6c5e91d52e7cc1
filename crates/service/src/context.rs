//! Everything an operation may know about the request it answers.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::{Document, Timestamp};

use crate::{
    AccountId, Arn, ByteStream, Caller, Changes, Delivery, Failure, Platform, Principal, Region, Reply,
    Result, Rows, Scope, Table, Trace,
};

/// What follows a streaming payload: headers such as `x-amz-checksum-crc32`, known only after its last byte.
#[derive(Clone, Debug, Default)]
pub struct Trailers(Arc<OnceLock<Vec<(String, String)>>>);

impl Trailers {
    /// Names in lower case; a second call changes nothing.
    pub fn set(&self, trailers: Vec<(String, String)>) {
        let _ = self.0.set(trailers);
    }

    fn get(&self) -> &[(String, String)] {
        self.0.get().map_or(&[], Vec::as_slice)
    }
}

/// The request's surroundings: scope, caller, time, ids, trace, rows, other services.
pub struct Context {
    platform: Arc<Platform>,
    scope: Scope,
    caller: Caller,
    request_id: String,
    trace: Trace,
    endpoint: Arc<str>,
    body: Mutex<Option<ByteStream>>,
    body_length: Option<u64>,
    trailers: Trailers,
    delivery: Option<Arc<Delivery>>,
    source: Option<Arn>,
    is_authorised: bool,
    denial: OnceLock<String>,
}

impl Context {
    /// A context for work that no client asked for: background tasks, calls between services.
    pub fn internal(platform: &Arc<Platform>, scope: Scope, principal: Principal) -> Self {
        ContextBuilder::new(platform, scope, Caller::internal(principal)).build()
    }

    pub fn platform(&self) -> &Arc<Platform> {
        &self.platform
    }

    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    pub fn account(&self) -> &AccountId {
        &self.scope.account
    }

    pub fn region(&self) -> &Region {
        &self.scope.region
    }

    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    pub fn now(&self) -> Timestamp {
        self.platform.clock().now()
    }

    /// The base URL under which this client reaches the server, without a trailing slash.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The request's streaming payload; `None` when there is none or it was taken already.
    ///
    /// It checks itself: a hash, signature, checksum or length that is wrong is an error at the stream's end, so nothing
    /// may be committed before the stream has ended well. Whatever framing it came in was taken off.
    pub fn take_body(&self) -> Option<ByteStream> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// How many bytes the payload is said to have, without framing; the stream fails when it has more or fewer.
    /// `None` when the client does not say.
    pub fn body_length(&self) -> Option<u64> {
        self.body_length
    }

    /// What followed the payload, names in lower case; empty until the stream has ended well.
    pub fn trailers(&self) -> &[(String, String)] {
        self.trailers.get()
    }

    /// The post by which this operation is called, when it is.
    pub fn delivery(&self) -> Option<&Delivery> {
        self.delivery.as_deref()
    }

    /// The resource for whose sake a service calls, e.g. the bucket that notifies a function: what policies know as
    /// `aws:SourceArn`. `None` when people or programs call.
    pub fn source(&self) -> Option<&Arn> {
        self.source.as_ref()
    }

    /// Whether whoever made this context has decided about access already.
    pub(crate) fn is_authorised(&self) -> bool {
        self.is_authorised
    }

    /// Leaves the sealed explanation of a denial, which the caller gets beside the error; the first one stays.
    pub fn explain_denial(&self, explanation: String) {
        let _ = self.denial.set(explanation);
    }

    /// See [`Context::explain_denial`].
    pub fn denial_explanation(&self) -> Option<&str> {
        self.denial.get().map(String::as_str)
    }

    /// The rows of a table in this request's account and region.
    pub fn rows<T: Serialize + DeserializeOwned + 'static>(&self, table: &'static Table<T>) -> Rows<'_, T> {
        Rows::new(self.platform.kv().as_ref(), table, &self.scope)
    }

    /// Starts a set of changes over several tables, committed at once.
    pub fn changes(&self) -> Changes<'_> {
        Changes::new(self.platform.kv().as_ref(), &self.scope)
    }

    /// Calls an operation of another service as `principal`, in process and authorised like any other call.
    /// Account, region, trace and endpoint are this request's.
    pub async fn call(
        &self,
        principal: Principal,
        service: &str,
        operation: &str,
        input: Document,
    ) -> Result<Reply> {
        self.call_in(self.scope.clone(), principal, service, operation, input).await
    }

    /// [`Context::call`] for the sake of a resource, into the scope the callee's resource is in: policies of the callee
    /// know `source` as `aws:SourceArn`, and the account of `principal` as `aws:SourceAccount`.
    pub async fn call_for(
        &self,
        source: Arn,
        scope: Scope,
        principal: Principal,
        service: &str,
        operation: &str,
        input: Document,
    ) -> Result<Reply> {
        self.call_as(Some(source), scope, principal, service, operation, input).await
    }

    /// [`Context::call`] into another account or region.
    pub async fn call_in(
        &self,
        scope: Scope,
        principal: Principal,
        service: &str,
        operation: &str,
        input: Document,
    ) -> Result<Reply> {
        self.call_as(None, scope, principal, service, operation, input).await
    }

    async fn call_as(
        &self,
        source: Option<Arn>,
        scope: Scope,
        principal: Principal,
        service: &str,
        operation: &str,
        input: Document,
    ) -> Result<Reply> {
        let callee = self
            .platform
            .registry()
            .find(service)
            .ok_or_else(|| Failure::not_implemented(service, operation))?;
        let mut cx = ContextBuilder::new(&self.platform, scope, Caller::internal(principal))
            .trace(self.trace.clone())
            .endpoint(self.endpoint.clone());
        if let Some(source) = source {
            cx = cx.source(source);
        }
        let cx = cx.build();
        callee.execute(&cx, operation, input).await
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("scope", &self.scope)
            .field("caller", &self.caller)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

/// Puts a context together; what is not given is generated.
pub struct ContextBuilder {
    platform: Arc<Platform>,
    scope: Scope,
    caller: Caller,
    request_id: Option<String>,
    trace: Option<Trace>,
    endpoint: Option<Arc<str>>,
    body: Option<ByteStream>,
    body_length: Option<u64>,
    trailers: Trailers,
    delivery: Option<Arc<Delivery>>,
    source: Option<Arn>,
    is_authorised: bool,
}

impl ContextBuilder {
    pub fn new(platform: &Arc<Platform>, scope: Scope, caller: Caller) -> Self {
        ContextBuilder {
            platform: platform.clone(),
            scope,
            caller,
            request_id: None,
            trace: None,
            endpoint: None,
            body: None,
            body_length: None,
            trailers: Trailers::default(),
            delivery: None,
            source: None,
            is_authorised: false,
        }
    }

    pub fn request_id(mut self, request_id: String) -> Self {
        self.request_id = Some(request_id);
        self
    }

    pub fn trace(mut self, trace: Trace) -> Self {
        self.trace = Some(trace);
        self
    }

    pub fn endpoint(mut self, endpoint: Arc<str>) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    pub fn body(mut self, body: ByteStream) -> Self {
        self.body = Some(body);
        self
    }

    /// How many bytes [`ContextBuilder::body`] will give.
    pub fn body_length(mut self, bytes: Option<u64>) -> Self {
        self.body_length = bytes;
        self
    }

    /// Filled by the body when it ends.
    pub fn trailers(mut self, trailers: Trailers) -> Self {
        self.trailers = trailers;
        self
    }

    pub(crate) fn delivery(mut self, delivery: Arc<Delivery>) -> Self {
        self.delivery = Some(delivery);
        self
    }

    /// The resource for whose sake a service calls.
    pub fn source(mut self, source: Arn) -> Self {
        self.source = Some(source);
        self
    }

    /// No policy is asked any more: whoever makes the context has asked what bears on the call, such as the policies of
    /// a function's URL before the function is invoked.
    pub fn authorised(mut self) -> Self {
        self.is_authorised = true;
        self
    }

    pub fn build(self) -> Context {
        let ids = self.platform.ids();
        let request_id = self.request_id.unwrap_or_else(|| ids.uuid());
        let trace = self.trace.unwrap_or_else(|| Trace::new(self.platform.clock().now(), ids));
        let endpoint = self.endpoint.unwrap_or_else(|| self.platform.endpoint());
        Context {
            scope: self.scope,
            caller: self.caller,
            request_id,
            trace,
            endpoint,
            body: Mutex::new(self.body),
            body_length: self.body_length,
            trailers: self.trailers,
            delivery: self.delivery,
            source: self.source,
            is_authorised: self.is_authorised,
            denial: OnceLock::new(),
            platform: self.platform,
        }
    }
}
