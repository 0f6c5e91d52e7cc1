//! Reads botocore's JSON into the arena.

use std::borrow::Cow;
use std::collections::HashMap;

use indexmap::IndexMap;
use serde::Deserialize;

use super::{
    Constraints, ErrorFacts, Kind, Location, Member, Metadata, Model, ModelError, OperationModel, Shape,
    ShapeId, Streaming, Structure, TimestampFormat, XmlNamespace,
};
use crate::pattern::Pattern;
use crate::protocol::Protocol;
use crate::route::{Path, Routes};

pub(super) fn parse(json: &[u8]) -> Result<Model, ModelError> {
    let raw: RawModel<'_> = serde_json::from_slice(json).map_err(|error| ModelError(error.to_string()))?;
    let reader = Reader::new(&raw)?;
    let shapes =
        raw.shapes.iter().map(|(name, shape)| reader.shape(name, shape)).collect::<Result<Vec<_>, _>>()?;
    let mut operations = IndexMap::with_capacity(raw.operations.len());
    for (name, operation) in &raw.operations {
        operations.insert(Box::from(*name), reader.operation(name, operation, &shapes)?);
    }
    let metadata = reader.metadata()?;
    let mut routes = Routes::default();
    for (index, operation) in operations.values().enumerate() {
        if !crate::quirks::is_superseded(&metadata.service_id, &operation.name) {
            routes.insert(index, operation, &shapes);
        }
    }
    Ok(Model {
        name: metadata.endpoint_prefix.clone(),
        metadata,
        shapes,
        shape_ids: reader.ids.into_iter().map(|(name, id)| (name.into(), id)).collect(),
        operations,
        routes,
    })
}

#[derive(Deserialize)]
struct RawModel<'a> {
    #[serde(borrow)]
    metadata: RawMetadata<'a>,
    #[serde(borrow, default)]
    operations: IndexMap<&'a str, RawOperation<'a>>,
    #[serde(borrow, default)]
    shapes: IndexMap<&'a str, RawShape<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMetadata<'a> {
    service_id: Option<&'a str>,
    #[serde(borrow)]
    service_full_name: Option<Cow<'a, str>>,
    endpoint_prefix: Option<&'a str>,
    signing_name: Option<&'a str>,
    target_prefix: Option<&'a str>,
    #[serde(default)]
    api_version: &'a str,
    json_version: Option<&'a str>,
    protocol: &'a str,
    #[serde(default)]
    protocols: Vec<&'a str>,
    #[serde(borrow)]
    xml_namespace: Option<RawNamespace<'a>>,
    aws_query_compatible: Option<serde::de::IgnoredAny>,
    global_endpoint: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawNamespace<'a> {
    Uri(#[serde(borrow)] Cow<'a, str>),
    Prefixed { prefix: Option<String>, uri: String },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawOperation<'a> {
    #[serde(borrow)]
    http: RawHttp<'a>,
    #[serde(borrow)]
    input: Option<RawReference<'a>>,
    #[serde(borrow)]
    output: Option<RawReference<'a>>,
    #[serde(borrow, default)]
    errors: Vec<RawReference<'a>>,
    authtype: Option<&'a str>,
    #[serde(default)]
    auth: Vec<&'a str>,
    endpoint: Option<RawEndpoint<'a>>,
    #[serde(default)]
    readonly: bool,
    #[serde(default)]
    http_checksum_required: bool,
    http_checksum: Option<RawChecksum<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawHttp<'a> {
    #[serde(default = "post")]
    method: &'a str,
    #[serde(default = "root", borrow)]
    request_uri: Cow<'a, str>,
    response_code: Option<u16>,
}

fn post() -> &'static str {
    "POST"
}

fn root() -> Cow<'static, str> {
    Cow::Borrowed("/")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEndpoint<'a> {
    host_prefix: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawChecksum<'a> {
    request_algorithm_member: Option<&'a str>,
    #[serde(default)]
    request_checksum_required: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawShape<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow, default)]
    members: IndexMap<&'a str, RawReference<'a>>,
    #[serde(default)]
    required: Vec<&'a str>,
    #[serde(borrow)]
    member: Option<RawReference<'a>>,
    #[serde(borrow)]
    key: Option<RawReference<'a>>,
    #[serde(borrow)]
    value: Option<RawReference<'a>>,
    min: Option<f64>,
    max: Option<f64>,
    #[serde(borrow)]
    pattern: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "enum", default)]
    enumeration: Vec<Cow<'a, str>>,
    payload: Option<&'a str>,
    location_name: Option<&'a str>,
    #[serde(borrow)]
    xml_namespace: Option<RawNamespace<'a>>,
    timestamp_format: Option<&'a str>,
    #[serde(default)]
    flattened: bool,
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    streaming: bool,
    #[serde(default)]
    document: bool,
    #[serde(default)]
    union: bool,
    #[serde(default)]
    eventstream: bool,
    #[serde(default)]
    exception: bool,
    #[serde(default)]
    fault: bool,
    error: Option<RawError<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawError<'a> {
    code: Option<&'a str>,
    http_status_code: Option<u16>,
    sender_fault: Option<bool>,
    #[serde(default)]
    fault: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawReference<'a> {
    shape: &'a str,
    location: Option<&'a str>,
    location_name: Option<&'a str>,
    query_name: Option<&'a str>,
    query_compatible_name: Option<&'a str>,
    result_wrapper: Option<&'a str>,
    timestamp_format: Option<&'a str>,
    #[serde(borrow)]
    xml_namespace: Option<RawNamespace<'a>>,
    #[serde(default)]
    flattened: bool,
    #[serde(default)]
    streaming: bool,
    #[serde(default)]
    jsonvalue: bool,
    #[serde(default)]
    xml_attribute: bool,
    #[serde(default)]
    idempotency_token: bool,
    #[serde(default)]
    eventheader: bool,
    #[serde(default)]
    eventpayload: bool,
}

struct Reader<'r, 'a> {
    raw: &'r RawModel<'a>,
    ids: HashMap<&'a str, ShapeId>,
    is_ec2: bool,
}

impl<'r, 'a> Reader<'r, 'a> {
    fn new(raw: &'r RawModel<'a>) -> Result<Self, ModelError> {
        let count = u32::try_from(raw.shapes.len()).map_err(|_| ModelError("too many shapes".into()))?;
        let ids = raw.shapes.keys().copied().zip((0..count).map(ShapeId)).collect();
        Ok(Reader { raw, ids, is_ec2: raw.metadata.protocol == "ec2" })
    }

    fn metadata(&self) -> Result<Metadata, ModelError> {
        let raw = &self.raw.metadata;
        let json = match raw.json_version {
            Some("1.0") => Protocol::AwsJson10,
            _ => Protocol::AwsJson11,
        };
        let is_query_compatible = raw.aws_query_compatible.is_some();
        let mut protocols = Vec::new();
        // A query-compatible service answers the Query form too, whether it is listed or not.
        let implied = is_query_compatible.then_some("query");
        for name in std::iter::once(raw.protocol).chain(raw.protocols.iter().copied()).chain(implied) {
            let protocol = match name {
                "json" => json,
                "query" => Protocol::Query,
                "ec2" => Protocol::Ec2Query,
                "rest-json" => Protocol::RestJson,
                "rest-xml" => Protocol::RestXml,
                "smithy-rpc-v2-cbor" => Protocol::RpcV2Cbor,
                other => return Err(ModelError(format!("unknown protocol {other}"))),
            };
            if !protocols.contains(&protocol) {
                protocols.push(protocol);
            }
        }
        let endpoint_prefix = raw.endpoint_prefix.unwrap_or_default();
        Ok(Metadata {
            service_id: raw.service_id.unwrap_or_default().into(),
            service_full_name: raw.service_full_name.as_deref().unwrap_or_default().into(),
            endpoint_prefix: endpoint_prefix.into(),
            signing_name: raw.signing_name.unwrap_or(endpoint_prefix).into(),
            target_prefix: raw.target_prefix.map(Box::from),
            api_version: raw.api_version.into(),
            // S3 names a global endpoint too, though its buckets live in regions.
            global: raw.global_endpoint.is_some() && endpoint_prefix != "s3",
            query_compatible: is_query_compatible,
            protocols,
            json,
            xml_namespace: self.namespace_uri(),
        })
    }

    /// The service's namespace; REST-XML models say it at their inputs only.
    fn namespace_uri(&self) -> Option<Box<str>> {
        let inputs = self.raw.operations.values().filter_map(|operation| operation.input.as_ref());
        let namespace = self
            .raw
            .metadata
            .xml_namespace
            .as_ref()
            .or_else(|| inputs.filter_map(|input| input.xml_namespace.as_ref()).next())?;
        Some(self.namespace(namespace).uri)
    }

    fn namespace(&self, raw: &RawNamespace<'_>) -> XmlNamespace {
        match raw {
            RawNamespace::Uri(uri) => XmlNamespace { prefix: None, uri: (&**uri).into() },
            RawNamespace::Prefixed { prefix, uri } => XmlNamespace {
                prefix: prefix.as_deref().filter(|prefix| !prefix.is_empty()).map(Box::from),
                uri: uri.as_str().into(),
            },
        }
    }

    fn id(&self, name: &str) -> Result<ShapeId, ModelError> {
        self.ids.get(name).copied().ok_or_else(|| ModelError(format!("no shape {name}")))
    }

    fn structure_id(&self, reference: &RawReference<'_>, shapes: &[Shape]) -> Result<ShapeId, ModelError> {
        let id = self.id(reference.shape)?;
        match shapes[id.0 as usize].structure() {
            Some(_) => Ok(id),
            None => Err(ModelError(format!(
                "{} is used as an input or output but is no structure",
                reference.shape
            ))),
        }
    }

    fn operation(
        &self,
        name: &str,
        raw: &RawOperation<'a>,
        shapes: &[Shape],
    ) -> Result<OperationModel, ModelError> {
        let input = raw.input.as_ref().map(|reference| self.structure_id(reference, shapes)).transpose()?;
        let output = raw.output.as_ref().map(|reference| self.structure_id(reference, shapes)).transpose()?;
        let structure = |id: ShapeId| shapes[id.0 as usize].structure().expect("checked above");
        let streaming_input = input.map(structure).and_then(|input| {
            let member = input.payload()?;
            let is_events = shapes[member.shape.0 as usize].structure().is_some_and(|s| s.is_event_stream);
            (member.is_streaming || is_events).then(|| member.name.clone())
        });
        let streaming_output = output.map(structure).map_or(Streaming::None, |output| {
            let events = output.members().find(|member| {
                shapes[member.shape.0 as usize].structure().is_some_and(|s| s.is_event_stream)
            });
            match (events, output.payload()) {
                (Some(member), _) => Streaming::Events(member.name.clone()),
                (None, Some(member)) if member.is_streaming => Streaming::Blob(member.name.clone()),
                _ => Streaming::None,
            }
        });
        let checksum = raw.http_checksum.as_ref();
        let method =
            raw.http.method.parse().map_err(|_| ModelError(format!("{name}: method {}", raw.http.method)))?;
        Ok(OperationModel {
            name: name.into(),
            method,
            uri: (&*raw.http.request_uri).into(),
            path: Path::parse(&raw.http.request_uri)
                .map_err(|reason| ModelError(format!("{name}: {reason}")))?,
            response_code: raw.http.response_code.unwrap_or(200),
            input,
            output,
            result_wrapper: raw.output.as_ref().and_then(|reference| reference.result_wrapper).map(Box::from),
            errors: raw.errors.iter().map(|reference| self.id(reference.shape)).collect::<Result<_, _>>()?,
            streaming_input,
            streaming_output,
            host_prefix: raw.endpoint.as_ref().and_then(|endpoint| endpoint.host_prefix).map(Box::from),
            is_unsigned: raw.authtype == Some("none") || raw.auth == ["smithy.api#noAuth"],
            is_read_only: raw.readonly,
            is_checksum_required: raw.http_checksum_required
                || checksum.is_some_and(|checksum| checksum.request_checksum_required),
            checksum_algorithm_member: checksum
                .and_then(|checksum| checksum.request_algorithm_member)
                .map(Box::from),
        })
    }

    fn shape(&self, name: &str, raw: &RawShape<'a>) -> Result<Shape, ModelError> {
        let part = |reference: &Option<RawReference<'a>>, part: &'static str| match reference {
            Some(reference) => self.member(part, reference, false),
            None => Err(ModelError(format!("{name} has no {part}"))),
        };
        let kind = match raw.kind {
            "structure" => Kind::Structure(self.structure(name, raw)?),
            "list" => Kind::List(Box::new(part(&raw.member, "member")?)),
            "map" => Kind::Map(Box::new((part(&raw.key, "key")?, part(&raw.value, "value")?))),
            "string" | "character" => Kind::String,
            "blob" => Kind::Blob,
            "boolean" => Kind::Boolean,
            "integer" | "short" | "byte" => Kind::Integer,
            "long" => Kind::Long,
            "float" => Kind::Float,
            "double" => Kind::Double,
            "timestamp" => Kind::Timestamp,
            other => return Err(ModelError(format!("{name} has the unknown type {other}"))),
        };
        let constraints = Constraints {
            min: raw.min,
            max: raw.max,
            pattern: raw.pattern.as_deref().map(Pattern::new),
            enumeration: raw.enumeration.iter().map(|value| Box::from(&**value)).collect(),
        };
        Ok(Shape { name: name.into(), kind, constraints, is_sensitive: raw.sensitive })
    }

    fn structure(&self, name: &str, raw: &RawShape<'a>) -> Result<Structure, ModelError> {
        let mut structure = Structure {
            xml_name: raw.location_name.map(Box::from),
            xml_namespace: raw.xml_namespace.as_ref().map(|namespace| Box::new(self.namespace(namespace))),
            is_document: raw.document,
            is_union: raw.union,
            is_event_stream: raw.eventstream,
            error: self.error(raw),
            ..Structure::default()
        };
        for (member_name, reference) in &raw.members {
            let member = self.member(member_name, reference, raw.required.contains(member_name))?;
            match member.location {
                Location::Body => structure.has_body_members = true,
                _ => structure.has_locations = true,
            }
            structure.has_response_body_members |= member.is_in_response_body();
            if let (Location::Body, Some(wire_name)) = (member.location, &member.wire_name) {
                structure.by_wire_name.insert(wire_name.clone(), structure.members.len());
            }
            structure.members.insert(member.name.clone(), member);
        }
        if let Some(payload) = raw.payload {
            let index = structure.members.get_index_of(payload);
            structure.payload =
                Some(index.ok_or_else(|| ModelError(format!("{name} lacks its payload {payload}")))?);
        }
        Ok(structure)
    }

    fn error(&self, raw: &RawShape<'a>) -> Option<ErrorFacts> {
        if !raw.exception && raw.error.is_none() {
            return None;
        }
        let error = raw.error.as_ref();
        let is_server_fault = raw.fault
            || error.is_some_and(|error| {
                error.fault
                    || (error.sender_fault != Some(true) && error.http_status_code.is_some_and(|s| s >= 500))
            });
        let default_status = if is_server_fault { 500 } else { 400 };
        Some(ErrorFacts {
            status: error.and_then(|error| error.http_status_code).unwrap_or(default_status),
            query_code: error.and_then(|error| error.code).map(Box::from),
            is_server_fault,
        })
    }

    fn member(&self, name: &str, raw: &RawReference<'a>, is_required: bool) -> Result<Member, ModelError> {
        let shape = self.id(raw.shape)?;
        // Traits of a shape hold for its uses too, save for names: those of a structure are for the root only.
        let target = &self.raw.shapes[shape.0 as usize];
        let location = match raw.location {
            None => Location::Body,
            Some("uri") => Location::UriLabel,
            Some("querystring") => Location::Query,
            Some("header") => Location::Header,
            Some("headers") => Location::PrefixHeaders,
            Some("statusCode") => Location::StatusCode,
            Some(other) => return Err(ModelError(format!("{name} has the unknown location {other}"))),
        };
        let timestamp_format = match raw.timestamp_format.or(target.timestamp_format) {
            None => None,
            Some("unixTimestamp") => Some(TimestampFormat::EpochSeconds),
            Some("iso8601") => Some(TimestampFormat::Rfc3339),
            Some("rfc822") => Some(TimestampFormat::HttpDate),
            Some(other) => {
                return Err(ModelError(format!("{name} has the unknown timestamp format {other}")));
            }
        };
        let namespace = raw.xml_namespace.as_ref().or(target.xml_namespace.as_ref());
        let query_name = match raw.query_name.or(raw.query_compatible_name) {
            Some(query_name) => Some(query_name.into()),
            None if self.is_ec2 => Some(capitalise(raw.location_name.unwrap_or(name))),
            None => None,
        };
        Ok(Member {
            name: name.into(),
            shape,
            location,
            wire_name: raw.location_name.filter(|wire_name| *wire_name != name).map(Box::from),
            query_name,
            timestamp_format,
            xml_namespace: namespace.map(|namespace| Box::new(self.namespace(namespace))),
            is_required,
            is_flattened: raw.flattened || target.flattened,
            is_xml_attribute: raw.xml_attribute,
            is_streaming: raw.streaming || target.streaming,
            is_json_value: raw.jsonvalue,
            is_idempotency_token: raw.idempotency_token,
            is_event_header: raw.eventheader,
            is_event_payload: raw.eventpayload,
        })
    }
}

fn capitalise(name: &str) -> Box<str> {
    let mut characters = name.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect::<String>().into(),
        None => name.into(),
    }
}
