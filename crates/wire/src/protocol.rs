//! From a request to a document and from a document to a response, whichever the protocol.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::cbor;
use crate::document::{Document, Map};
use crate::error::{DecodeError, EncodeError, ErrorReply, Malformed, RouteError};
use crate::json;
use crate::model::{Model, OperationModel, Streaming, Structure};
use crate::query;
use crate::reply;
use crate::rest;
use crate::route::Found;
use crate::uri;

/// The protocols AWS services speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    AwsJson10,
    AwsJson11,
    Query,
    Ec2Query,
    RestJson,
    RestXml,
    RpcV2Cbor,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    pub method: &'a Method,
    /// Raw, still percent-encoded.
    pub path: &'a str,
    /// Raw, without the `?`.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    pub body: Bytes,
}

/// A response to send. Where the output streams, the body is empty and the caller fills it.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Protocol {
    pub fn is_json(self) -> bool {
        matches!(self, Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RestJson)
    }

    pub fn is_rest(self) -> bool {
        matches!(self, Protocol::RestJson | Protocol::RestXml)
    }

    /// The code a broken constraint is answered with.
    pub fn validation_code(self) -> &'static str {
        match self {
            Protocol::Query | Protocol::Ec2Query => "ValidationError",
            _ => "ValidationException",
        }
    }
}

/// What a request says about itself: the protocol named by its headers or by an `Action`, else
/// the model's own.
pub fn protocol_of(model: &Model, request: &Request<'_>) -> Result<Protocol, RouteError> {
    let offered = model.protocols();
    let wanted = if header(request, "smithy-protocol") == Some("rpc-v2-cbor") {
        Some(Protocol::RpcV2Cbor)
    } else if let Some(rest) = offered.iter().find(|protocol| protocol.is_rest()) {
        // Nothing else is spoken here, whatever a body or a query looks like.
        Some(*rest)
    } else if header(request, "x-amz-target").is_some() {
        Some(match content_type(request) {
            "application/x-amz-json-1.0" => Protocol::AwsJson10,
            "application/x-amz-json-1.1" => Protocol::AwsJson11,
            _ => model.metadata.json,
        })
    } else if has_action(request) {
        Some(if offered.contains(&Protocol::Ec2Query) { Protocol::Ec2Query } else { Protocol::Query })
    } else {
        match content_type(request) {
            "application/x-amz-json-1.0" => Some(Protocol::AwsJson10),
            "application/x-amz-json-1.1" => Some(Protocol::AwsJson11),
            _ => None,
        }
    };
    let speaks = |wanted: Protocol| {
        // Clients may use either JSON version with any service that speaks JSON.
        offered.contains(&wanted)
            || (wanted.is_json() && !wanted.is_rest() && model.target_prefix().is_some())
    };
    match (wanted, offered.first()) {
        (Some(wanted), _) if speaks(wanted) => Ok(wanted),
        (None, Some(own)) => Ok(*own),
        _ => Err(RouteError {
            code: "UnknownOperationException",
            message: format!("{} does not speak the protocol of this request", model.service_id()),
            status: 400,
        }),
    }
}

/// The operation a request names by its target, action or path.
pub fn operation_of<'m>(
    model: &'m Model,
    protocol: Protocol,
    request: &Request<'_>,
) -> Result<&'m OperationModel, RouteError> {
    match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => {
            let target = header(request, "x-amz-target").unwrap_or_default();
            let named = target.rsplit_once('.').map_or(target, |(_, operation)| operation);
            model.operation(named).ok_or_else(|| unknown_operation(model, named))
        }
        Protocol::RpcV2Cbor => {
            let named = request.path.rsplit_once("/operation/").map_or("", |(_, operation)| operation);
            model.operation(named.trim_end_matches('/')).ok_or_else(|| unknown_operation(model, named))
        }
        Protocol::Query | Protocol::Ec2Query => {
            let Some(parameters) = parameters(request) else {
                return Err(RouteError {
                    code: "MalformedInput",
                    message: NOT_UTF_8.to_owned(),
                    status: 400,
                });
            };
            let action = parameters.iter().find(|(key, _)| key == "Action").map(|(_, value)| value.as_str());
            match action {
                Some(action) => model.operation(action).ok_or_else(|| RouteError {
                    code: "InvalidAction",
                    message: format!("The action {action} is not valid for this web service."),
                    status: 400,
                }),
                None => Err(RouteError {
                    code: "MissingAction",
                    message: "The request must contain the parameter Action.".to_owned(),
                    status: 400,
                }),
            }
        }
        Protocol::RestJson | Protocol::RestXml => {
            let query = uri::parse_query(request.query).unwrap_or_default();
            match model.routes.find(request.method, request.path, &query, request.headers) {
                Found::Operation(index) => Ok(&model.operations[index]),
                Found::OtherMethod if protocol == Protocol::RestXml => Err(RouteError {
                    code: "MethodNotAllowed",
                    message: "The specified method is not allowed against this resource.".to_owned(),
                    status: 405,
                }),
                Found::OtherMethod | Found::Nothing => Err(RouteError {
                    code: "UnknownOperationException",
                    message: format!(
                        "{} has no operation at {} {}",
                        model.service_id(),
                        request.method,
                        request.path
                    ),
                    status: 404,
                }),
            }
        }
    }
}

/// Reads the input of `operation`. Unknown members are skipped; a streaming payload is left out.
pub fn decode(
    model: &Model,
    operation: &OperationModel,
    protocol: Protocol,
    request: &Request<'_>,
) -> Result<Document, DecodeError> {
    let Some(structure) = operation.input.map(|id| model.structure(id)) else {
        return Ok(Document::Map(Map::new()));
    };
    let unread = |malformed| DecodeError::new("SerializationException", malformed);
    match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RpcV2Cbor if request.body.is_empty() => {
            Ok(Document::Map(Map::new()))
        }
        Protocol::AwsJson10 | Protocol::AwsJson11 => {
            json::read_structure(model, structure, &request.body).map_err(unread)
        }
        Protocol::RpcV2Cbor => cbor::read_structure(model, structure, &request.body).map_err(unread),
        Protocol::Query | Protocol::Ec2Query => parameters(request)
            .ok_or_else(|| Malformed::new(NOT_UTF_8))
            .and_then(|parameters| query::read(model, structure, protocol, &parameters))
            .map_err(|malformed| DecodeError::new("MalformedInput", malformed)),
        Protocol::RestJson | Protocol::RestXml => rest::read(model, operation, structure, protocol, request),
    }
}

/// Writes the output of `operation`. A member the output shape lacks is an error.
pub fn encode(
    model: &Model,
    operation: &OperationModel,
    protocol: Protocol,
    output: &Document,
    request_id: &str,
) -> Result<Response, EncodeError> {
    let empty = Map::new();
    let members = match output {
        Document::Map(members) => members,
        Document::Null => &empty,
        other => return Err(EncodeError::expected("a structure", other).within(&operation.name)),
    };
    let structure = operation.output.map(|id| model.structure(id));
    if structure.is_none()
        && let Some(name) = members.keys().next()
    {
        return Err(EncodeError::new("the operation has no output").within(name).within(&operation.name));
    }
    let root = operation.output.map(|id| model.shape(id).name()).unwrap_or_default();
    write(model, operation, structure, protocol, members, request_id).map_err(|error| error.within(root))
}

/// Writes an error as the protocol does; it cannot fail.
pub fn encode_error(
    model: Option<&Model>,
    operation: Option<&OperationModel>,
    protocol: Protocol,
    error: &ErrorReply,
    request_id: &str,
) -> Response {
    reply::write(model, operation, protocol, error, request_id)
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const SMITHY_PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");
const NOT_UTF_8: &str = "The request is not UTF-8";
const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";

fn write(
    model: &Model,
    operation: &OperationModel,
    structure: Option<&Structure>,
    protocol: Protocol,
    members: &Map,
    request_id: &str,
) -> Result<Response, EncodeError> {
    let mut body = Vec::new();
    let is_event_stream = matches!(operation.streaming_output, Streaming::Events(_));
    let content_type = match protocol {
        Protocol::RestJson | Protocol::RestXml => {
            let mut response = rest::write(model, operation, structure, protocol, members)?;
            put_request_id(&mut response.headers, request_id);
            return Ok(response);
        }
        _ if is_event_stream => EVENT_STREAM,
        Protocol::AwsJson10 | Protocol::AwsJson11 => {
            if let Some(structure) = structure {
                body.reserve(256);
                json::write_structure(&mut body, model, structure, members)?;
            }
            match protocol {
                Protocol::AwsJson10 => "application/x-amz-json-1.0",
                _ => "application/x-amz-json-1.1",
            }
        }
        Protocol::RpcV2Cbor => {
            if let Some(structure) = structure {
                body.reserve(256);
                cbor::write_structure(&mut body, model, structure, members, &[])?;
            }
            "application/cbor"
        }
        Protocol::Query | Protocol::Ec2Query => {
            body = query::write(model, operation, protocol, members, request_id)?.into_bytes();
            if protocol == Protocol::Ec2Query { "text/xml;charset=UTF-8" } else { "text/xml" }
        }
    };
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if protocol == Protocol::RpcV2Cbor {
        headers.insert(SMITHY_PROTOCOL, HeaderValue::from_static("rpc-v2-cbor"));
    }
    put_request_id(&mut headers, request_id);
    Ok(Response { status: 200, headers, body: body.into() })
}

pub(crate) fn put_request_id(headers: &mut HeaderMap, request_id: &str) {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, value);
    }
}

fn unknown_operation(model: &Model, named: &str) -> RouteError {
    RouteError {
        code: "UnknownOperationException",
        message: format!("{} has no operation {named}", model.service_id()),
        status: 400,
    }
}

fn header<'r>(request: &Request<'r>, name: &str) -> Option<&'r str> {
    request.headers.get(name)?.to_str().ok()
}

fn content_type<'r>(request: &Request<'r>) -> &'r str {
    let value = header(request, "content-type").unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

fn has_action(request: &Request<'_>) -> bool {
    let names_action = |raw: &str| raw.split('&').any(|parameter| parameter.starts_with("Action="));
    names_action(request.query) || form(request).is_some_and(names_action)
}

/// The body of a form. Clients that forget the content type are understood all the same.
fn form<'r>(request: &'r Request<'_>) -> Option<&'r str> {
    match content_type(request) {
        "application/x-www-form-urlencoded" | "" => std::str::from_utf8(&request.body).ok(),
        _ => None,
    }
}

/// The parameters of a query string and of a form, in this order.
fn parameters(request: &Request<'_>) -> Option<Vec<(String, String)>> {
    let mut parameters = uri::parse_query(request.query)?;
    if let Some(form) = form(request) {
        parameters.extend(uri::parse_query(form.trim())?);
    }
    Some(parameters)
}
