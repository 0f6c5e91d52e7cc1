//! Keys and projections.

use serde::{Deserialize, Deserializer, Serialize};

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

/// A partition key, and a sort key where there is one. Either has one attribute; only in a global index it may have more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeySchema {
    #[serde(deserialize_with = "one_or_several")]
    pub(crate) partition: Vec<KeyAttribute>,
    #[serde(default, deserialize_with = "one_or_several")]
    pub(crate) sort: Vec<KeyAttribute>,
}

/// Tables from before keys could have several attributes have one or none here.
fn one_or_several<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<KeyAttribute>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Kept {
        Several(Vec<KeyAttribute>),
        One(Option<KeyAttribute>),
    }
    Ok(match Kept::deserialize(reader)? {
        Kept::Several(attributes) => attributes,
        Kept::One(attribute) => attribute.into_iter().collect(),
    })
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyAttribute {
    pub(crate) name: String,
    pub(crate) kind: ScalarType,
}

impl KeySchema {
    /// Partition key first.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        self.partition.iter().chain(&self.sort)
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
        let partition = self.partition.iter().map(|key| element(key, "HASH"));
        partition.chain(self.sort.iter().map(|key| element(key, "RANGE"))).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_older_tables_are_read() {
        let old = r#"{"partition":{"name":"pk","kind":"S"},"sort":null}"#;
        let key: KeySchema = serde_json::from_str(old).unwrap();
        assert_eq!((key.partition.len(), key.sort.len()), (1, 0));
        let old = r#"{"partition":{"name":"pk","kind":"S"},"sort":{"name":"sk","kind":"N"}}"#;
        let key: KeySchema = serde_json::from_str(old).unwrap();
        assert_eq!(key.sort[0].kind, ScalarType::N);
        assert_eq!(serde_json::from_str::<KeySchema>(&serde_json::to_string(&key).unwrap()).unwrap(), key);
    }
}
