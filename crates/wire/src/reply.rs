//! Errors, as each protocol writes them. Writing one cannot fail: what does not fit is left out.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::cbor;
use crate::document::{Document, Map};
use crate::error::{ErrorReply, Fault};
use crate::json;
use crate::model::{ErrorFacts, Kind, Location, Model, OperationModel, Structure};
use crate::protocol::{Protocol, Response, put_request_id};
use crate::quirks;
use crate::rest;
use crate::xml::{Names, Writer};

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

pub(crate) fn write(
    model: Option<&Model>,
    operation: Option<&OperationModel>,
    protocol: Protocol,
    error: &ErrorReply,
    request_id: &str,
) -> Response {
    let headed = model.zip(operation).and_then(|(model, operation)| without_headers(model, operation, error));
    if let (Some(model), Some((error, structure, in_headers))) = (model, &headed) {
        let mut response = write(Some(model), None, protocol, error, request_id);
        // Headers that do not fit the model are left out; the error itself matters more.
        let _ = rest::write_headers(&mut response.headers, model, structure, in_headers);
        if response.status == 304 {
            // An answer that has no body says nothing of one.
            response.headers.remove(CONTENT_TYPE);
            response.body = Bytes::new();
        }
        return response;
    }
    let answer = Answer::new(model, protocol, error);
    let mut response = Response { status: answer.status(), headers: HeaderMap::new(), body: Bytes::new() };
    let (content_type, body) = match protocol {
        Protocol::AwsJson10 => ("application/x-amz-json-1.0", answer.json(true)),
        Protocol::AwsJson11 => ("application/x-amz-json-1.1", answer.json(true)),
        Protocol::RestJson => ("application/json", answer.json(false)),
        Protocol::RpcV2Cbor => ("application/cbor", answer.cbor()),
        Protocol::Query => ("text/xml", answer.wrapped_xml(request_id, Names::Query)),
        Protocol::Ec2Query => ("text/xml;charset=UTF-8", answer.ec2_xml(request_id)),
        Protocol::RestXml if quirks::has_bare_errors(model) => {
            ("application/xml", answer.bare_xml(request_id))
        }
        Protocol::RestXml => ("application/xml", answer.wrapped_xml(request_id, Names::Wire)),
    };
    response.body = body;
    response.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    put_request_id(&mut response.headers, request_id);
    match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RestJson => {
            if let Ok(code) = HeaderValue::from_str(&error.code) {
                response.headers.insert(ERROR_TYPE, code);
            }
        }
        Protocol::RpcV2Cbor => {
            response.headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
        }
        Protocol::Query | Protocol::Ec2Query | Protocol::RestXml => {}
    }
    let is_query_compatible = model.is_some_and(Model::is_query_compatible);
    if is_query_compatible
        && matches!(protocol, Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RpcV2Cbor)
        && let Ok(value) = HeaderValue::from_str(&format!("{};{}", answer.query_code(), answer.blame()))
    {
        response.headers.insert(QUERY_ERROR, value);
    }
    if let Some((model, structure)) = answer.shape {
        // Headers that do not fit the model are left out; the error itself matters more.
        let _ = rest::write_headers(&mut response.headers, model, structure, &answer.in_headers);
    }
    response
}

/// Takes out of an error what its operation's output has as headers; `None` when there is nothing of the kind.
fn without_headers<'m>(
    model: &'m Model,
    operation: &OperationModel,
    error: &ErrorReply,
) -> Option<(ErrorReply, &'m Structure, Map)> {
    let structure = operation.output.map(|id| model.structure(id))?;
    let is_header = |name: &str| {
        quirks::is_header_of_error(model, name, &error.members)
            && structure.members.get(name).is_some_and(|member| member.location == Location::Header)
    };
    let (in_headers, in_body): (Map, Map) =
        error.members.clone().into_iter().partition(|(name, _)| is_header(name));
    if in_headers.is_empty() {
        return None;
    }
    Some((ErrorReply { members: in_body, ..error.clone() }, structure, in_headers))
}

/// An error beside what the model knows of it.
struct Answer<'e> {
    error: &'e ErrorReply,
    shape: Option<(&'e Model, &'e Structure)>,
    facts: Option<&'e ErrorFacts>,
    /// The members of the error's shape that travel in the body, the message and the fault among them.
    members: Map,
    /// Those that travel as headers, which only the REST protocols know.
    in_headers: Map,
    /// Members the shape lacks.
    others: Map,
}

impl<'e> Answer<'e> {
    fn new(model: Option<&'e Model>, protocol: Protocol, error: &'e ErrorReply) -> Answer<'e> {
        let shape = model.and_then(|model| Some((model, model.error_shape(&error.code)?.structure()?)));
        let mut members = Map::new();
        let mut in_headers = Map::new();
        let mut others = Map::new();
        match shape {
            Some((model, structure)) => {
                let is_text = |name: &&str| {
                    let member = structure.members.get(*name);
                    member.is_some_and(|member| matches!(model.shape(member.shape).kind, Kind::String))
                };
                match ["message", "Message"].iter().find(|name| is_text(name)) {
                    Some(name) => members.insert((*name).to_owned(), error.message.as_str().into()),
                    None => others.insert("message".to_owned(), error.message.as_str().into()),
                };
                // Lambda's and a few others' errors say whose fault they are.
                if is_text(&"Type") {
                    let blame = if error.fault == Fault::Client { "User" } else { "Service" };
                    members.insert("Type".to_owned(), blame.into());
                }
                for (name, value) in &error.members {
                    let target = match structure.members.get(name.as_str()) {
                        None => &mut others,
                        Some(member) if protocol.is_rest() && !member.is_in_response_body() => {
                            &mut in_headers
                        }
                        Some(_) => &mut members,
                    };
                    target.insert(name.clone(), value.clone());
                }
            }
            None => {
                others.insert("message".to_owned(), error.message.as_str().into());
                others.extend(error.members.clone());
            }
        }
        let facts = shape.and_then(|(_, structure)| structure.error.as_ref());
        Answer { error, shape, facts, members, in_headers, others }
    }

    fn status(&self) -> u16 {
        let by_fault = if self.error.fault == Fault::Client { 400 } else { 500 };
        let status = self.error.status.or(self.facts.map(|facts| facts.status)).unwrap_or(by_fault);
        if (300..=599).contains(&status) { status } else { by_fault }
    }

    fn query_code(&self) -> &str {
        self.facts.and_then(|facts| facts.query_code.as_deref()).unwrap_or(&self.error.code)
    }

    fn blame(&self) -> &'static str {
        if self.error.fault == Fault::Client { "Sender" } else { "Receiver" }
    }

    fn json(&self, has_type: bool) -> Bytes {
        let mut body = b"{".to_vec();
        if has_type {
            body.extend_from_slice(b"\"__type\":");
            json::write_string(&mut body, &self.error.code);
        }
        if let Some((model, structure)) = self.shape {
            let before = body.len();
            if json::write_members(&mut body, model, structure, &self.members, !has_type).is_err() {
                body.truncate(before);
                self.members.iter().for_each(|(name, value)| write_json_entry(&mut body, name, value));
            }
        }
        self.others.iter().for_each(|(name, value)| write_json_entry(&mut body, name, value));
        body.push(b'}');
        body.into()
    }

    fn cbor(&self) -> Bytes {
        let mut body = Vec::new();
        let head = [("__type", self.error.code.as_str())];
        if self.others.is_empty()
            && let Some((model, structure)) = self.shape
            && cbor::write_structure(&mut body, model, structure, &self.members, &head).is_ok()
        {
            return body.into();
        }
        body.clear();
        let mut all = Map::from_iter([("__type".to_owned(), Document::Text(self.error.code.clone()))]);
        all.extend(self.members.clone());
        all.extend(self.others.clone());
        cbor::write_document(&mut body, &Document::Map(all));
        body.into()
    }

    /// `<ErrorResponse><Error>…</Error><RequestId>…</RequestId></ErrorResponse>`
    fn wrapped_xml(&self, request_id: &str, names: Names) -> Bytes {
        let mut writer = Writer::new();
        let namespace = self.shape.and_then(|(model, _)| model.metadata.xml_namespace.as_deref());
        writer.open_in("ErrorResponse", namespace);
        writer.open("Error");
        writer.leaf("Type", self.blame());
        self.xml_members(&mut writer, names);
        writer.close("Error");
        writer.leaf("RequestId", request_id);
        writer.close("ErrorResponse");
        writer.finish().into()
    }

    fn bare_xml(&self, request_id: &str) -> Bytes {
        let mut writer = Writer::new();
        writer.open("Error");
        self.xml_members(&mut writer, Names::Wire);
        writer.leaf("RequestId", request_id);
        writer.close("Error");
        writer.finish().into()
    }

    fn ec2_xml(&self, request_id: &str) -> Bytes {
        let mut writer = Writer::new();
        writer.open("Response");
        writer.open("Errors");
        writer.open("Error");
        self.xml_members(&mut writer, Names::Wire);
        writer.close("Error");
        writer.close("Errors");
        writer.leaf("RequestID", request_id);
        writer.close("Response");
        writer.finish().into()
    }

    fn xml_members(&self, writer: &mut Writer, names: Names) {
        writer.leaf("Code", self.query_code());
        writer.leaf("Message", &self.error.message);
        let is_said = |name: &String| ["message", "Message", "code", "Code", "Type"].contains(&name.as_str());
        if let Some((model, structure)) = self.shape {
            for (name, value) in self.members.iter().filter(|(name, _)| !is_said(name)) {
                let one = Map::from_iter([(name.clone(), value.clone())]);
                // A member that does not fit is left out whole, never half-written.
                let mut trial = Writer::fragment();
                if trial.members(model, structure, &one, names).is_ok() {
                    writer.raw(&trial.finish());
                }
            }
        }
        for (name, value) in self.others.iter().filter(|(name, _)| !is_said(name)) {
            writer.unshaped(name, value);
        }
    }
}

fn write_json_entry(body: &mut Vec<u8>, name: &str, value: &Document) {
    if body.len() > 1 {
        body.push(b',');
    }
    json::write_string(body, name);
    body.push(b':');
    json::write_document(body, value);
}
