//! From a REST request to an input.

use bytes::Bytes;

use super::header::{read_header, read_prefixed};
use crate::document::{Document, Map};
use crate::error::{DecodeError, Malformed};
use crate::json;
use crate::model::{Kind, Location, Member, Model, OperationModel, Structure, TimestampFormat};
use crate::protocol::{Protocol, Request};
use crate::quirks;
use crate::text;
use crate::uri;
use crate::xml;

/// The codes of the REST-JSON and REST-XML services for what cannot be read.
struct Codes {
    body: &'static str,
    elsewhere: &'static str,
}

pub(crate) fn read(
    model: &Model,
    operation: &OperationModel,
    structure: &Structure,
    protocol: Protocol,
    request: &Request<'_>,
) -> Result<Document, DecodeError> {
    let codes = match protocol {
        Protocol::RestXml => Codes { body: "MalformedXML", elsewhere: "InvalidArgument" },
        _ => Codes { body: "SerializationException", elsewhere: "SerializationException" },
    };
    let mut members = Map::new();
    if structure.has_locations {
        read_locations(model, operation, structure, request, &mut members)
            .map_err(|malformed| DecodeError::new(codes.elsewhere, malformed))?;
    }
    let in_body = match structure.payload() {
        Some(member) if operation.streaming_input.as_deref() == Some(&member.name) => Ok(None),
        Some(member) => read_payload(model, member, protocol, &request.body)
            .map(|value| value.map(|value| Map::from_iter([(member.name.to_string(), value)]))),
        None if structure.has_body_members && !request.body.is_empty() => {
            read_structure(model, structure, protocol, &request.body).map(|document| match document {
                Document::Map(mut members) => {
                    // What belongs to the path or a header is not taken from the body.
                    members.retain(|name, _| structure.members[name.as_str()].location == Location::Body);
                    Some(members)
                }
                _ => None,
            })
        }
        None => Ok(None),
    };
    members
        .extend(in_body.map_err(|malformed| DecodeError::new(codes.body, malformed))?.into_iter().flatten());
    Ok(Document::Map(members))
}

fn read_locations(
    model: &Model,
    operation: &OperationModel,
    structure: &Structure,
    request: &Request<'_>,
    members: &mut Map,
) -> Result<(), Malformed> {
    let labels = operation.path.labels(request.path).unwrap_or_default();
    let query =
        uri::parse_query(request.query).ok_or_else(|| Malformed::new("The query string is not UTF-8"))?;
    let hoisted = hoisted(model, &query);
    for member in structure.members.values() {
        let value = match member.location {
            Location::UriLabel => match labels.iter().find(|(name, _)| *name == member.wire_name()) {
                Some((name, raw)) => {
                    let decoded = uri::decode_component(raw)
                        .ok_or_else(|| Malformed::new(format!("The path's {name} is not UTF-8")))?;
                    Some(text::read(model, member, &decoded, TimestampFormat::Rfc3339)?)
                }
                None => None,
            },
            Location::Query => read_query(model, member, &query)?,
            Location::Header => match read_header(model, member, request.headers)? {
                None => read_hoisted(model, member, &hoisted)?,
                found => found,
            },
            Location::PrefixHeaders => read_prefixed(model, member, request.headers, &hoisted)?,
            Location::Body | Location::StatusCode => None,
        };
        if let Some(value) = value {
            members.insert(member.name.to_string(), value);
        }
    }
    Ok(())
}

/// The parameters that stand for headers, names in lower case.
fn hoisted(model: &Model, query: &[(String, String)]) -> Vec<(String, String)> {
    if !quirks::reads_headers_from_query(model) {
        return Vec::new();
    }
    query
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .filter(|(name, _)| name.starts_with("x-amz-") && !quirks::is_ignored_in_query(name))
        .collect()
}

fn read_hoisted(
    model: &Model,
    member: &Member,
    hoisted: &[(String, String)],
) -> Result<Option<Document>, Malformed> {
    let found = hoisted.iter().find(|(name, _)| name.eq_ignore_ascii_case(member.wire_name()));
    match (found, &model.shape(member.shape).kind) {
        (Some((_, value)), kind) if !matches!(kind, Kind::List(_)) && !value.is_empty() => {
            text::read(model, member, value, TimestampFormat::HttpDate).map(Some)
        }
        _ => Ok(None),
    }
}

fn read_query(
    model: &Model,
    member: &Member,
    query: &[(String, String)],
) -> Result<Option<Document>, Malformed> {
    let name = member.wire_name();
    let read = |member: &Member, value: &str| text::read(model, member, value, TimestampFormat::Rfc3339);
    match &model.shape(member.shape).kind {
        Kind::List(item) => {
            let values = query.iter().filter(|(key, _)| key == name).map(|(_, value)| read(item, value));
            let items = values.collect::<Result<Vec<_>, _>>()?;
            Ok((!items.is_empty()).then_some(Document::List(items)))
        }
        // A map takes every parameter, those that other members take too.
        Kind::Map(entry) => {
            let mut entries = Map::new();
            for (key, value) in query {
                match &model.shape(entry.1.shape).kind {
                    Kind::List(item) => {
                        let value = read(item, value)?;
                        match entries.entry(key.clone()).or_insert_with(|| Document::List(Vec::new())) {
                            Document::List(items) => items.push(value),
                            _ => unreachable!("only lists are put here"),
                        }
                    }
                    _ => {
                        entries.insert(key.clone(), read(&entry.1, value)?);
                    }
                }
            }
            Ok((!entries.is_empty()).then_some(Document::Map(entries)))
        }
        _ => query.iter().find(|(key, _)| key == name).map(|(_, value)| read(member, value)).transpose(),
    }
}

/// A body that is one member; an empty body is an absent member.
fn read_payload(
    model: &Model,
    member: &Member,
    protocol: Protocol,
    body: &Bytes,
) -> Result<Option<Document>, Malformed> {
    if body.is_empty() {
        return Ok(None);
    }
    match &model.shape(member.shape).kind {
        Kind::Blob => Ok(Some(Document::Blob(body.clone()))),
        Kind::String => match std::str::from_utf8(body) {
            Ok(text) => Ok(Some(text.into())),
            Err(_) => Err(Malformed::new("The body is not UTF-8")),
        },
        Kind::Structure(structure) => read_structure(model, structure, protocol, body).map(Some),
        _ => Err(Malformed::new("The model allows no such payload")),
    }
}

fn read_structure(
    model: &Model,
    structure: &Structure,
    protocol: Protocol,
    body: &Bytes,
) -> Result<Document, Malformed> {
    match protocol {
        Protocol::RestXml => xml::read_root(model, structure, body),
        _ => json::read_structure(model, structure, body),
    }
}
