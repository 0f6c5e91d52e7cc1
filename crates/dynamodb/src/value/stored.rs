//! Attributes as bytes of a row: compact, and readable in parts.
//!
//! `attributes = count · (name value)*`, names in order. `value = tag content`; content is length-prefixed wherever it
//! is not of one size, so that a value can be skipped. Lengths and counts are variable-length integers, seven bits a
//! byte, the lowest first.

use std::collections::BTreeSet;

use bytes::Bytes;
use wire::{Document, Map};

use super::{Attributes, Kind, Number, Value, tagged};

const TAG_TEXT: u8 = 1;
const TAG_NUMBER: u8 = 2;
const TAG_BINARY: u8 = 3;
const TAG_FALSE: u8 = 4;
const TAG_TRUE: u8 = 5;
const TAG_NULL: u8 = 6;
const TAG_LIST: u8 = 7;
const TAG_MAP: u8 = 8;
const TAG_TEXTS: u8 = 9;
const TAG_NUMBERS: u8 = 10;
const TAG_BINARIES: u8 = 11;

/// The bytes are not what [`encode_attributes`] writes.
#[derive(Debug, thiserror::Error)]
#[error("a stored item is damaged")]
pub(crate) struct Damaged;

type Result<T> = std::result::Result<T, Damaged>;

pub(crate) fn encode_attributes(attributes: &Attributes, bytes: &mut Vec<u8>) {
    put_length(bytes, attributes.len());
    for (name, value) in attributes {
        put_slice(bytes, name.as_bytes());
        put_value(bytes, value);
    }
}

/// Reads [`encode_attributes`].
pub(crate) fn decode_attributes(bytes: &[u8]) -> Result<Attributes> {
    Reader { bytes }.attributes()
}

/// Reads [`encode_attributes`] straight into what the API answers.
pub(crate) fn decode_document(bytes: &[u8]) -> Result<Document> {
    Reader { bytes }.attributes_document()
}

fn put_value(bytes: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Text(text) => {
            bytes.push(TAG_TEXT);
            put_slice(bytes, text.as_bytes());
        }
        Value::Number(number) => {
            bytes.push(TAG_NUMBER);
            number.encode(bytes);
        }
        Value::Binary(content) => {
            bytes.push(TAG_BINARY);
            put_slice(bytes, content);
        }
        Value::Bool(false) => bytes.push(TAG_FALSE),
        Value::Bool(true) => bytes.push(TAG_TRUE),
        Value::Null => bytes.push(TAG_NULL),
        Value::List(items) => {
            bytes.push(TAG_LIST);
            put_length(bytes, items.len());
            items.iter().for_each(|item| put_value(bytes, item));
        }
        Value::Map(entries) => {
            bytes.push(TAG_MAP);
            encode_attributes(entries, bytes);
        }
        Value::Texts(set) => {
            bytes.push(TAG_TEXTS);
            put_length(bytes, set.len());
            set.iter().for_each(|text| put_slice(bytes, text.as_bytes()));
        }
        Value::Numbers(set) => {
            bytes.push(TAG_NUMBERS);
            put_length(bytes, set.len());
            set.iter().for_each(|number| number.encode(bytes));
        }
        Value::Binaries(set) => {
            bytes.push(TAG_BINARIES);
            put_length(bytes, set.len());
            set.iter().for_each(|content| put_slice(bytes, content));
        }
    }
}

fn put_slice(bytes: &mut Vec<u8>, slice: &[u8]) {
    put_length(bytes, slice.len());
    bytes.extend_from_slice(slice);
}

pub(crate) fn put_length(bytes: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
}

/// Reads [`put_length`] from the start of the bytes; gives the rest too.
pub(crate) fn take_length(bytes: &[u8]) -> Result<(usize, &[u8])> {
    let mut length = 0_usize;
    for (index, byte) in bytes.iter().enumerate().take(5) {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((length, &bytes[index + 1..]));
        }
    }
    Err(Damaged)
}

/// What was written by [`put_value`] is never nested deeper than values may be, so reading it may recurse.
struct Reader<'b> {
    bytes: &'b [u8],
}

impl<'b> Reader<'b> {
    fn attributes(&mut self) -> Result<Attributes> {
        let count = self.length()?;
        // Collected as a whole because the names come in order: that builds a map in one go.
        let mut entries = Vec::with_capacity(count.min(self.bytes.len()));
        for _ in 0..count {
            entries.push((self.text()?.to_owned(), self.value()?));
        }
        Ok(entries.into_iter().collect())
    }

    fn attributes_document(&mut self) -> Result<Document> {
        let count = self.length()?;
        let mut entries = Map::with_capacity(count.min(self.bytes.len()));
        for _ in 0..count {
            entries.insert(self.text()?.to_owned(), self.document()?);
        }
        Ok(Document::Map(entries))
    }

    fn value(&mut self) -> Result<Value> {
        Ok(match self.byte()? {
            TAG_TEXT => Value::Text(self.text()?.to_owned()),
            TAG_NUMBER => Value::Number(self.number()?),
            TAG_BINARY => Value::Binary(Bytes::copy_from_slice(self.slice()?)),
            TAG_FALSE => Value::Bool(false),
            TAG_TRUE => Value::Bool(true),
            TAG_NULL => Value::Null,
            TAG_LIST => Value::List(self.many(Self::value)?),
            TAG_MAP => Value::Map(self.attributes()?),
            TAG_TEXTS => Value::Texts(self.set(|reader| Ok(reader.text()?.to_owned()))?),
            TAG_NUMBERS => Value::Numbers(self.set(Self::number)?),
            TAG_BINARIES => Value::Binaries(self.set(|reader| Ok(Bytes::copy_from_slice(reader.slice()?)))?),
            _ => return Err(Damaged),
        })
    }

    fn document(&mut self) -> Result<Document> {
        let number = |reader: &mut Self| Ok(Document::Text(reader.number()?.to_string()));
        let text = |reader: &mut Self| Ok(Document::Text(reader.text()?.to_owned()));
        let binary = |reader: &mut Self| Ok(Document::Blob(Bytes::copy_from_slice(reader.slice()?)));
        Ok(match self.byte()? {
            TAG_TEXT => tagged(Kind::S, text(self)?),
            TAG_NUMBER => tagged(Kind::N, number(self)?),
            TAG_BINARY => tagged(Kind::B, binary(self)?),
            TAG_FALSE => tagged(Kind::Bool, Document::Bool(false)),
            TAG_TRUE => tagged(Kind::Bool, Document::Bool(true)),
            TAG_NULL => tagged(Kind::Null, Document::Bool(true)),
            TAG_LIST => tagged(Kind::L, Document::List(self.many(Self::document)?)),
            TAG_MAP => tagged(Kind::M, self.attributes_document()?),
            TAG_TEXTS => tagged(Kind::Ss, Document::List(self.many(text)?)),
            TAG_NUMBERS => tagged(Kind::Ns, Document::List(self.many(number)?)),
            TAG_BINARIES => tagged(Kind::Bs, Document::List(self.many(binary)?)),
            _ => return Err(Damaged),
        })
    }

    fn many<T>(&mut self, mut read: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count = self.length()?;
        let mut items = Vec::with_capacity(count.min(self.bytes.len()));
        for _ in 0..count {
            items.push(read(self)?);
        }
        Ok(items)
    }

    fn set<T: Ord>(&mut self, read: impl FnMut(&mut Self) -> Result<T>) -> Result<BTreeSet<T>> {
        Ok(self.many(read)?.into_iter().collect())
    }

    fn number(&mut self) -> Result<Number> {
        let (number, rest) = Number::decode(self.bytes).ok_or(Damaged)?;
        self.bytes = rest;
        Ok(number)
    }

    fn text(&mut self) -> Result<&'b str> {
        std::str::from_utf8(self.slice()?).map_err(|_| Damaged)
    }

    fn slice(&mut self) -> Result<&'b [u8]> {
        let length = self.length()?;
        let (slice, rest) = self.bytes.split_at_checked(length).ok_or(Damaged)?;
        self.bytes = rest;
        Ok(slice)
    }

    fn length(&mut self) -> Result<usize> {
        let (length, rest) = take_length(self.bytes)?;
        self.bytes = rest;
        Ok(length)
    }

    fn byte(&mut self) -> Result<u8> {
        let (byte, rest) = self.bytes.split_first().ok_or(Damaged)?;
        self.bytes = rest;
        Ok(*byte)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{testing, to_document};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn stored_items_read_back_both_ways(item in testing::items()) {
            let mut bytes = Vec::new();
            encode_attributes(&item, &mut bytes);
            prop_assert_eq!(&decode_attributes(&bytes).unwrap(), &item);
            prop_assert_eq!(decode_document(&bytes).unwrap(), to_document(&item));
        }

        #[test]
        fn damaged_rows_are_refused_without_a_panic(bytes in proptest::collection::vec(0_u8..14, 0..64)) {
            let _ = decode_attributes(&bytes);
            let _ = decode_document(&bytes);
        }
    }

    #[test]
    fn lengths_read_back_at_their_edges() {
        for length in [0, 0x7f, 0x80, 0x3fff, 0x4000, 1 << 20] {
            let mut bytes = Vec::new();
            put_length(&mut bytes, length);
            bytes.push(9);
            assert_eq!(take_length(&bytes).unwrap(), (length, &[9][..]));
        }
    }
}
