//! Failures on their way out: what the client reads, and what only the log does.

use http::HeaderMap;
use service::Failure;
use wire::{DecodeError, ErrorReply, Fault, Map, Model, OperationModel, Protocol, RouteError, Violations};

use crate::body::{Body, Response, Unread, is_form, request_timeout};
use crate::request::{header, header_named};

/// What is known of a request so far; an error is written in the protocol of what is known.
#[derive(Clone, Copy)]
pub(crate) struct Course {
    pub(crate) model: Option<&'static Model>,
    pub(crate) operation: Option<&'static OperationModel>,
    pub(crate) protocol: Protocol,
}

impl Course {
    /// Before the service is known: the protocol that the request's headers hint at.
    pub(crate) fn unknown(headers: &HeaderMap, query: &str) -> Self {
        Course { model: None, operation: None, protocol: hinted_protocol(headers, query) }
    }
}

fn hinted_protocol(headers: &HeaderMap, query: &str) -> Protocol {
    let content_type = header(headers, &http::header::CONTENT_TYPE);
    if header_named(headers, "smithy-protocol") == "rpc-v2-cbor" {
        Protocol::RpcV2Cbor
    } else if content_type.starts_with("application/x-amz-json-1.0") {
        Protocol::AwsJson10
    } else if headers.contains_key("x-amz-target") {
        Protocol::AwsJson11
    } else if is_form(headers) || query.starts_with("Action=") || query.contains("&Action=") {
        Protocol::Query
    } else {
        Protocol::RestJson
    }
}

/// Writes the failure; one that the client must not see is logged here, once.
pub(crate) fn response(
    course: &Course,
    failure: Failure,
    service: &str,
    operation: &str,
    request_id: &str,
) -> Response {
    let reply = match failure {
        Failure::Modelled(reply) => reply,
        Failure::Internal(cause) => {
            let error = format!("{cause:#}");
            tracing::error!(service, operation, request_id, error, "request failed unexpectedly");
            internal_failure(request_id)
        }
    };
    from_wire(wire::encode_error(course.model, course.operation, course.protocol, &reply, request_id))
}

pub(crate) fn internal_failure(request_id: &str) -> ErrorReply {
    ErrorReply {
        code: "InternalFailure".into(),
        message: format!(
            "The request failed because of an unexpected error. The server's log tells more about {request_id}."
        ),
        members: Map::default(),
        status: Some(500),
        fault: Fault::Server,
    }
}

pub(crate) fn from_wire(written: wire::Response) -> Response {
    let mut response = Response::new(Body::Whole(written.body));
    *response.status_mut() =
        http::StatusCode::from_u16(written.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = written.headers;
    response
}

/// A request that no operation of the model fits. AWS would not know the operation either, but its APIs grow: to
/// name what was asked for is more useful than to deny it.
pub(crate) fn unroutable(error: RouteError, service: &str, operation: &str) -> Failure {
    match error.code {
        "UnknownOperationException" | "InvalidAction" => Failure::not_implemented(service, operation),
        code => Failure::new(code, error.status, error.message),
    }
}

pub(crate) fn undecodable(error: DecodeError) -> Failure {
    Failure::new(error.code, error.status, error.message)
}

pub(crate) fn invalid(course: &Course, violations: &Violations) -> Failure {
    if course.model.is_some_and(|model| model.name() == "s3") {
        return invalid_for_s3(course, violations);
    }
    Failure::new(course.protocol.validation_code(), 400, violations.to_string())
}

/// S3 tells a document that does not follow its schema from any other argument.
fn invalid_for_s3(course: &Course, violations: &Violations) -> Failure {
    let structure = course.model.zip(course.operation).and_then(|(model, operation)| {
        let input = operation.input()?;
        model.shape(input).structure()
    });
    let payload = structure.and_then(|structure| structure.payload()).map(|member| member.name());
    let is_in_document = |path: &str| {
        let member = path.split('.').next().unwrap_or_default();
        payload.is_some_and(|payload| payload.eq_ignore_ascii_case(member))
    };
    if violations.0.iter().any(|violation| is_in_document(&violation.path)) {
        let text =
            "The XML you provided was not well-formed or did not validate against our published schema";
        return Failure::new("MalformedXML", 400, text);
    }
    Failure::new("InvalidArgument", 400, violations.to_string())
}

pub(crate) fn unread(unread: Unread, operation: &str) -> Failure {
    match unread {
        Unread::TooLarge { bytes_max } => Failure::new(
            "RequestEntityTooLargeException",
            413,
            format!("Request must be smaller than {bytes_max} bytes for the {operation} operation"),
        ),
        Unread::TooSlow => request_timeout(),
        Unread::Broken => Failure::new("IncompleteBody", 400, "The request body ended early."),
    }
}

/// Nothing in the request names a service.
pub(crate) fn nameless(operation: &str) -> Failure {
    Failure::new(
        "NotImplemented",
        501,
        format!(
            "{operation} names no service that Cloudling has. AWS requests name theirs by their signature, X-Amz-Target, \
             Action and Version, host or path."
        ),
    )
}
