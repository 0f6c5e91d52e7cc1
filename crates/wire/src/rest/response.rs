//! From an output to a REST response.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};

use super::header::write_headers;
use crate::document::{Document, Map};
use crate::error::EncodeError;
use crate::json;
use crate::model::{Kind, Location, Member, Model, OperationModel, Streaming, Structure, XmlNamespace};
use crate::protocol::{Protocol, Response};
use crate::quirks;
use crate::xml::{Names, Writer};

pub(crate) fn write(
    model: &Model,
    operation: &OperationModel,
    structure: Option<&Structure>,
    protocol: Protocol,
    output: &Map,
) -> Result<Response, EncodeError> {
    let mut response =
        Response { status: operation.response_code, headers: HeaderMap::new(), body: Bytes::new() };
    if let Some(structure) = structure {
        write_headers(&mut response.headers, model, structure, output)?;
        if let Some(status) = status_of(structure, output)? {
            response.status = status;
        }
    }
    if quirks::is_partial(model, operation, output) {
        response.status = 206;
    } else if quirks::is_accepted(model, operation) {
        response.status = 202;
    }
    let content_type;
    (response.body, content_type) =
        write_body(model, operation, structure, protocol, output, response.status)?;
    if let Some(content_type) = content_type
        && !response.headers.contains_key(CONTENT_TYPE)
    {
        response.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    Ok(response)
}

fn status_of(structure: &Structure, output: &Map) -> Result<Option<u16>, EncodeError> {
    for member in structure.members.values().filter(|member| member.location == Location::StatusCode) {
        match output.get(&*member.name) {
            None | Some(Document::Null) => {}
            Some(Document::Int(status @ 100..=599)) => return Ok(Some(*status as u16)),
            Some(other) => return Err(EncodeError::expected("an HTTP status", other).within(&member.name)),
        }
    }
    Ok(None)
}

fn write_body(
    model: &Model,
    operation: &OperationModel,
    structure: Option<&Structure>,
    protocol: Protocol,
    output: &Map,
    status: u16,
) -> Result<(Bytes, Option<&'static str>), EncodeError> {
    let structured = if protocol == Protocol::RestXml { "application/xml" } else { "application/json" };
    match operation.streaming_output {
        Streaming::Events(_) => return Ok((Bytes::new(), Some("application/vnd.amazon.eventstream"))),
        Streaming::Blob(_) => return Ok((Bytes::new(), Some("application/octet-stream"))),
        Streaming::None => {}
    }
    let Some(structure) = structure else {
        return Ok((Bytes::new(), (protocol == Protocol::RestJson).then_some(structured)));
    };
    if let Some(member) = structure.payload() {
        return match output.get(&*member.name) {
            None | Some(Document::Null) => Ok((Bytes::new(), None)),
            Some(value) => write_payload(model, operation, member, protocol, value)
                .map_err(|error| error.within(&member.name)),
        };
    }
    let is_in_body = |name: &str| structure.members.get(name).is_some_and(Member::is_in_response_body);
    let in_body = output.iter().filter(|(name, _)| is_in_body(name));
    if protocol == Protocol::RestJson {
        // A 204 has no body; any other answer is an object, even where nothing travels in it.
        let is_bodiless = status == 204 || (!structure.has_response_body_members && structure.has_locations);
        let mut body = Vec::with_capacity(256);
        if !is_bodiless {
            body.push(b'{');
            json::write_members(&mut body, model, structure, in_body, true)?;
            body.push(b'}');
        }
        return Ok((body.into(), Some(structured)));
    }
    if !structure.has_response_body_members {
        return Ok((Bytes::new(), None));
    }
    let mut writer = Writer::new();
    let namespace = model.metadata.xml_namespace.as_deref();
    if quirks::has_unwrapped_output(model, operation) {
        for member in structure.members.values() {
            writer.open_in(member.wire_name(), namespace);
            if let Some(Document::Text(text)) = output.get(&*member.name) {
                writer.text(text);
            }
            writer.close(member.wire_name());
        }
    } else {
        let shape_name = operation.output.map(|id| &*model.shape(id).name).unwrap_or_default();
        let root = quirks::root_element(model, shape_name)
            .unwrap_or_else(|| structure.xml_name.as_deref().unwrap_or(shape_name));
        let namespace = namespace.map(|uri| XmlNamespace { prefix: None, uri: uri.into() });
        writer.structure(model, structure, root, namespace.as_ref(), in_body, Names::Wire)?;
    }
    Ok((writer.finish().into(), Some(structured)))
}

fn write_payload(
    model: &Model,
    operation: &OperationModel,
    member: &Member,
    protocol: Protocol,
    value: &Document,
) -> Result<(Bytes, Option<&'static str>), EncodeError> {
    let shape = model.shape(member.shape);
    match (&shape.kind, value) {
        (Kind::Blob, Document::Blob(bytes)) => {
            Ok((bytes.clone(), Some(quirks::blob_content_type(model, operation))))
        }
        (Kind::String, Document::Text(text)) => Ok((text.clone().into(), Some("text/plain"))),
        (Kind::Structure(structure), Document::Map(members)) if protocol == Protocol::RestXml => {
            let root = member.wire_name.as_deref().or(structure.xml_name.as_deref()).unwrap_or(&shape.name);
            let stated = member.xml_namespace.as_deref().or(structure.xml_namespace.as_deref());
            let mut writer = Writer::new();
            match (stated, model.metadata.xml_namespace.as_deref()) {
                (None, Some(namespace)) => {
                    let namespace = XmlNamespace { prefix: None, uri: namespace.into() };
                    writer.structure(model, structure, root, Some(&namespace), members, Names::Wire)?;
                }
                (stated, _) => writer.structure(model, structure, root, stated, members, Names::Wire)?,
            }
            Ok((writer.finish().into(), Some("application/xml")))
        }
        (_, value) => {
            let mut body = Vec::with_capacity(256);
            json::write_value(&mut body, model, member, value)?;
            Ok((body.into(), Some("application/json")))
        }
    }
}
