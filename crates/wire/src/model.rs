//! API models: which operations a service has, and which shapes they take and give.
//!
//! A model is read once from its trimmed JSON into an arena of shapes that refer to each other by
//! [`ShapeId`]. Everything a protocol needs on the way is resolved then, nothing while a request runs.

mod embedded;
mod parse;

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::OnceLock;

use flate2::read::GzDecoder;
use indexmap::IndexMap;

use crate::pattern::Pattern;
use crate::protocol::Protocol;
use crate::route::{Path, Routes};

/// A model that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("model: {0}")]
pub struct ModelError(pub(crate) String);

/// One service's API.
#[derive(Debug)]
pub struct Model {
    pub(crate) name: Box<str>,
    pub(crate) metadata: Metadata,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) shape_ids: HashMap<Box<str>, ShapeId>,
    pub(crate) operations: IndexMap<Box<str>, OperationModel>,
    pub(crate) routes: Routes,
}

#[derive(Debug)]
pub(crate) struct Metadata {
    pub(crate) service_id: Box<str>,
    pub(crate) service_full_name: Box<str>,
    pub(crate) endpoint_prefix: Box<str>,
    pub(crate) signing_name: Box<str>,
    pub(crate) target_prefix: Option<Box<str>>,
    pub(crate) api_version: Box<str>,
    pub(crate) global: bool,
    pub(crate) query_compatible: bool,
    pub(crate) protocols: Vec<Protocol>,
    /// The JSON protocol of the service's JSON version, whether or not it is listed.
    pub(crate) json: Protocol,
    pub(crate) xml_namespace: Option<Box<str>>,
}

/// A shape of one model; only valid with the model it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ShapeId(pub(crate) u32);

/// An operation: its place in the API and what goes in and out.
#[derive(Debug)]
pub struct OperationModel {
    pub(crate) name: Box<str>,
    pub(crate) method: http::Method,
    pub(crate) uri: Box<str>,
    pub(crate) path: Path,
    pub(crate) response_code: u16,
    pub(crate) input: Option<ShapeId>,
    pub(crate) output: Option<ShapeId>,
    pub(crate) result_wrapper: Option<Box<str>>,
    pub(crate) errors: Vec<ShapeId>,
    pub(crate) streaming_input: Option<Box<str>>,
    pub(crate) streaming_output: Streaming,
    pub(crate) host_prefix: Option<Box<str>>,
    pub(crate) is_unsigned: bool,
    pub(crate) is_read_only: bool,
    pub(crate) is_checksum_required: bool,
    pub(crate) checksum_algorithm_member: Option<Box<str>>,
}

#[derive(Debug)]
pub(crate) enum Streaming {
    None,
    Blob(Box<str>),
    Events(Box<str>),
}

/// What a response streams, by the name of the output member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamingOutput<'m> {
    None,
    Blob(&'m str),
    Events(&'m str),
}

/// A named type of the API.
#[derive(Debug)]
pub struct Shape {
    pub(crate) name: Box<str>,
    pub(crate) kind: Kind,
    pub(crate) constraints: Constraints,
    pub(crate) is_sensitive: bool,
}

/// What a shape is made of.
#[derive(Debug)]
pub enum Kind {
    Structure(Structure),
    List(Box<Member>),
    Map(Box<(Member, Member)>),
    String,
    Blob,
    Boolean,
    Integer,
    Long,
    Float,
    Double,
    Timestamp,
}

/// A structure, a union, an error, or the free-form `document` type.
#[derive(Debug, Default)]
pub struct Structure {
    pub(crate) members: IndexMap<Box<str>, Member>,
    /// Members whose name in a body differs from their own, by that name.
    pub(crate) by_wire_name: HashMap<Box<str>, usize>,
    pub(crate) payload: Option<usize>,
    pub(crate) xml_name: Option<Box<str>>,
    pub(crate) xml_namespace: Option<Box<XmlNamespace>>,
    pub(crate) is_document: bool,
    pub(crate) is_union: bool,
    pub(crate) is_event_stream: bool,
    /// Whether any member travels outside the body.
    pub(crate) has_locations: bool,
    /// Whether any member travels in the body of a request (the payload counts).
    pub(crate) has_body_members: bool,
    /// The same for a response, where paths and queries cannot carry anything.
    pub(crate) has_response_body_members: bool,
    pub(crate) error: Option<ErrorFacts>,
}

/// A use of a shape: by a structure, a list, or a map.
#[derive(Debug)]
pub struct Member {
    pub(crate) name: Box<str>,
    pub(crate) shape: ShapeId,
    pub(crate) location: Location,
    pub(crate) wire_name: Option<Box<str>>,
    /// The name in the Query protocols where it differs from `wire_name`.
    pub(crate) query_name: Option<Box<str>>,
    pub(crate) timestamp_format: Option<TimestampFormat>,
    pub(crate) xml_namespace: Option<Box<XmlNamespace>>,
    pub(crate) is_required: bool,
    pub(crate) is_flattened: bool,
    pub(crate) is_xml_attribute: bool,
    pub(crate) is_streaming: bool,
    pub(crate) is_json_value: bool,
    pub(crate) is_idempotency_token: bool,
    pub(crate) is_event_header: bool,
    pub(crate) is_event_payload: bool,
}

/// Where a member of an input or output travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    Body,
    UriLabel,
    Query,
    Header,
    /// A map whose entries are headers with a common prefix.
    PrefixHeaders,
    StatusCode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimestampFormat {
    EpochSeconds,
    Rfc3339,
    HttpDate,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct XmlNamespace {
    pub(crate) prefix: Option<Box<str>>,
    pub(crate) uri: Box<str>,
}

/// What values of a shape must satisfy.
#[derive(Debug, Default)]
pub struct Constraints {
    /// Of a number its value, of a string its characters, of a blob its bytes, else its entries.
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub(crate) pattern: Option<Pattern>,
    pub(crate) enumeration: Vec<Box<str>>,
}

/// How an error shape is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorFacts {
    pub status: u16,
    /// The code of the Query protocols, where it is not the shape's name.
    pub query_code: Option<Box<str>>,
    /// Whether the service, not the caller, is to blame.
    pub is_server_fault: bool,
}

/// The embedded model of a service, by its folder name in botocore: `lambda`, `s3`, `logs` …
pub fn model(name: &str) -> Option<&'static Model> {
    static MODELS: [OnceLock<Model>; embedded::EMBEDDED.len()] =
        [const { OnceLock::new() }; embedded::EMBEDDED.len()];
    let index = embedded::EMBEDDED.binary_search_by_key(&name, |(name, _)| name).ok()?;
    Some(MODELS[index].get_or_init(|| read_embedded(index)))
}

/// The names [`model`] knows, sorted.
pub fn model_names() -> &'static [&'static str] {
    static NAMES: OnceLock<Vec<&'static str>> = OnceLock::new();
    NAMES.get_or_init(|| embedded::EMBEDDED.iter().map(|(name, _)| *name).collect())
}

fn read_embedded(index: usize) -> Model {
    let (name, compressed) = embedded::EMBEDDED[index];
    let mut json = Vec::with_capacity(compressed.len() * 8);
    GzDecoder::new(compressed).read_to_end(&mut json).expect("embedded models are whole; a test reads each");
    let mut model = Model::parse_json(&json).expect("embedded models are valid; a test reads each");
    model.name = name.into();
    model
}

impl Model {
    /// Reads a model in botocore's JSON form (`metadata`, `operations`, `shapes`); prose is ignored.
    pub fn parse_json(json: &[u8]) -> Result<Model, ModelError> {
        parse::parse(json)
    }

    /// The folder name in botocore; for a model not embedded, its endpoint prefix.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn service_id(&self) -> &str {
        &self.metadata.service_id
    }

    pub fn service_full_name(&self) -> &str {
        &self.metadata.service_full_name
    }

    pub fn endpoint_prefix(&self) -> &str {
        &self.metadata.endpoint_prefix
    }

    /// The service's name in the scope of a signature.
    pub fn signing_name(&self) -> &str {
        &self.metadata.signing_name
    }

    /// What stands before the `.` of an `X-Amz-Target`, and the service name in a CBOR path.
    pub fn target_prefix(&self) -> Option<&str> {
        self.metadata.target_prefix.as_deref()
    }

    pub fn api_version(&self) -> &str {
        &self.metadata.api_version
    }

    /// All protocols the service answers, its preferred one first.
    pub fn protocols(&self) -> &[Protocol] {
        &self.metadata.protocols
    }

    /// Whether the service has one endpoint for all regions.
    pub fn is_global(&self) -> bool {
        self.metadata.global
    }

    /// Whether the service once spoke Query and still reports Query error codes.
    pub fn is_query_compatible(&self) -> bool {
        self.metadata.query_compatible
    }

    pub fn operation(&self, name: &str) -> Option<&OperationModel> {
        self.operations.get(name)
    }

    /// All operations, by name.
    pub fn operations(&self) -> impl ExactSizeIterator<Item = &OperationModel> {
        self.operations.values()
    }

    pub fn shape(&self, id: ShapeId) -> &Shape {
        &self.shapes[id.0 as usize]
    }

    pub fn shape_named(&self, name: &str) -> Option<&Shape> {
        self.shape_ids.get(name).map(|id| self.shape(*id))
    }

    /// The facts about an error, by the name of its shape or by its Query code.
    pub fn error(&self, code: &str) -> Option<&ErrorFacts> {
        self.error_shape(code).and_then(|shape| shape.structure()?.error.as_ref())
    }

    pub(crate) fn error_shape(&self, code: &str) -> Option<&Shape> {
        let is_error = |shape: &&Shape| shape.structure().is_some_and(|structure| structure.error.is_some());
        self.shape_named(code).filter(is_error).or_else(|| {
            self.shapes.iter().find(|shape| {
                shape
                    .structure()
                    .and_then(|structure| structure.error.as_ref())
                    .is_some_and(|error| error.query_code.as_deref() == Some(code))
            })
        })
    }

    /// The structure of an operation's input or output.
    pub(crate) fn structure(&self, id: ShapeId) -> &Structure {
        self.shape(id).structure().expect("the parser lets only structures be inputs and outputs")
    }
}

impl OperationModel {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn method(&self) -> &str {
        self.method.as_str()
    }

    /// The template of path and query, such as `/2015-03-31/functions/{FunctionName}`.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The status of a success.
    pub fn response_code(&self) -> u16 {
        self.response_code
    }

    pub fn input(&self) -> Option<ShapeId> {
        self.input
    }

    pub fn output(&self) -> Option<ShapeId> {
        self.output
    }

    /// The shapes of the errors the operation declares.
    pub fn errors(&self) -> &[ShapeId] {
        &self.errors
    }

    /// The input member whose blob arrives as a stream; [`decode`](crate::decode) leaves it out.
    pub fn streaming_input(&self) -> Option<&str> {
        self.streaming_input.as_deref()
    }

    pub fn streaming_output(&self) -> StreamingOutput<'_> {
        match &self.streaming_output {
            Streaming::None => StreamingOutput::None,
            Streaming::Blob(member) => StreamingOutput::Blob(member),
            Streaming::Events(member) => StreamingOutput::Events(member),
        }
    }

    /// What clients put before the host name, such as `sync-` or `{AccountId}.`.
    pub fn host_prefix(&self) -> Option<&str> {
        self.host_prefix.as_deref()
    }

    /// Whether the operation is called without a signature.
    pub fn is_unsigned(&self) -> bool {
        self.is_unsigned
    }

    /// Whether the model promises that nothing changes. Absence says nothing.
    pub fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// Whether a request must carry a checksum of its body.
    pub fn is_checksum_required(&self) -> bool {
        self.is_checksum_required
    }

    /// The input member that names the algorithm of the body's checksum.
    pub fn checksum_algorithm_member(&self) -> Option<&str> {
        self.checksum_algorithm_member.as_deref()
    }
}

impl Shape {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    pub fn constraints(&self) -> &Constraints {
        &self.constraints
    }

    /// Whether values must not appear in logs and messages.
    pub fn is_sensitive(&self) -> bool {
        self.is_sensitive
    }

    pub fn structure(&self) -> Option<&Structure> {
        match &self.kind {
            Kind::Structure(structure) => Some(structure),
            _ => None,
        }
    }
}

impl Structure {
    pub fn members(&self) -> impl ExactSizeIterator<Item = &Member> {
        self.members.values()
    }

    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.get(name)
    }

    /// The member that is the whole body.
    pub fn payload(&self) -> Option<&Member> {
        self.payload.map(|index| &self.members[index])
    }

    /// Whether any value is allowed here.
    pub fn is_document(&self) -> bool {
        self.is_document
    }

    /// Whether exactly one member is set.
    pub fn is_union(&self) -> bool {
        self.is_union
    }

    pub fn is_event_stream(&self) -> bool {
        self.is_event_stream
    }

    pub fn error(&self) -> Option<&ErrorFacts> {
        self.error.as_ref()
    }

    /// The member called `name` in a body.
    pub(crate) fn member_on_wire(&self, name: &str) -> Option<&Member> {
        if let Some(index) = self.by_wire_name.get(name) {
            return Some(&self.members[*index]);
        }
        self.members.get(name).filter(|member| member.body_name() == name)
    }
}

impl Member {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn shape(&self) -> ShapeId {
        self.shape
    }

    pub fn location(&self) -> Location {
        self.location
    }

    pub fn is_required(&self) -> bool {
        self.is_required
    }

    /// Whether clients fill an absent value with a random one.
    pub fn is_idempotency_token(&self) -> bool {
        self.is_idempotency_token
    }

    /// The name in a body, a header or a query.
    pub fn wire_name(&self) -> &str {
        self.wire_name.as_deref().unwrap_or(&self.name)
    }

    pub fn is_streaming(&self) -> bool {
        self.is_streaming
    }

    /// The name in a body. A member that travels elsewhere at the top of an input or output lies in
    /// the body when its structure is nested; the name of its header means nothing there.
    pub(crate) fn body_name(&self) -> &str {
        if self.location == Location::Body { self.wire_name() } else { &self.name }
    }

    /// Whether the member of an output travels in the body of the response.
    pub(crate) fn is_in_response_body(&self) -> bool {
        matches!(self.location, Location::Body | Location::UriLabel | Location::Query)
    }
}

impl Constraints {
    /// The pattern a string must match as a whole, as the model spells it.
    pub fn pattern(&self) -> Option<&str> {
        self.pattern.as_ref().map(Pattern::source)
    }

    /// The values a string may take; empty for any.
    pub fn enumeration(&self) -> impl ExactSizeIterator<Item = &str> {
        self.enumeration.iter().map(|value| &**value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_model_is_read() {
        assert!(model_names().is_sorted_by(|a, b| a < b));
        for name in model_names() {
            let model = model(name).unwrap();
            assert_eq!(model.name(), *name);
            assert!(model.operations().len() > 0, "{name}");
        }
        assert!(super::model("nonesuch").is_none());
    }

    #[test]
    fn facts_of_lambda_are_at_hand() {
        let lambda = model("lambda").unwrap();
        assert_eq!(lambda.signing_name(), "lambda");
        assert_eq!(lambda.protocols(), [Protocol::RestJson]);
        let invoke = lambda.operation("Invoke").unwrap();
        assert_eq!(
            (invoke.method(), invoke.uri()),
            ("POST", "/2015-03-31/functions/{FunctionName}/invocations")
        );
        let stream = lambda.operation("InvokeWithResponseStream").unwrap();
        assert_eq!(stream.streaming_output(), StreamingOutput::Events("EventStream"));
        assert_eq!(lambda.error("TooManyRequestsException").unwrap().status, 429);
        assert!(lambda.error("FunctionConfiguration").is_none());
    }

    #[test]
    fn facts_of_the_others_are_at_hand() {
        assert_eq!(model("s3").unwrap().operation("PutObject").unwrap().streaming_input(), Some("Body"));
        assert_eq!(
            model("s3").unwrap().operation("GetObject").unwrap().streaming_output(),
            StreamingOutput::Blob("Body")
        );
        assert!(model("sts").unwrap().operation("AssumeRoleWithWebIdentity").unwrap().is_unsigned());
        assert!(model("iam").unwrap().is_global());
        assert_eq!(model("logs").unwrap().target_prefix(), Some("Logs_20140328"));
        let sqs = model("sqs").unwrap();
        assert_eq!(sqs.protocols(), [Protocol::AwsJson10, Protocol::Query]);
        let code = &sqs.error("QueueDoesNotExist").unwrap().query_code;
        assert_eq!(code.as_deref(), Some("AWS.SimpleQueueService.NonExistentQueue"));
        assert_eq!(sqs.error("AWS.SimpleQueueService.NonExistentQueue").unwrap().query_code, *code);
        let cloudwatch = model("cloudwatch").unwrap();
        assert_eq!(cloudwatch.protocols(), [Protocol::RpcV2Cbor, Protocol::AwsJson10, Protocol::Query]);
    }
}
