//! Keys and projections.

use serde::{Deserialize, Serialize};

use super::parts::{KeySchemaElement, Projection};

/// The types a key attribute can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ScalarType {
    S,
    N,
    B,
}

impl ScalarType {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            ScalarType::S => "S",
            ScalarType::N => "N",
            ScalarType::B => "B",
        }
    }
}

/// A partition key, and a sort key where there is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeySchema {
    pub(crate) partition: KeyAttribute,
    #[serde(default)]
    pub(crate) sort: Option<KeyAttribute>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyAttribute {
    pub(crate) name: String,
    pub(crate) kind: ScalarType,
}

impl KeySchema {
    /// Partition key first.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        std::iter::once(&self.partition).chain(&self.sort)
    }

    pub(crate) fn names(&self, attribute: &str) -> bool {
        self.attributes().any(|key| key.name == attribute)
    }

    /// As the API writes it.
    pub(crate) fn elements(&self) -> Vec<KeySchemaElement> {
        let element = |key: &KeyAttribute, kind: &str| KeySchemaElement {
            attribute_name: key.name.clone(),
            key_type: kind.into(),
        };
        let sort = self.sort.iter().map(|key| element(key, "RANGE"));
        std::iter::once(element(&self.partition, "HASH")).chain(sort).collect()
    }
}

/// Which attributes an index entry carries beside the keys of index and table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ProjectionKind {
    All,
    KeysOnly,
    Include(Vec<String>),
}

impl ProjectionKind {
    /// As the API writes it.
    pub(crate) fn shape(&self) -> Projection {
        let (kind, attributes) = match self {
            ProjectionKind::All => ("ALL", None),
            ProjectionKind::KeysOnly => ("KEYS_ONLY", None),
            ProjectionKind::Include(attributes) => ("INCLUDE", Some(attributes.clone())),
        };
        Projection { projection_type: Some(kind.into()), non_key_attributes: attributes }
    }
}
