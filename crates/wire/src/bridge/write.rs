//! The serializer half of the bridge.

use bytes::Bytes;
use serde::ser::{self, Serialize};

use super::{BLOB_NAME, BridgeError, TIMESTAMP_NAME, open_slot, take_handed_over};
use crate::document::{Document, Map};
use crate::timestamp::Timestamp;

pub(super) struct DocumentSerializer;

impl ser::Serializer for DocumentSerializer {
    type Ok = Document;
    type Error = BridgeError;
    type SerializeSeq = ListWriter;
    type SerializeTuple = ListWriter;
    type SerializeTupleStruct = ListWriter;
    type SerializeTupleVariant = ListWriter;
    type SerializeMap = MapWriter;
    type SerializeStruct = MapWriter;
    type SerializeStructVariant = MapWriter;

    fn serialize_bool(self, value: bool) -> Result<Document, BridgeError> {
        Ok(Document::Bool(value))
    }

    fn serialize_i8(self, value: i8) -> Result<Document, BridgeError> {
        Ok(Document::Int(value.into()))
    }

    fn serialize_i16(self, value: i16) -> Result<Document, BridgeError> {
        Ok(Document::Int(value.into()))
    }

    fn serialize_i32(self, value: i32) -> Result<Document, BridgeError> {
        Ok(Document::Int(value.into()))
    }

    fn serialize_i64(self, value: i64) -> Result<Document, BridgeError> {
        Ok(Document::Int(value))
    }

    fn serialize_u8(self, value: u8) -> Result<Document, BridgeError> {
        Ok(Document::Int(value.into()))
    }

    fn serialize_u16(self, value: u16) -> Result<Document, BridgeError> {
        Ok(Document::Int(value.into()))
    }

    fn serialize_u32(self, value: u32) -> Result<Document, BridgeError> {
        Ok(Document::Int(value.into()))
    }

    fn serialize_u64(self, value: u64) -> Result<Document, BridgeError> {
        match i64::try_from(value) {
            Ok(number) => Ok(Document::Int(number)),
            Err(_) => Err(BridgeError::new(format!("{value} is greater than {}", i64::MAX))),
        }
    }

    fn serialize_f32(self, value: f32) -> Result<Document, BridgeError> {
        Ok(Document::Float(value.into()))
    }

    fn serialize_f64(self, value: f64) -> Result<Document, BridgeError> {
        Ok(Document::Float(value))
    }

    fn serialize_char(self, value: char) -> Result<Document, BridgeError> {
        Ok(Document::Text(value.into()))
    }

    fn serialize_str(self, value: &str) -> Result<Document, BridgeError> {
        Ok(Document::Text(value.to_owned()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Document, BridgeError> {
        Ok(Document::Blob(Bytes::copy_from_slice(value)))
    }

    fn serialize_none(self) -> Result<Document, BridgeError> {
        Ok(Document::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Document, BridgeError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Document, BridgeError> {
        Ok(Document::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Document, BridgeError> {
        Ok(Document::Map(Map::new()))
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Document, BridgeError> {
        Ok(Document::Text(variant.to_owned()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Document, BridgeError> {
        match name {
            BLOB_NAME => {
                open_slot();
                let written = value.serialize(self);
                match take_handed_over() {
                    Some(blob) => Ok(blob),
                    None => written,
                }
            }
            TIMESTAMP_NAME => match value.serialize(self)? {
                Document::Int(millis) => Ok(Document::Time(Timestamp::from_epoch_millis(millis))),
                other => Ok(other),
            },
            _ => value.serialize(self),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Document, BridgeError> {
        let value = value.serialize(self).map_err(|error| error.within(variant))?;
        Ok(Document::map([(variant, value)]))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<ListWriter, BridgeError> {
        Ok(ListWriter {
            items: Vec::with_capacity(length.unwrap_or(0).min(MAX_PREALLOCATED_ITEMS)),
            variant: None,
        })
    }

    fn serialize_tuple(self, length: usize) -> Result<ListWriter, BridgeError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<ListWriter, BridgeError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<ListWriter, BridgeError> {
        Ok(ListWriter { variant: Some(variant), ..self.serialize_seq(Some(length))? })
    }

    fn serialize_map(self, length: Option<usize>) -> Result<MapWriter, BridgeError> {
        let entries = Map::with_capacity(length.unwrap_or(0).min(MAX_PREALLOCATED_ITEMS));
        // A struct with flattened parts comes as a map too, the only one whose length is not known.
        Ok(MapWriter { entries, key: None, variant: None, is_struct: length.is_none() })
    }

    fn serialize_struct(self, _: &'static str, length: usize) -> Result<MapWriter, BridgeError> {
        self.serialize_map(Some(length))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<MapWriter, BridgeError> {
        Ok(MapWriter { variant: Some(variant), ..self.serialize_map(Some(length))? })
    }
}

/// A stated length is a hint from outside; more than this is grown into.
const MAX_PREALLOCATED_ITEMS: usize = 4096;

pub(super) struct ListWriter {
    items: Vec<Document>,
    variant: Option<&'static str>,
}

impl ListWriter {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), BridgeError> {
        let item =
            value.serialize(DocumentSerializer).map_err(|e| e.within(&self.items.len().to_string()))?;
        self.items.push(item);
        Ok(())
    }

    fn finish(self) -> Document {
        match self.variant {
            Some(variant) => Document::map([(variant, Document::List(self.items))]),
            None => Document::List(self.items),
        }
    }
}

impl ser::SerializeSeq for ListWriter {
    type Ok = Document;
    type Error = BridgeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), BridgeError> {
        self.push(value)
    }

    fn end(self) -> Result<Document, BridgeError> {
        Ok(self.finish())
    }
}

impl ser::SerializeTuple for ListWriter {
    type Ok = Document;
    type Error = BridgeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), BridgeError> {
        self.push(value)
    }

    fn end(self) -> Result<Document, BridgeError> {
        Ok(self.finish())
    }
}

impl ser::SerializeTupleStruct for ListWriter {
    type Ok = Document;
    type Error = BridgeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), BridgeError> {
        self.push(value)
    }

    fn end(self) -> Result<Document, BridgeError> {
        Ok(self.finish())
    }
}

impl ser::SerializeTupleVariant for ListWriter {
    type Ok = Document;
    type Error = BridgeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), BridgeError> {
        self.push(value)
    }

    fn end(self) -> Result<Document, BridgeError> {
        Ok(self.finish())
    }
}

pub(super) struct MapWriter {
    entries: Map,
    key: Option<String>,
    variant: Option<&'static str>,
    /// Whether members that are null are left out.
    is_struct: bool,
}

impl MapWriter {
    fn member<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), BridgeError> {
        match value.serialize(DocumentSerializer).map_err(|error| error.within(name))? {
            Document::Null => {}
            value => {
                self.entries.insert(name.to_owned(), value);
            }
        }
        Ok(())
    }

    fn finish(self) -> Document {
        match self.variant {
            Some(variant) => Document::map([(variant, Document::Map(self.entries))]),
            None => Document::Map(self.entries),
        }
    }
}

impl ser::SerializeMap for MapWriter {
    type Ok = Document;
    type Error = BridgeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), BridgeError> {
        self.key = Some(match key.serialize(DocumentSerializer)? {
            Document::Text(text) => text,
            Document::Int(number) => number.to_string(),
            Document::Bool(value) => value.to_string(),
            other => return Err(BridgeError::new(format!("{} cannot be the key of a map", other.kind()))),
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), BridgeError> {
        let key = self.key.take().ok_or_else(|| BridgeError::new("a map value came before its key"))?;
        let value = value.serialize(DocumentSerializer).map_err(|error| error.within(&key))?;
        if !(self.is_struct && value.is_null()) {
            self.entries.insert(key, value);
        }
        Ok(())
    }

    fn end(self) -> Result<Document, BridgeError> {
        Ok(self.finish())
    }
}

impl ser::SerializeStruct for MapWriter {
    type Ok = Document;
    type Error = BridgeError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), BridgeError> {
        self.member(name, value)
    }

    fn end(self) -> Result<Document, BridgeError> {
        Ok(self.finish())
    }
}

impl ser::SerializeStructVariant for MapWriter {
    type Ok = Document;
    type Error = BridgeError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), BridgeError> {
        self.member(name, value)
    }

    fn end(self) -> Result<Document, BridgeError> {
        Ok(self.finish())
    }
}
