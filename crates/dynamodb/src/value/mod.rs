//! Attribute values: what they are, how they are read from a request and written into an answer, how they are stored,
//! ordered as keys, compared and measured.

mod key;
mod number;
mod read;
mod stored;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use wire::{Document, Map};

pub(crate) use key::{KeyPart, encode_key, encode_key_prefix};
pub(crate) use number::{Number, NumberError};
pub(crate) use read::{Layer, ValueError, has_empty_name, read_attributes, read_value};
pub(crate) use stored::{decode_attributes, decode_document, encode_attributes, put_length, take_length};

/// Levels of lists and maps within each other: with the value in the innermost, the 32 levels of the guide.
pub(crate) const NESTING_LEVELS_MAX: usize = 31;

/// An item, or a part of one: its attributes by name.
pub(crate) type Attributes = BTreeMap<String, Value>;

/// The value of an attribute. Sets are kept in the order in which they are answered: text and bytes by their bytes,
/// numbers by value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Value {
    Text(String),
    Number(Number),
    Binary(Bytes),
    Bool(bool),
    Null,
    List(Vec<Value>),
    Map(Attributes),
    Texts(BTreeSet<String>),
    Numbers(BTreeSet<Number>),
    Binaries(BTreeSet<Bytes>),
}

/// The kinds of values, by the names of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    S,
    N,
    B,
    Bool,
    Null,
    L,
    M,
    Ss,
    Ns,
    Bs,
}

impl Kind {
    pub(crate) const ALL: [Kind; 10] =
        [Kind::S, Kind::N, Kind::B, Kind::Bool, Kind::Null, Kind::L, Kind::M, Kind::Ss, Kind::Ns, Kind::Bs];

    /// As in `{"S": …}`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::S => "S",
            Kind::N => "N",
            Kind::B => "B",
            Kind::Bool => "BOOL",
            Kind::Null => "NULL",
            Kind::L => "L",
            Kind::M => "M",
            Kind::Ss => "SS",
            Kind::Ns => "NS",
            Kind::Bs => "BS",
        }
    }

    /// As update expressions name it in their errors.
    pub(crate) fn long_name(self) -> &'static str {
        match self {
            Kind::S => "STRING",
            Kind::N => "NUMBER",
            Kind::B => "BINARY",
            Kind::Bool => "BOOLEAN",
            Kind::Null => "NULL",
            Kind::L => "LIST",
            Kind::M => "MAP",
            Kind::Ss => "STRING_SET",
            Kind::Ns => "NUMBER_SET",
            Kind::Bs => "BINARY_SET",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub(crate) fn is_set(self) -> bool {
        matches!(self, Kind::Ss | Kind::Ns | Kind::Bs)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Value {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Value::Text(_) => Kind::S,
            Value::Number(_) => Kind::N,
            Value::Binary(_) => Kind::B,
            Value::Bool(_) => Kind::Bool,
            Value::Null => Kind::Null,
            Value::List(_) => Kind::L,
            Value::Map(_) => Kind::M,
            Value::Texts(_) => Kind::Ss,
            Value::Numbers(_) => Kind::Ns,
            Value::Binaries(_) => Kind::Bs,
        }
    }

    /// How two values of the same ordered kind (text, number, binary) compare; `None` for any others.
    pub(crate) fn order(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Text(a), Value::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (Value::Number(a), Value::Number(b)) => Some(a.cmp(b)),
            (Value::Binary(a), Value::Binary(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// The value's share of its item's size.
    ///
    /// Source: "DynamoDB item sizes and formats": text and binary by length, one byte for null and booleans, lists
    /// and maps three bytes and one for each element besides what the elements are.
    pub(crate) fn size_bytes(&self) -> usize {
        match self {
            Value::Text(text) => text.len(),
            Value::Number(number) => number.size_bytes(),
            Value::Binary(bytes) => bytes.len(),
            Value::Bool(_) | Value::Null => 1,
            Value::List(items) => 3 + items.iter().map(|item| 1 + item.size_bytes()).sum::<usize>(),
            Value::Map(entries) => 3 + entries.len() + size_bytes(entries),
            Value::Texts(set) => set.iter().map(String::len).sum(),
            Value::Numbers(set) => set.iter().map(Number::size_bytes).sum(),
            Value::Binaries(set) => set.iter().map(Bytes::len).sum(),
        }
    }

    /// Levels of lists and maps, this value's own included.
    pub(crate) fn levels(&self) -> usize {
        match self {
            Value::List(items) => 1 + items.iter().map(Value::levels).max().unwrap_or(0),
            Value::Map(entries) => 1 + entries.values().map(Value::levels).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// As the API writes it: `{"S": "text"}`.
    pub(crate) fn to_document(&self) -> Document {
        let content = match self {
            Value::Text(text) => Document::Text(text.clone()),
            Value::Number(number) => Document::Text(number.to_string()),
            Value::Binary(bytes) => Document::Blob(bytes.clone()),
            Value::Bool(value) => Document::Bool(*value),
            Value::Null => Document::Bool(true),
            Value::List(items) => Document::List(items.iter().map(Value::to_document).collect()),
            Value::Map(entries) => to_document(entries),
            Value::Texts(set) => Document::List(set.iter().cloned().map(Document::Text).collect()),
            Value::Numbers(set) => {
                Document::List(set.iter().map(|number| Document::Text(number.to_string())).collect())
            }
            Value::Binaries(set) => Document::List(set.iter().cloned().map(Document::Blob).collect()),
        };
        tagged(self.kind(), content)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

fn tagged(kind: Kind, content: Document) -> Document {
    let mut map = Map::with_capacity(1);
    map.insert(kind.name().to_owned(), content);
    Document::Map(map)
}

/// Attributes as the API writes them.
pub(crate) fn to_document(attributes: &Attributes) -> Document {
    Document::Map(attributes.iter().map(|(name, value)| (name.clone(), value.to_document())).collect())
}

/// The size of an item: the names of its attributes and their values.
pub(crate) fn size_bytes(attributes: &Attributes) -> usize {
    attributes.iter().map(|(name, value)| name.len() + value.size_bytes()).sum()
}

/// A value as error texts show it: `AttributeValue: {S:text}`.
pub(crate) fn shown(value: &Value) -> String {
    let content = match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Binary(bytes) => {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD.encode(bytes)
        }
        Value::Bool(value) => value.to_string(),
        Value::Null => "true".to_owned(),
        Value::List(items) => {
            format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        Value::Map(entries) => {
            let shown: Vec<_> =
                entries.iter().map(|(name, value)| format!("{name}={}", shown(value))).collect();
            format!("{{{}}}", shown.join(", "))
        }
        Value::Texts(set) => format!("[{}]", set.iter().cloned().collect::<Vec<_>>().join(", ")),
        Value::Numbers(set) => {
            format!("[{}]", set.iter().map(Number::to_string).collect::<Vec<_>>().join(", "))
        }
        Value::Binaries(set) => format!("[{} members]", set.len()),
    };
    format!("AttributeValue: {{{}:{content}}}", value.kind())
}

#[cfg(test)]
pub(crate) mod testing {
    //! Values for the properties of this crate.

    use super::*;
    use proptest::prelude::*;

    pub(crate) fn scalars() -> impl Strategy<Value = Value> {
        prop_oneof![
            "[a-c]{0,3}".prop_map(Value::Text),
            (-20_i64..20, 0_usize..3).prop_map(|(number, places)| {
                Value::Number(format!("{number}E-{places}").parse().unwrap())
            }),
            proptest::collection::vec(any::<u8>(), 0..3).prop_map(|bytes| Value::Binary(bytes.into())),
        ]
    }

    pub(crate) fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            4 => scalars(),
            1 => any::<bool>().prop_map(Value::Bool),
            1 => Just(Value::Null),
            1 => proptest::collection::btree_set("[a-c]{0,2}", 1..3).prop_map(Value::Texts),
            1 => proptest::collection::btree_set(0_u64..9, 1..3)
                .prop_map(|set| Value::Numbers(set.into_iter().map(Number::from_u64).collect())),
            1 => proptest::collection::btree_set(any::<u8>(), 1..3)
                .prop_map(|set| Value::Binaries(set.into_iter().map(|byte| vec![byte].into()).collect())),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::List),
                proptest::collection::btree_map("[a-d]", inner, 0..3).prop_map(Value::Map),
            ]
        })
    }

    pub(crate) fn items() -> impl Strategy<Value = Attributes> {
        proptest::collection::btree_map("[a-d]", values(), 0..4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_the_published_rules() {
        let item: Attributes = [
            ("id".to_owned(), Value::from("abc")),
            ("on".to_owned(), Value::Bool(true)),
            ("no".to_owned(), Value::Null),
            ("l".to_owned(), Value::List(vec![Value::from("ab"), Value::Null])),
            ("m".to_owned(), Value::Map([("k".to_owned(), Value::from("v"))].into())),
            ("t".to_owned(), Value::Texts(["a".to_owned(), "bc".to_owned()].into())),
        ]
        .into();
        // id 2+3, on 2+1, no 2+1, l 1+3+(1+2)+(1+1), m 1+3+1+1+1, t 1+3
        assert_eq!(size_bytes(&item), 5 + 3 + 3 + 9 + 7 + 4);
    }

    #[test]
    fn levels_count_lists_and_maps() {
        let mut value = Value::from("leaf");
        for level in 0..5 {
            assert_eq!(value.levels(), level);
            value = Value::List(vec![Value::Null, value]);
        }
    }
}
