//! The rows of items and of index entries.
//!
//! `1 size attributes`: an item, or an entry that repeats what it shows. `2 size key`: an entry that points to
//! the row of its item instead. The size is the one that limits and capacity are measured by.

use bytes::Bytes;
use service::Result;
use wire::Document;

use crate::value::{
    self, Attributes, decode_attributes, decode_document, encode_attributes, put_length, take_length,
};

const ITEM: u8 = 1;
const POINTER: u8 = 2;

/// A row of an item or of an index entry, not read further than needed.
#[derive(Clone, Debug)]
pub(crate) struct StoredItem {
    /// By the rules of item sizes.
    pub(crate) size_bytes: usize,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Attributes(Bytes),
    Pointer(Bytes),
}

pub(crate) fn encode_item(item: &Attributes) -> Bytes {
    let size = value::size_bytes(item);
    let mut bytes = Vec::with_capacity(size + size / 8 + 16);
    bytes.push(ITEM);
    put_length(&mut bytes, size);
    encode_attributes(item, &mut bytes);
    bytes.into()
}

pub(crate) fn encode_pointer(shown: &Attributes, place: &Bytes) -> Bytes {
    let mut bytes = Vec::with_capacity(place.len() + 6);
    bytes.push(POINTER);
    put_length(&mut bytes, value::size_bytes(shown));
    bytes.extend_from_slice(place);
    bytes.into()
}

/// Reads the row of an item.
pub(crate) fn decode_item(row: &Bytes) -> Result<StoredItem> {
    let damaged = || anyhow::anyhow!("the row of an item is damaged");
    let (kind, rest) = row.split_first().ok_or_else(damaged)?;
    let (size_bytes, rest) = take_length(rest).map_err(anyhow::Error::new)?;
    let rest = row.slice(row.len() - rest.len()..);
    let content = match *kind {
        ITEM => Content::Attributes(rest),
        POINTER => Content::Pointer(rest),
        _ => return Err(damaged().into()),
    };
    Ok(StoredItem { size_bytes, content })
}

impl StoredItem {
    /// The row an index entry points to.
    pub(crate) fn pointer(&self) -> Option<&Bytes> {
        match &self.content {
            Content::Pointer(place) => Some(place),
            Content::Attributes(_) => None,
        }
    }

    /// The attributes in their stored form; equal items have equal bytes. Empty for a pointer.
    pub(crate) fn bytes(&self) -> Bytes {
        match &self.content {
            Content::Attributes(bytes) => bytes.clone(),
            Content::Pointer(_) => Bytes::new(),
        }
    }

    pub(crate) fn attributes(&self) -> Result<Attributes> {
        Ok(decode_attributes(&self.bytes()).map_err(anyhow::Error::new)?)
    }

    /// The attributes as the API answers them.
    pub(crate) fn document(&self) -> Result<Document> {
        Ok(decode_document(&self.bytes()).map_err(anyhow::Error::new)?)
    }
}
