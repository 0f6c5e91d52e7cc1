//! Uploads by a browser's form: `POST` of `multipart/form-data` to a bucket.
//!
//! Here the form is taken apart and its signature checked; S3 checks its policy and stores the file, which streams
//! through. Source: S3 developer guide, "POST Object".

pub(crate) mod form;
mod signature;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use http::{Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use service::{ContextBuilder, Failure};
use wire::{Document, ErrorReply, Fault, OperationModel, Protocol};

use super::trace_of;
use crate::Gateway;
use crate::api::endpoint;
use crate::body::{self, Body, Response};
use crate::bucket_cors::{self, Sharing};
use crate::credential::Credential;
use crate::identify::bucket_of_host;
use crate::refusal::{self, Course};
use crate::request::{Request, header, percent_decoded};
use crate::{answer, cors};
use form::Form;

/// The bucket that a form is sent to; `None` when the request is no such form.
pub(super) fn bucket_of(request: &Request) -> Option<String> {
    let is_form = header(request.headers(), &CONTENT_TYPE)
        .get(..19)
        .is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/form-data"));
    if *request.method() != Method::POST || !is_form || !request.query().is_empty() {
        return None;
    }
    if Credential::of(request.headers(), request.query()).is_some() {
        return None;
    }
    let path = request.path().trim_matches('/');
    match bucket_of_host(request.host()) {
        Some(bucket) if path.is_empty() => Some(bucket.to_owned()),
        None if !path.is_empty() && !path.contains('/') && !path.starts_with('_') => {
            Some(percent_decoded(path, false))
        }
        _ => None,
    }
}

pub(super) async fn answer(gateway: &Gateway, mut request: Request, bucket: &str) -> Response {
    let sharing = bucket_cors::of(gateway, &request).await;
    let is_dev = gateway.platform().mode() == service::Mode::Dev;
    let is_shared = matches!(sharing, Some(Sharing::Allowed(_)));
    if is_dev && !is_shared && !cors::is_allowed(&request) {
        return super::text(StatusCode::FORBIDDEN, "Pages from other origins may not call this.\n");
    }
    let mut response = match steps(gateway, &mut request, bucket).await {
        Ok(response) => response,
        Err(failure) => {
            let course = Course { model: wire::model("s3"), operation: None, protocol: Protocol::RestXml };
            refusal::response(&course, failure, "s3", "PostObject", &request.id)
        }
    };
    if let Some(unread) = request.body.take() {
        body::discard(unread, 0).await;
    }
    match &sharing {
        Some(Sharing::Allowed(allowance)) => bucket_cors::allow(allowance, response.headers_mut()),
        _ if is_dev => cors::allow(request.headers(), response.headers_mut()),
        _ => {}
    }
    response
}

/// take apart → verify signature → store → answer as the form wants it.
async fn steps(gateway: &Gateway, request: &mut Request, bucket: &str) -> Result<Response, Failure> {
    let boundary = form::boundary_of(header(request.headers(), &CONTENT_TYPE));
    let boundary = boundary.ok_or_else(form::malformed)?;
    let body = request.body.take().ok_or_else(form::malformed)?;
    let form = Form::read(body::stream(body), &boundary).await?;
    let fields = Fields::new(form.fields, form.file_name.as_deref());
    let key = fields.get("key").ok_or_else(|| missing("key"))?.to_owned();
    let identity = signature::verify(gateway, request, &fields).await?;
    let (course, put) = put_object()?;
    let input = Document::map([
        ("Bucket", bucket.into()),
        ("Fields", fields.document()),
        ("Policy", fields.policy()?.into()),
        ("Put", put_input(&course, put, bucket, &key, &fields, form.file_type.as_deref())?),
    ]);
    let cx = ContextBuilder::new(gateway.platform(), identity.scope, identity.caller)
        .request_id(request.id.clone())
        .trace(trace_of(gateway, request))
        .endpoint(endpoint(gateway, request))
        .body(form.file)
        .build();
    let s3 = gateway.platform().registry().find("s3");
    let s3 = s3.ok_or_else(|| Failure::not_implemented("s3", "PostObject"))?;
    let reply = s3.execute(&cx, "PostObject", input).await?;
    let etag = reply.document.get("ETag").and_then(Document::as_str).unwrap_or_default().to_owned();
    let mut response = answer::response(&course, put, reply, &request.id)?;
    let stored = Stored { bucket, key: &key, etag: &etag, location: location(request, bucket, &key) };
    stored.complete(&fields, &mut response);
    Ok(response)
}

/// The fields of a form, names in lower case, the file's name filled in.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    fn new(fields: Vec<(String, String)>, file_name: Option<&str>) -> Self {
        // A name may come with a path, of whatever system.
        let file_name = file_name.map(|name| name.rsplit(['/', '\\']).next().unwrap_or(name).to_owned());
        let filled = |value: String| match &file_name {
            Some(name) => value.replace("${filename}", name),
            None => value,
        };
        Fields(fields.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), filled(value))).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(its, _)| its == name).map(|(_, value)| value.as_str())
    }

    fn document(&self) -> Document {
        let pair = |(name, value): &(String, String)| {
            Document::List(vec![name.as_str().into(), value.as_str().into()])
        };
        Document::List(self.0.iter().map(pair).collect())
    }

    /// The policy's text; `None` for forms without one.
    fn policy(&self) -> Result<Option<String>, Failure> {
        let Some(encoded) = self.get("policy") else { return Ok(None) };
        let refused =
            || Failure::new("InvalidPolicyDocument", 400, "Invalid Policy: invalid Base64 encoding.");
        // Forms may break lines in it.
        let encoded: String = encoded.split_whitespace().collect();
        let decoded = STANDARD.decode(encoded).map_err(|_| refused())?;
        String::from_utf8(decoded).map(Some).map_err(|_| refused())
    }
}

fn put_object() -> Result<(Course, &'static OperationModel), Failure> {
    let model = wire::model("s3");
    let operation = model.and_then(|model| model.operation("PutObject"));
    let operation = operation.ok_or_else(|| anyhow::anyhow!("S3 has no model of PutObject"))?;
    Ok((Course { model, operation: Some(operation), protocol: Protocol::RestXml }, operation))
}

/// The fields as the headers that PutObject reads them from.
fn put_input(
    course: &Course,
    put: &'static OperationModel,
    bucket: &str,
    key: &str,
    fields: &Fields,
    file_type: Option<&str>,
) -> Result<Document, Failure> {
    const PLAIN: [&str; 7] = [
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-md5",
        "content-type",
        "expires",
    ];
    let model = course.model.ok_or_else(|| anyhow::anyhow!("S3 has no model"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &fields.0 {
        let is_header = PLAIN.contains(&name.as_str()) || name.starts_with("x-amz-");
        let is_proof = signature::is_proof(name);
        if is_header
            && !is_proof
            && let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
        {
            headers.insert(name, value);
        }
    }
    if let Some(acl) = fields.get("acl").and_then(|acl| HeaderValue::try_from(acl).ok()) {
        headers.insert("x-amz-acl", acl);
    }
    if !headers.contains_key(CONTENT_TYPE)
        && let Some(value) = file_type.and_then(|kind| HeaderValue::try_from(kind).ok())
    {
        headers.insert(CONTENT_TYPE, value);
    }
    if let Some(tags) = fields.get("tagging") {
        let tags = HeaderValue::try_from(tags_of(course, tags)?).map_err(|_| form::malformed())?;
        headers.insert("x-amz-tagging", tags);
    }
    let path = format!("/{}/{}", escaped(bucket), escaped(key));
    let asked =
        wire::Request { method: &Method::PUT, path: &path, query: "", headers: &headers, body: Bytes::new() };
    let input = wire::decode(model, put, course.protocol, &asked).map_err(refusal::undecodable)?;
    wire::validate(model, put, &input).map_err(|violations| refusal::invalid(course, &violations))?;
    Ok(input)
}

/// Tags are a document in forms and a query in headers.
fn tags_of(course: &Course, document: &str) -> Result<String, Failure> {
    let model = course.model.ok_or_else(|| anyhow::anyhow!("S3 has no model"))?;
    let operation = model.operation("PutObjectTagging");
    let operation = operation.ok_or_else(|| anyhow::anyhow!("S3 has no model of PutObjectTagging"))?;
    let asked = wire::Request {
        method: &Method::PUT,
        path: "/bucket/key",
        query: "tagging",
        headers: &HeaderMap::new(),
        body: Bytes::copy_from_slice(document.as_bytes()),
    };
    let input = wire::decode(model, operation, course.protocol, &asked).map_err(refusal::undecodable)?;
    let tags = input.get("Tagging").and_then(|tagging| tagging.get("TagSet")).and_then(Document::as_list);
    let text =
        |tag: &Document, name: &str| escaped(tag.get(name).and_then(Document::as_str).unwrap_or_default());
    let pairs =
        tags.unwrap_or_default().iter().map(|tag| format!("{}={}", text(tag, "Key"), text(tag, "Value")));
    Ok(pairs.collect::<Vec<_>>().join("&"))
}

/// What was stored, as the form's answer tells it.
struct Stored<'a> {
    bucket: &'a str,
    key: &'a str,
    etag: &'a str,
    location: String,
}

impl Stored<'_> {
    fn complete(&self, fields: &Fields, response: &mut Response) {
        let wanted = fields.get("success_action_redirect").or_else(|| fields.get("redirect"));
        let is_address = |url: &&str| url.starts_with("http://") || url.starts_with("https://");
        if let Some(url) = wanted.filter(is_address) {
            let separator = if url.contains('?') { '&' } else { '?' };
            let (bucket, key, etag) = (escaped(self.bucket), escaped(self.key), escaped(self.etag));
            let location = format!("{url}{separator}bucket={bucket}&key={key}&etag={etag}");
            *response.status_mut() = StatusCode::SEE_OTHER;
            set(response, LOCATION, &location);
            return;
        }
        set(response, LOCATION, &self.location);
        match fields.get("success_action_status") {
            Some("200") => *response.status_mut() = StatusCode::OK,
            Some("201") => {
                *response.status_mut() = StatusCode::CREATED;
                set(response, CONTENT_TYPE, "application/xml");
                *response.body_mut() = Body::from(self.document());
            }
            _ => *response.status_mut() = StatusCode::NO_CONTENT,
        }
    }

    fn document(&self) -> String {
        let text = |text: &str| {
            text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse><Location>{}</Location><Bucket>{}</Bucket>\
             <Key>{}</Key><ETag>{}</ETag></PostResponse>",
            text(&self.location),
            text(self.bucket),
            text(self.key),
            text(self.etag)
        )
    }
}

fn location(request: &Request, bucket: &str, key: &str) -> String {
    let scheme = if request.peer.is_encrypted { "https" } else { "http" };
    let base = match bucket_of_host(request.host()) {
        Some(_) => format!("{scheme}://{}", request.host()),
        None => format!("{scheme}://{}/{bucket}", request.host()),
    };
    format!("{base}/{}", escaped(key))
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// All but letters, digits and `-_.~` is percent-encoded, slashes too.
fn escaped(text: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(text, KEPT).to_string()
}

/// A field that must be there is not, or stands behind the file.
pub(super) fn missing(name: &str) -> Failure {
    let text = format!(
        "Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."
    );
    refused("InvalidArgument", &text, [("ArgumentName", name.to_owned()), ("ArgumentValue", String::new())])
}

fn refused<const N: usize>(code: &str, message: &str, members: [(&str, String); N]) -> Failure {
    Failure::Modelled(ErrorReply {
        code: code.to_owned(),
        message: message.to_owned(),
        members: members.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect(),
        status: Some(StatusCode::BAD_REQUEST.as_u16()),
        fault: Fault::Client,
    })
}
