//! Websites of buckets. What the visitor gets is decided by S3; here it becomes HTTP, and errors become the pages that
//! S3 makes of them.
//!
//! Hosts: `BUCKET.s3-website.REGION.amazonaws.com`, `BUCKET.s3-website-REGION.amazonaws.com`, both also below
//! `localhost` and `localhost.localstack.cloud` with or without the region; path: `/_aws/s3-website/BUCKET/…`.

mod page;

use bytes::Bytes;
use http::header::{LOCATION, ORIGIN};
use http::{HeaderValue, Method, StatusCode};
use serde::Deserialize;
use service::{AccountId, Caller, Failure, Principal, Region, Reply, Scope};
use wire::{Document, Protocol};

use super::{Access, call_service, internal_failure, trace_of};
use crate::Gateway;
use crate::answer;
use crate::body::{Body, Response};
use crate::bucket_cors::{self, Sharing};
use crate::endpoint::name_of;
use crate::identity::Identity;
use crate::refusal::{self, Course};
use crate::request::{Request, percent_decoded};

const MARK: &str = ".s3-website";
const DOMAINS: [&str; 4] =
    [".amazonaws.com", ".amazonaws.com.cn", ".localhost.localstack.cloud", ".localhost"];

/// The bucket that a website's host names.
pub(super) fn bucket_of_host(host: &str) -> Option<&str> {
    let name = name_of(host);
    let at = name.rfind(MARK)?;
    let rest = &name[at + MARK.len()..];
    let is_ours = rest.starts_with(['.', '-']) && DOMAINS.iter().any(|domain| rest.ends_with(domain));
    (at > 0 && is_ours).then(|| &name[..at])
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    status: u16,
    location: Option<String>,
    object: Option<Document>,
    #[serde(default)]
    errors: Vec<page::Wrong>,
}

/// `base` stands before the path where the bucket is named there.
pub(super) async fn answer(
    gateway: &Gateway,
    request: &Request,
    bucket: &str,
    base: &str,
    path: &str,
) -> Response {
    let sharing = match request.headers().contains_key(ORIGIN) {
        true => bucket_cors::ask(gateway, request, bucket).await,
        false => None,
    };
    if let Some(sharing) = &sharing
        && bucket_cors::is_preflight(request)
    {
        return bucket_cors::preflight(request, sharing);
    }
    let mut response = match *request.method() {
        Method::GET | Method::HEAD => match visit(gateway, request, bucket, base, path).await {
            Ok(response) => response,
            Err(failure) => internal_failure(&request.id, &failure),
        },
        _ => page::method_not_allowed(request),
    };
    if let Some(Sharing::Allowed(allowance)) = &sharing {
        bucket_cors::allow(allowance, response.headers_mut());
    }
    if request.method() == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    response
}

async fn visit(
    gateway: &Gateway,
    request: &Request,
    bucket: &str,
    base: &str,
    path: &str,
) -> Result<Response, Failure> {
    let key = percent_decoded(path.strip_prefix('/').unwrap_or(path), false);
    let input = Document::map([
        ("Bucket", bucket.into()),
        ("Key", key.into()),
        ("Query", request.query().into()),
        ("Host", format!("{}{base}", request.host()).into()),
        ("Protocol", if request.peer.is_encrypted { "https".into() } else { "http".into() }),
        ("Conditions", conditions(request)?),
    ]);
    let visitor = (visitor(request), Access::Asked);
    let trace = trace_of(gateway, request);
    let reply = call_service(gateway, request, visitor, &trace, "s3", "VisitWebsite", input).await?;
    let Reply { document, stream } = reply;
    let answer: Answer = wire::from_document(document)
        .map_err(|error| anyhow::anyhow!("a visit of a website does not read: {error}"))?;
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(location) = &answer.location {
        return Ok(page::redirect(request, status, &absolute(location, base)));
    }
    match answer.object {
        Some(object) => {
            let mut response = as_object(request, Reply { document: object, stream })?;
            *response.status_mut() = status;
            Ok(response)
        }
        None => Ok(page::errors(request, status, &answer.errors)),
    }
}

/// Where the bucket is named in the path, locations begin behind it.
fn absolute(location: &str, base: &str) -> String {
    if location.starts_with('/') { format!("{base}{location}") } else { location.to_owned() }
}

/// Range and conditions of the request, as GetObject reads them.
fn conditions(request: &Request) -> Result<Document, Failure> {
    let (course, operation) = get_object()?;
    let model = course.model.ok_or_else(|| anyhow::anyhow!("S3 has no model"))?;
    let asked = wire::Request {
        method: &Method::GET,
        path: "/bucket/key",
        query: "",
        headers: request.headers(),
        body: Bytes::new(),
    };
    wire::decode(model, operation, course.protocol, &asked).map_err(refusal::undecodable)
}

fn as_object(request: &Request, reply: Reply) -> Result<Response, Failure> {
    let (course, operation) = get_object()?;
    answer::response(&course, operation, reply, &request.id)
}

fn get_object() -> Result<(Course, &'static wire::OperationModel), Failure> {
    let model = wire::model("s3");
    let operation = model.and_then(|model| model.operation("GetObject"));
    let operation = operation.ok_or_else(|| anyhow::anyhow!("S3 has no model of GetObject"))?;
    Ok((Course { model, operation: Some(operation), protocol: Protocol::RestXml }, operation))
}

/// Websites are for everybody: a signature is not looked at.
fn visitor(request: &Request) -> Identity {
    let account = AccountId::default();
    Identity {
        scope: Scope { account: account.clone(), region: Region::default() },
        caller: Caller {
            source_address: request.peer.address,
            is_encrypted: request.peer.is_encrypted,
            ..Caller::internal(Principal::Anonymous { account })
        },
        proof: None,
    }
}

/// A header of our own making; what is no text is left out.
fn set_location(response: &mut Response, location: &str) {
    if let Ok(value) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_name_buckets() {
        for (host, bucket) in [
            ("site.s3-website.localhost.localstack.cloud:4566", Some("site")),
            ("site.s3-website.us-east-1.localhost.localstack.cloud", Some("site")),
            ("site.s3-website-eu-west-1.amazonaws.com", Some("site")),
            ("www.example.com.s3-website.eu-central-1.amazonaws.com", Some("www.example.com")),
            ("site.s3-website.localhost:4566", Some("site")),
            ("s3-website.localhost:4566", None),
            (".s3-website.localhost:4566", None),
            ("site.s3-website.example.com", None),
            ("site.s3-websites.localhost", None),
            ("site.s3.amazonaws.com", None),
        ] {
            assert_eq!(bucket_of_host(host), bucket, "{host}");
        }
    }
}
