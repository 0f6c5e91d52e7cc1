//! A gateway on a free port over services in memory, and a client that writes answers as text.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use auth::Issuer;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde::{Deserialize, Serialize};
use service::{
    AccountId, AllowAll, AnyService, Authorizer, BoxFuture, Clock, Context, Definition, Ids, Mode, Mounted,
    Operation, Platform, PlatformParts, Registry, Result, operations,
};
use store::{MemoryBlobs, MemoryKv};
use tasks::Tasks;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use wire::{Blob, Document, Timestamp};

use super::identities::WrittenDown;
use crate::{Enforcer, Gateway, GatewayParts};

/// 2026-01-02T03:04:05Z
pub(super) const NOW_EPOCH_MILLIS: i64 = 1_767_323_045_000;

/// What the services of the tests share.
#[derive(Default)]
pub(super) struct Probe {
    pub(super) started: Notify,
    pub(super) release: Notify,
    pub(super) finished: AtomicUsize,
    /// The last event that the function was given.
    pub(super) event: std::sync::Mutex<Option<String>>,
    /// The last object that was put whole.
    pub(super) object: std::sync::Mutex<Option<Bytes>>,
}

#[derive(Deserialize)]
struct GetCallerIdentity {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CallerIdentity {
    user_id: String,
    account: String,
    arn: String,
}

impl Operation for GetCallerIdentity {
    type Service = Probe;
    type Output = CallerIdentity;
    const NAME: &'static str = "GetCallerIdentity";

    async fn run(self, _: &Probe, cx: &Context) -> Result<CallerIdentity> {
        let principal = &cx.caller().principal;
        let (user_id, arn) = (principal.user_id(), format!("{} in {}", principal.arn(), cx.region()));
        Ok(CallerIdentity { user_id, account: cx.account().to_string(), arn })
    }
}

/// Panics.
#[derive(Deserialize)]
struct GetSessionToken {}

impl Operation for GetSessionToken {
    type Service = Probe;
    type Output = service::Empty;
    const NAME: &'static str = "GetSessionToken";

    async fn run(self, _: &Probe, _: &Context) -> Result<service::Empty> {
        panic!("a mistake of the service");
    }
}

/// Fails with an error that the model names.
#[derive(Deserialize)]
struct DeleteLogGroup {}

#[derive(Debug, thiserror::Error, Serialize)]
enum LogsError {
    #[error("The specified log group does not exist.")]
    ResourceNotFoundException,
}

impl service::WireError for LogsError {}

impl Operation for DeleteLogGroup {
    type Service = Probe;
    type Output = service::Empty;
    const NAME: &'static str = "DeleteLogGroup";

    async fn run(self, _: &Probe, _: &Context) -> Result<service::Empty> {
        Err(LogsError::ResourceNotFoundException.into())
    }
}

/// Waits until the test lets it go on.
#[derive(Deserialize)]
struct CreateLogGroup {}

impl Operation for CreateLogGroup {
    type Service = Probe;
    type Output = service::Empty;
    const NAME: &'static str = "CreateLogGroup";

    async fn run(self, probe: &Probe, _: &Context) -> Result<service::Empty> {
        probe.started.notify_one();
        probe.release.notified().await;
        probe.finished.fetch_add(1, Ordering::SeqCst);
        Ok(service::Empty)
    }
}

/// Fails with a cause that clients must not see.
#[derive(Deserialize)]
struct ListTables {}

impl Operation for ListTables {
    type Service = Probe;
    type Output = service::Empty;
    const NAME: &'static str = "ListTables";

    async fn run(self, _: &Probe, _: &Context) -> Result<service::Empty> {
        Err(anyhow::anyhow!("secret cause").into())
    }
}

/// Answers what the name of the function says: `echo` its event, `fail` with a function error, anything else the
/// name itself as JSON text.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Invoke {
    function_name: String,
    payload: Option<Blob>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Invoked {
    status_code: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_error: Option<&'static str>,
    payload: Blob,
}

impl Operation for Invoke {
    type Service = Probe;
    type Output = Invoked;
    const NAME: &'static str = "Invoke";

    fn resource(&self, cx: &Context) -> service::Arn {
        service::Arn::regional("lambda", cx.scope(), format!("function:{}", self.function_name))
    }

    async fn run(self, probe: &Probe, _: &Context) -> Result<Invoked> {
        let event = self.payload.map(|payload| payload.0).unwrap_or_default();
        *probe.event.lock().unwrap() = Some(String::from_utf8_lossy(&event).into_owned());
        let name = self.function_name.rsplit(':').next().unwrap_or_default().to_owned();
        let (function_error, payload) = match name.as_str() {
            "echo" => (None, event),
            "fail" => (Some("Unhandled"), Bytes::from_static(br#"{"errorMessage":"x"}"#)),
            "busy" => return Err(service::Failure::new("TooManyRequestsException", 429, "Rate Exceeded.")),
            _ => (None, Bytes::from(serde_json::Value::from(name).to_string())),
        };
        Ok(Invoked { status_code: 200, function_error, payload: Blob(payload) })
    }
}

/// The id says which function, how it authenticates, and whether it has CORS rules: `echo-iam-cors`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ResolveFunctionUrl {
    url_id: String,
}

impl Operation for ResolveFunctionUrl {
    type Service = Probe;
    type Output = Document;
    const NAME: &'static str = "ResolveFunctionUrl";

    async fn run(self, _: &Probe, _: &Context) -> Result<Document> {
        let mut parts = self.url_id.split('-');
        let function = parts.next().unwrap_or_default();
        if function == "nobody" {
            return Err(service::Failure::new(
                "ResourceNotFoundException",
                404,
                "There is no such function URL.",
            ));
        }
        let rest: Vec<&str> = parts.collect();
        let auth_type = if rest.contains(&"iam") { "AWS_IAM" } else { "NONE" };
        let mut resolved = vec![
            (
                "FunctionArn",
                format!("arn:aws:lambda:eu-west-1:111122223333:function:{function}").as_str().into(),
            ),
            ("AuthType", Document::from(auth_type)),
            ("InvokeMode", "BUFFERED".into()),
        ];
        if rest.contains(&"cors") {
            let any = || Document::List(vec!["*".into()]);
            resolved.push(("Cors", Document::map([("AllowOrigins", any()), ("AllowMethods", any())])));
        }
        Ok(Document::Map(resolved.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
    }
}

/// Keeps the payload when its stream ends well; answers its length, the declared one, and the trailers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutObject {
    key: String,
    content_encoding: Option<String>,
}

#[derive(Serialize)]
struct Put {
    #[serde(rename = "ETag")]
    e_tag: String,
}

impl Operation for PutObject {
    type Service = Probe;
    type Output = Put;
    const NAME: &'static str = "PutObject";

    async fn run(self, probe: &Probe, cx: &Context) -> Result<Put> {
        if self.key == "refused" {
            return Err(service::Failure::new("NoSuchBucket", 404, "The specified bucket does not exist"));
        }
        let declared = cx.body_length();
        let mut stream = cx.take_body().ok_or_else(|| anyhow::anyhow!("no body"))?;
        let mut whole = Vec::new();
        while let Some(piece) = stream.next().await {
            whole.extend_from_slice(&piece?);
        }
        let encoding = self.content_encoding.as_deref().unwrap_or("-");
        let e_tag = format!("{} {declared:?} {encoding} {:?}", whole.len(), cx.trailers());
        *probe.object.lock().unwrap() = Some(whole.into());
        Ok(Put { e_tag })
    }
}

fn forget<'a>(_: &'a Probe, _: &'a Platform, _: Option<&'a AccountId>) -> BoxFuture<'a, anyhow::Result<()>> {
    Box::pin(std::future::ready(Ok(())))
}

static STS: Definition<Probe> = Definition {
    name: "sts",
    action_prefix: "sts",
    operations: operations![GetCallerIdentity, GetSessionToken],
    internal: &[],
    reset: forget,
};
static LOGS: Definition<Probe> = Definition {
    name: "logs",
    action_prefix: "logs",
    operations: operations![CreateLogGroup, DeleteLogGroup],
    internal: &[],
    reset: forget,
};
static DYNAMODB: Definition<Probe> = Definition {
    name: "dynamodb",
    action_prefix: "dynamodb",
    operations: operations![ListTables],
    internal: &[],
    reset: forget,
};
static S3: Definition<Probe> = Definition {
    name: "s3",
    action_prefix: "s3",
    operations: operations![PutObject],
    internal: &[],
    reset: forget,
};
static LAMBDA: Definition<Probe> = Definition {
    name: "lambda",
    action_prefix: "lambda",
    operations: operations![Invoke],
    internal: operations![ResolveFunctionUrl],
    reset: forget,
};

/// A running gateway.
pub(super) struct Stage {
    pub(super) address: SocketAddr,
    pub(super) probe: Arc<Probe>,
    pub(super) issuer: Arc<Issuer>,
    pub(super) platform: Arc<Platform>,
    gateway: Gateway,
}

impl Stage {
    pub(super) async fn new() -> Self {
        Self::with_tls(None).await
    }

    pub(super) async fn with_tls(tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let definitions: &[_] = &[&STS, &LOGS, &DYNAMODB, &LAMBDA];
        Self::start(tls, definitions, Mode::Dev, WrittenDown::default()).await
    }

    /// Where policies are enforced and only these are known.
    pub(super) async fn secure(identities: WrittenDown) -> Self {
        Self::start(None, &[&STS, &LOGS, &LAMBDA, &S3], Mode::Secure, identities).await
    }

    /// In development, with users of its own.
    pub(super) async fn with(identities: WrittenDown) -> Self {
        Self::start(None, &[&STS, &LOGS, &S3], Mode::Dev, identities).await
    }

    /// With S3, which takes every path that nobody else claims.
    pub(super) async fn with_s3() -> Self {
        Self::start(None, &[&STS, &S3], Mode::Dev, WrittenDown::default()).await
    }

    async fn start(
        tls: Option<Arc<rustls::ServerConfig>>,
        definitions: &[&'static Definition<Probe>],
        mode: Mode,
        identities: WrittenDown,
    ) -> Self {
        let identities = Arc::new(identities);
        let issuer = Arc::new(Issuer::from_key([7; 32]));
        let authorizer: Arc<dyn Authorizer> = match mode {
            Mode::Dev => Arc::new(AllowAll),
            Mode::Secure => Arc::new(Enforcer::new(identities.clone()).explaining(issuer.clone())),
        };
        let platform = Platform::new(PlatformParts {
            mode,
            kv: Arc::new(MemoryKv::new()),
            blobs: Arc::new(MemoryBlobs::new()),
            clock: Clock::manual(Timestamp::from_epoch_millis(NOW_EPOCH_MILLIS)),
            ids: Ids::counting(),
            authorizer,
            tasks: Tasks::new(),
        });
        let probe = Arc::new(Probe::default());
        let mount = |definition: &'static Definition<Probe>| -> Box<dyn AnyService> {
            Box::new(Mounted { definition, service: probe.clone() })
        };
        platform.mount(Registry::new(definitions.iter().copied().map(mount).collect()));
        let gateway = Gateway::new(GatewayParts {
            platform: platform.clone(),
            issuer: issuer.clone(),
            identities,
            tls,
            plain: Default::default(),
            sources: None,
            hosts: Default::default(),
            inside_tls: None,
            version: "1.2.3",
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        gateway.serve(listener);
        Stage { address, probe, issuer, platform, gateway }
    }

    /// Sends a request written as text (see [`parse`]) and writes the answer as text.
    pub(super) async fn check(&self, request: &str, expected: expect_test::Expect) {
        expected.assert_eq(&self.ask(request).await);
    }

    /// `status content-type`, then the body.
    pub(super) async fn ask(&self, request: &str) -> String {
        written(self.send(parse(request)).await).await
    }

    pub(super) async fn send(&self, request: Request<Full<Bytes>>) -> http::Response<hyper::body::Incoming> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        Self::send_over(stream, request).await
    }

    /// As [`Stage::ask`], over a connection that was made inside a sandbox.
    pub(super) async fn ask_from_a_sandbox(&self, request: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        self.gateway.accept(listener.accept().await.unwrap().0);
        written(Self::send_over(stream, parse(request)).await).await
    }

    async fn send_over(
        stream: TcpStream,
        request: Request<Full<Bytes>>,
    ) -> http::Response<hyper::body::Incoming> {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    }

    /// As [`Stage::send`], over HTTP/2 with prior knowledge.
    pub(super) async fn send_http2(
        &self,
        request: Request<Full<Bytes>>,
    ) -> http::Response<hyper::body::Incoming> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    }
}

pub(super) async fn written(response: http::Response<hyper::body::Incoming>) -> String {
    let content_type =
        response.headers().get(CONTENT_TYPE).map_or("-", |value| value.to_str().unwrap()).to_owned();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body = match std::str::from_utf8(&body) {
        Ok(text) => text.trim_end().to_owned(),
        Err(_) => format!("{} bytes", body.len()),
    };
    format!("{status} {content_type}\n{body}")
}

/// `METHOD target`, headers one a line, an empty line, the body. `signed: SERVICE` stands for a signature of the key
/// `test`; `host` is added.
pub(super) fn parse(text: &str) -> Request<Full<Bytes>> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let (method, target) = lines.next().unwrap().split_once(' ').unwrap();
    let mut request = Request::builder().method(method.parse::<Method>().unwrap()).uri(target);
    let mut has_host = false;
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        has_host |= name == "host";
        request = match name {
            "signed" => request.header(AUTHORIZATION, signature("test", value)),
            _ => request.header(name, value),
        };
    }
    if !has_host {
        request = request.header(HOST, "127.0.0.1:4566");
    }
    request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap()
}

pub(super) fn signature(key: &str, service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={key}/20260102/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=00"
    )
}
