//! The one tree every protocol is decoded to and encoded from.
//!
//! A service never sees JSON, XML or CBOR: it reads its input from a [`Document`] through
//! [`from_document`](crate::from_document) and writes its output through
//! [`to_document`](crate::to_document).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use indexmap::IndexMap;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

use crate::bridge::{self, BLOB_NAME, DOCUMENT_NAME};
use crate::cbor;
use crate::error::DecodeError;
use crate::timestamp::Timestamp;

/// The members of a structure, or the entries of a map, in the order they were sent.
pub type Map = IndexMap<String, Document>;

/// A value of an API: an input, an output, or a part of one.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Document {
    /// An absent value. Only sparse lists, sparse maps and free-form documents keep one.
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// Raw bytes, never base64; a cheap slice of the request body where the protocol allows.
    Blob(Bytes),
    Time(Timestamp),
    List(Vec<Document>),
    Map(Map),
}

/// A `blob` member of a serde struct.
///
/// Between a struct and a [`Document`] the bytes are handed over without being copied; human
/// readable formats (`serde_json`) see base64 text, binary formats see bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Blob(pub Bytes);

impl Document {
    /// A map of the given entries, in their order.
    pub fn map<K: Into<String>, const N: usize>(entries: [(K, Document); N]) -> Document {
        Document::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Document::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Document::Int(number) => Some(*number),
            _ => None,
        }
    }

    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Document::Float(number) => Some(*number),
            Document::Int(number) => Some(*number as f64),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Document::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub fn as_blob(&self) -> Option<&Bytes> {
        match self {
            Document::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub fn as_time(&self) -> Option<Timestamp> {
        match self {
            Document::Time(time) => Some(*time),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Document]> {
        match self {
            Document::List(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Document::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The member or entry `key`, when this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Document> {
        self.as_map()?.get(key)
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Document::Null)
    }

    /// Reads plain JSON without a shape: numbers become `Int` where they fit, else `Float`.
    pub fn from_json(value: &serde_json::Value) -> Document {
        match value {
            serde_json::Value::Null => Document::Null,
            serde_json::Value::Bool(value) => Document::Bool(*value),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(number) => Document::Int(number),
                None => Document::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) => Document::Text(text.clone()),
            serde_json::Value::Array(items) => {
                Document::List(items.iter().map(Document::from_json).collect())
            }
            serde_json::Value::Object(entries) => {
                Document::Map(entries.iter().map(|(k, v)| (k.clone(), Document::from_json(v))).collect())
            }
        }
    }

    /// Plain JSON without a shape: blobs as base64, times as RFC 3339, NaN and infinities as text.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Document::Null => serde_json::Value::Null,
            Document::Bool(value) => (*value).into(),
            Document::Int(number) => (*number).into(),
            Document::Float(number) => match serde_json::Number::from_f64(*number) {
                Some(number) => serde_json::Value::Number(number),
                None => crate::number::format_float(*number, false).into(),
            },
            Document::Text(text) => text.as_str().into(),
            Document::Blob(bytes) => STANDARD.encode(bytes).into(),
            Document::Time(time) => time.to_rfc3339().into(),
            Document::List(items) => items.iter().map(Document::to_json).collect(),
            Document::Map(entries) => {
                serde_json::Value::Object(entries.iter().map(|(k, v)| (k.clone(), v.to_json())).collect())
            }
        }
    }

    /// Every value as it is, blobs and times too, for keeping: CBOR without a shape.
    pub fn to_cbor(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        cbor::write_document(&mut bytes, self);
        bytes
    }

    /// Reads what [`Document::to_cbor`] wrote; blobs are slices of the bytes.
    pub fn from_cbor(bytes: &Bytes) -> Result<Document, DecodeError> {
        cbor::read_document(bytes).map_err(|malformed| DecodeError::new("SerializationException", malformed))
    }

    /// The kind of value in words, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Document::Null => "null",
            Document::Bool(_) => "a boolean",
            Document::Int(_) => "an integer",
            Document::Float(_) => "a floating point number",
            Document::Text(_) => "a string",
            Document::Blob(_) => "a blob",
            Document::Time(_) => "a timestamp",
            Document::List(_) => "a list",
            Document::Map(_) => "a structure or map",
        }
    }
}

impl From<&str> for Document {
    fn from(text: &str) -> Self {
        Document::Text(text.to_owned())
    }
}

impl From<String> for Document {
    fn from(text: String) -> Self {
        Document::Text(text)
    }
}

impl From<i64> for Document {
    fn from(number: i64) -> Self {
        Document::Int(number)
    }
}

impl From<i32> for Document {
    fn from(number: i32) -> Self {
        Document::Int(number.into())
    }
}

impl From<u32> for Document {
    fn from(number: u32) -> Self {
        Document::Int(number.into())
    }
}

impl From<f64> for Document {
    fn from(number: f64) -> Self {
        Document::Float(number)
    }
}

impl From<bool> for Document {
    fn from(value: bool) -> Self {
        Document::Bool(value)
    }
}

impl From<Bytes> for Document {
    fn from(bytes: Bytes) -> Self {
        Document::Blob(bytes)
    }
}

impl From<Blob> for Document {
    fn from(blob: Blob) -> Self {
        Document::Blob(blob.0)
    }
}

impl From<Timestamp> for Document {
    fn from(time: Timestamp) -> Self {
        Document::Time(time)
    }
}

impl From<Vec<Document>> for Document {
    fn from(items: Vec<Document>) -> Self {
        Document::List(items)
    }
}

impl From<Map> for Document {
    fn from(map: Map) -> Self {
        Document::Map(map)
    }
}

impl<T: Into<Document>> From<Option<T>> for Document {
    fn from(value: Option<T>) -> Self {
        value.map_or(Document::Null, Into::into)
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Document::Null => serializer.serialize_none(),
            Document::Bool(value) => serializer.serialize_bool(*value),
            Document::Int(number) => serializer.serialize_i64(*number),
            Document::Float(number) => serializer.serialize_f64(*number),
            Document::Text(text) => serializer.serialize_str(text),
            Document::Blob(bytes) => bridge::serialize_blob(bytes, serializer),
            Document::Time(time) => time.serialize(serializer),
            Document::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Document::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(DOCUMENT_NAME, DocumentVisitor)
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        bridge::serialize_blob(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(BLOB_NAME, BlobVisitor)
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Blob(bytes.into())
    }
}

impl AsRef<[u8]> for Blob {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Builds a document from whatever a foreign format holds; from our own bridge it is handed over.
struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Document, D::Error> {
        match bridge::take_handed_over() {
            Some(document) => Ok(document),
            None => inner.deserialize_any(self),
        }
    }

    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Document::Null)
    }

    fn visit_none<E>(self) -> Result<Document, E> {
        Ok(Document::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Document, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Document, E> {
        Ok(Document::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Document, E> {
        Ok(Document::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Document, E> {
        Ok(i64::try_from(value).map_or(Document::Float(value as f64), Document::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Document, E> {
        Ok(Document::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Document, E> {
        Ok(Document::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Document, E> {
        Ok(Document::Text(value))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Document, E> {
        Ok(Document::Blob(Bytes::copy_from_slice(value)))
    }

    fn visit_byte_buf<E>(self, value: Vec<u8>) -> Result<Document, E> {
        Ok(Document::Blob(value.into()))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Document, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Document::List(items))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<Document, A::Error> {
        let mut map = Map::new();
        while let Some((key, value)) = entries.next_entry()? {
            map.insert(key, value);
        }
        Ok(Document::Map(map))
    }
}

struct BlobVisitor;

impl<'de> Visitor<'de> for BlobVisitor {
    type Value = Blob;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a blob")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Blob, D::Error> {
        match bridge::take_handed_over() {
            Some(Document::Blob(bytes)) => Ok(Blob(bytes)),
            Some(other) => Err(de::Error::custom(format_args!("expected a blob, found {}", other.kind()))),
            None if inner.is_human_readable() => inner.deserialize_str(self),
            None => inner.deserialize_byte_buf(self),
        }
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Blob, E> {
        Ok(Blob(Bytes::copy_from_slice(value)))
    }

    fn visit_byte_buf<E>(self, value: Vec<u8>) -> Result<Blob, E> {
        Ok(Blob(value.into()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Blob, E> {
        STANDARD
            .decode(value)
            .map(|bytes| Blob(bytes.into()))
            .map_err(|_| E::custom("a blob must be base64 text"))
    }
}
