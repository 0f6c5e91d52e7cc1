//! Keys of tables and indexes as the items see them: some partition attributes, then some sort attributes.

use crate::table::{KeyAttribute, KeySchema, ScalarType};
use crate::value::Kind;

impl KeySchema {
    pub(crate) fn partition_attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        self.partition.iter()
    }

    pub(crate) fn sort_attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        self.sort.iter()
    }

    pub(crate) fn partition_names(&self) -> impl Iterator<Item = &str> {
        self.partition_attributes().map(|attribute| attribute.name.as_str())
    }

    pub(crate) fn sort_names(&self) -> impl Iterator<Item = &str> {
        self.sort_attributes().map(|attribute| attribute.name.as_str())
    }
}

impl ScalarType {
    pub(crate) fn value_kind(self) -> Kind {
        match self {
            ScalarType::S => Kind::S,
            ScalarType::N => Kind::N,
            ScalarType::B => Kind::B,
        }
    }
}
