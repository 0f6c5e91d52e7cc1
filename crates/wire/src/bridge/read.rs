//! The deserializer half of the bridge.

use serde::de::value::{I64Deserializer, UnitDeserializer};
use serde::de::{self, DeserializeSeed, Error as _, IntoDeserializer as _, Visitor};
use serde::forward_to_deserialize_any;

use super::{BLOB_NAME, BridgeError, DOCUMENT_NAME, TIMESTAMP_NAME, hand_over, take_handed_over};
use crate::document::{Document, Map};

pub(super) struct DocumentDeserializer(pub(super) Document);

impl DocumentDeserializer {
    fn mismatch(&self, expected: &str) -> BridgeError {
        BridgeError::new(format!("expected {expected}, found {}", self.0.kind()))
    }
}

impl<'de> de::Deserializer<'de> for DocumentDeserializer {
    type Error = BridgeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BridgeError> {
        match self.0 {
            Document::Null => visitor.visit_unit(),
            Document::Bool(value) => visitor.visit_bool(value),
            Document::Int(number) => visitor.visit_i64(number),
            Document::Float(number) => visitor.visit_f64(number),
            Document::Text(text) => visitor.visit_string(text),
            Document::Blob(bytes) => visitor.visit_byte_buf(bytes.into()),
            Document::Time(time) => visitor.visit_i64(time.epoch_millis()),
            Document::List(items) => {
                let mut access = ListReader { items: items.into_iter(), index: 0 };
                let value = visitor.visit_seq(&mut access)?;
                match access.items.len() {
                    0 => Ok(value),
                    left => Err(BridgeError::invalid_length(access.index + left, &"fewer elements")),
                }
            }
            Document::Map(entries) => {
                visitor.visit_map(MapReader { entries: entries.into_iter(), value: None })
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BridgeError> {
        match self.0 {
            Document::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BridgeError> {
        match self.0 {
            // An operation without input still arrives as an empty structure.
            Document::Null | Document::Map(_) => visitor.visit_unit(),
            _ => Err(self.mismatch("nothing")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, BridgeError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, BridgeError> {
        match (name, self.0) {
            (DOCUMENT_NAME, document) => {
                hand_over(document);
                let value = visitor.visit_newtype_struct(UnitDeserializer::<BridgeError>::new());
                take_handed_over();
                value
            }
            (BLOB_NAME, blob @ Document::Blob(_)) => {
                hand_over(blob);
                let value = visitor.visit_newtype_struct(UnitDeserializer::<BridgeError>::new());
                take_handed_over();
                value
            }
            (BLOB_NAME, other) => Err(DocumentDeserializer(other).mismatch("a blob")),
            (TIMESTAMP_NAME, Document::Time(time)) => {
                visitor.visit_newtype_struct(I64Deserializer::<BridgeError>::new(time.epoch_millis()))
            }
            (TIMESTAMP_NAME, other) => Err(DocumentDeserializer(other).mismatch("a timestamp")),
            (_, document) => visitor.visit_newtype_struct(DocumentDeserializer(document)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, BridgeError> {
        match self.0 {
            Document::Text(variant) => visitor.visit_enum(variant.into_deserializer()),
            Document::Map(entries) => {
                let mut entries = entries.into_iter().filter(|(_, value)| !value.is_null());
                match (entries.next(), entries.next()) {
                    (Some((variant, value)), None) => visitor.visit_enum(VariantReader { variant, value }),
                    _ => Err(BridgeError::new("exactly one member of a union must be set")),
                }
            }
            _ => Err(self.mismatch("an enum or union")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BridgeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        bytes byte_buf seq tuple tuple_struct map struct identifier
    }
}

struct ListReader {
    items: std::vec::IntoIter<Document>,
    index: usize,
}

impl<'de> de::SeqAccess<'de> for &mut ListReader {
    type Error = BridgeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, BridgeError> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(DocumentDeserializer(item)).map(Some).map_err(|e| e.within(&index.to_string()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct MapReader {
    entries: <Map as IntoIterator>::IntoIter,
    value: Option<(String, Document)>,
}

impl<'de> de::MapAccess<'de> for MapReader {
    type Error = BridgeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, BridgeError> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        let read = seed.deserialize(DocumentDeserializer(Document::Text(key.clone())))?;
        self.value = Some((key, value));
        Ok(Some(read))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, BridgeError> {
        let (key, value) =
            self.value.take().ok_or_else(|| BridgeError::new("a map value was read before its key"))?;
        seed.deserialize(DocumentDeserializer(value)).map_err(|error| error.within(&key))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

struct VariantReader {
    variant: String,
    value: Document,
}

impl<'de> de::EnumAccess<'de> for VariantReader {
    type Error = BridgeError;
    type Variant = ContentReader;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, ContentReader), BridgeError> {
        let variant = seed.deserialize(DocumentDeserializer(Document::Text(self.variant.clone())))?;
        Ok((variant, ContentReader { variant: self.variant, value: self.value }))
    }
}

struct ContentReader {
    variant: String,
    value: Document,
}

impl<'de> de::VariantAccess<'de> for ContentReader {
    type Error = BridgeError;

    fn unit_variant(self) -> Result<(), BridgeError> {
        de::Deserialize::deserialize(DocumentDeserializer(self.value))
            .map_err(|e: BridgeError| e.within(&self.variant))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, BridgeError> {
        seed.deserialize(DocumentDeserializer(self.value)).map_err(|error| error.within(&self.variant))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, BridgeError> {
        de::Deserializer::deserialize_any(DocumentDeserializer(self.value), visitor)
            .map_err(|error| error.within(&self.variant))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, BridgeError> {
        de::Deserializer::deserialize_any(DocumentDeserializer(self.value), visitor)
            .map_err(|error| error.within(&self.variant))
    }
}
