//! Signed HTTP requests to a server, as any SDK makes them.

use std::io::ErrorKind;

use anyhow::Context as _;
use auth::Credentials;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::{Client as Connections, Error as ConnectionError};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use service::Clock;

use crate::connector::Connector;

/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;

pub(crate) struct Client {
    connections: Connections<Connector, Full<Bytes>>,
    endpoint: String,
    authority: String,
    region: String,
    credentials: Credentials,
    clock: Clock,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Client {
    /// Credentials and region from the usual variables; `test` and us-east-1 unless they are set.
    pub(crate) fn new(endpoint: &str) -> anyhow::Result<Self> {
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        let uri: Uri = endpoint.parse().with_context(|| format!("{endpoint} is not a URL"))?;
        let connector = Connector::new(uri.scheme_str().unwrap_or_default()).context(endpoint.clone())?;
        let authority = uri.authority().with_context(|| format!("{endpoint} names no host"))?.to_string();
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Ok(Client {
            connections: Connections::builder(TokioExecutor::new()).build(connector),
            endpoint,
            authority,
            region: variable("AWS_REGION")
                .or_else(|| variable("AWS_DEFAULT_REGION"))
                .unwrap_or_else(|| "us-east-1".into()),
            credentials: Credentials {
                access_key_id: variable("AWS_ACCESS_KEY_ID").unwrap_or_else(|| "test".into()),
                secret_access_key: variable("AWS_SECRET_ACCESS_KEY").unwrap_or_else(|| "test".into()),
                session_token: variable("AWS_SESSION_TOKEN"),
            },
            clock: Clock::system(),
        })
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A call of a REST API; an answer that is no success is an error with the service's own words.
    pub(crate) async fn rest(
        &self,
        service: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        successful(self.send(service, method, path, &[], body).await?)
    }

    /// A call of a JSON API.
    pub(crate) async fn json(&self, service: &str, target: &str, body: &Value) -> anyhow::Result<Value> {
        let headers = [("x-amz-target", target), ("content-type", "application/x-amz-json-1.1")];
        let answer = self.send(service, Method::POST, "/", &headers, Bytes::from(body.to_string())).await?;
        successful(answer)?.json()
    }

    /// A call of a query API; the answer is XML.
    pub(crate) async fn query(
        &self,
        service: &str,
        version: &str,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> anyhow::Result<String> {
        let mut form = format!("Action={action}&Version={version}");
        for (name, value) in parameters {
            form += &format!("&{name}={}", crate::functions::segment(value));
        }
        let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        let answer = self.send(service, Method::POST, "/", &headers, Bytes::from(form)).await?;
        let text = answer.text();
        if answer.status.is_success() {
            return Ok(text);
        }
        let field = |name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>"))?;
            Some(rest.split_once(&format!("</{name}>"))?.0.to_owned())
        };
        let code = field("Code").unwrap_or_else(|| format!("HTTP {}", answer.status.as_u16()));
        Err(Refusal { code, message: field("Message").unwrap_or_default() }.into())
    }

    /// One signed request, whatever comes of it.
    pub(crate) async fn send(
        &self,
        service: &str,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.endpoint))
            .header(HOST, &self.authority)
            .header(CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            if let Some(known) = request.headers_mut() {
                known.insert(*name, value.parse().with_context(|| format!("header {name}"))?);
            }
        }
        let (mut head, ()) = request.body(()).context("request")?.into_parts();
        let now_epoch_millis = self.clock.now().epoch_millis();
        auth::sign(&mut head, &body, &self.credentials, &self.region, service, now_epoch_millis);
        self.exchange(http::Request::from_parts(head, Full::new(body))).await
    }

    /// One request as a web client makes it, without a signature.
    pub(crate) async fn plain(
        &self,
        method: Method,
        url: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let request = http::Request::builder()
            .method(method)
            .uri(url)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()))))
            .context("request")?;
        self.exchange(request).await
    }

    async fn exchange(&self, request: http::Request<Full<Bytes>>) -> anyhow::Result<Answer> {
        let answer = self.connections.request(request).await.map_err(|error| self.unreachable(error))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("the answer broke off: {error}"))?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    fn unreachable(&self, error: ConnectionError) -> anyhow::Error {
        let refused = |cause: &(dyn std::error::Error + 'static)| {
            cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == ErrorKind::ConnectionRefused)
        };
        if error.is_connect() && causes(&error).any(refused) {
            return anyhow::anyhow!("no server at {}: start one with `cloudling up`", self.endpoint);
        }
        anyhow::Error::new(error).context(format!("the connection to {} broke", self.endpoint))
    }
}

/// An error and what lies behind it.
fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

impl Answer {
    pub(crate) fn json(&self) -> anyhow::Result<Value> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body).context("the answer is not JSON")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The error's code without what some protocols put around it.
    pub(crate) fn error_code(&self) -> String {
        let header =
            self.headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let code = header.or_else(|| {
            let body = serde_json::from_slice::<Value>(&self.body).ok()?;
            ["__type", "code", "Code"].iter().find_map(|name| body[*name].as_str().map(str::to_owned))
        });
        let code = code.unwrap_or_default();
        let code = code.split([':', ',']).next().unwrap_or("");
        code.rsplit('#').next().unwrap_or("").to_owned()
    }
}

/// Anything but a success, in the service's words.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    message: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Refusal {}

fn successful(answer: Answer) -> anyhow::Result<Answer> {
    if answer.status.is_success() {
        return Ok(answer);
    }
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let message = ["message", "Message"].iter().find_map(|name| body[*name].as_str().map(str::to_owned));
    let code = answer.error_code();
    let code = if code.is_empty() { format!("HTTP {}", answer.status.as_u16()) } else { code };
    Err(Refusal { code, message: message.unwrap_or_else(|| answer.text()) }.into())
}

/// Whether the error is this refusal of the service.
pub(crate) fn is_refusal(error: &anyhow::Error, code: &str) -> bool {
    error.downcast_ref::<Refusal>().is_some_and(|refusal| refusal.code == code)
}
