//! API models: which operations a service has, and which shapes they take and give.

use std::collections::HashMap;

/// A model that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("model: {0}")]
pub struct ModelError(pub String);

/// One service's API.
#[derive(Debug)]
pub struct Model {
    operations: Vec<OperationModel>,
    by_name: HashMap<Box<str>, usize>,
}

/// A shape of one model; only valid with the model it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ShapeId(pub(crate) u32);

#[derive(Debug)]
pub struct OperationModel {
    name: Box<str>,
}

#[derive(Debug)]
pub struct Shape {
    pub name: Box<str>,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Structure,
}

#[derive(Debug)]
pub struct Member {
    pub name: Box<str>,
    pub shape: ShapeId,
}

/// What a response streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamingOutput<'m> {
    None,
    Blob(&'m str),
    Events(&'m str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorFacts {
    pub status: u16,
}

impl Model {
    pub fn parse_json(_json: &[u8]) -> Result<Model, ModelError> {
        Err(ModelError("not yet".into()))
    }

    pub fn service_id(&self) -> &str {
        ""
    }

    pub fn operation(&self, name: &str) -> Option<&OperationModel> {
        self.by_name.get(name).map(|index| &self.operations[*index])
    }

    pub fn operations(&self) -> impl Iterator<Item = &OperationModel> {
        self.operations.iter()
    }
}

impl OperationModel {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn method(&self) -> &str {
        "POST"
    }

    pub fn uri(&self) -> &str {
        "/"
    }

    pub fn response_code(&self) -> u16 {
        200
    }

    pub fn input(&self) -> Option<ShapeId> {
        None
    }

    pub fn output(&self) -> Option<ShapeId> {
        None
    }

    /// The input member whose blob arrives as a stream.
    pub fn streaming_input(&self) -> Option<&str> {
        None
    }

    pub fn streaming_output(&self) -> StreamingOutput<'_> {
        StreamingOutput::None
    }

    /// Whether the operation is called without a signature.
    pub fn is_unsigned(&self) -> bool {
        false
    }
}

/// The embedded model of a service, by its folder name in botocore: `lambda`, `s3`, `logs` …
pub fn model(_name: &str) -> Option<&'static Model> {
    None
}

pub fn model_names() -> &'static [&'static str] {
    &[]
}
