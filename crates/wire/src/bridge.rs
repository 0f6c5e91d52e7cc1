//! Between serde structs and [`Document`]s.
//!
//! Blobs and nested documents change hands without a copy: the newtype-struct names below are
//! recognised by this bridge only, which then passes the value through a slot of the thread
//! instead of through serde's data model.

mod read;
mod write;

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::ser::Serializer;

use crate::document::Document;

/// A struct and a document that do not fit together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeError {
    path: String,
    message: String,
}

/// Writes a serde value as a document. Members that are `None` are left out.
pub fn to_document<T: Serialize + ?Sized>(value: &T) -> Result<Document, BridgeError> {
    value.serialize(write::DocumentSerializer)
}

/// Reads a serde value out of a document.
pub fn from_document<T: DeserializeOwned>(document: Document) -> Result<T, BridgeError> {
    T::deserialize(read::DocumentDeserializer(document))
}

impl BridgeError {
    /// Where in the document, such as `Environment.Variables`; empty for the whole of it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What does not fit, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    fn new(message: impl Into<String>) -> BridgeError {
        BridgeError { path: String::new(), message: message.into() }
    }

    fn within(mut self, segment: &str) -> BridgeError {
        self.path = match self.path.as_str() {
            "" => segment.to_owned(),
            rest => format!("{segment}.{rest}"),
        };
        self
    }
}

impl std::fmt::Display for BridgeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.message),
            path => write!(f, "{path}: {}", self.message),
        }
    }
}

impl std::error::Error for BridgeError {}

impl serde::ser::Error for BridgeError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        BridgeError::new(message.to_string())
    }
}

impl serde::de::Error for BridgeError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        BridgeError::new(message.to_string())
    }
}

pub(crate) const BLOB_NAME: &str = "\u{0}wire::Blob";
pub(crate) const DOCUMENT_NAME: &str = "\u{0}wire::Document";
pub(crate) const TIMESTAMP_NAME: &str = "\u{0}wire::Timestamp";

enum Slot {
    /// Nobody waits: values are written the ordinary way.
    Closed,
    /// The bridge is about to serialize a blob and takes it from here.
    Open,
    /// A value on its way.
    Holding(Document),
}

thread_local! {
    static SLOT: RefCell<Slot> = const { RefCell::new(Slot::Closed) };
}

/// Gives `document` to the visitor that is called next on this thread.
fn hand_over(document: Document) {
    SLOT.with(|slot| *slot.borrow_mut() = Slot::Holding(document));
}

/// Takes what the bridge handed over; `None` when another format is being read.
pub(crate) fn take_handed_over() -> Option<Document> {
    SLOT.with(|slot| match std::mem::replace(&mut *slot.borrow_mut(), Slot::Closed) {
        Slot::Holding(document) => Some(document),
        Slot::Open | Slot::Closed => None,
    })
}

fn open_slot() {
    SLOT.with(|slot| *slot.borrow_mut() = Slot::Open);
}

/// Puts `bytes` into the slot when the bridge waits for them.
fn offer(bytes: &Bytes) -> bool {
    SLOT.with(|slot| {
        let mut slot = slot.borrow_mut();
        let wanted = matches!(*slot, Slot::Open);
        if wanted {
            *slot = Slot::Holding(Document::Blob(bytes.clone()));
        }
        wanted
    })
}

pub(crate) fn serialize_blob<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(BLOB_NAME, &BlobContent(bytes))
}

/// What stands inside the newtype struct [`BLOB_NAME`].
struct BlobContent<'a>(&'a Bytes);

impl Serialize for BlobContent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if offer(self.0) {
            serializer.serialize_unit()
        } else if serializer.is_human_readable() {
            serializer.serialize_str(&STANDARD.encode(self.0))
        } else {
            serializer.serialize_bytes(self.0)
        }
    }
}
