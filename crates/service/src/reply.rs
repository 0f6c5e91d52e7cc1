//! What an operation answers: a document, and sometimes a stream behind it.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;
use serde::Serialize;
use wire::{Document, Map};

use crate::Result;

pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;
pub type EventStream = Pin<Box<dyn Stream<Item = Result<Event>> + Send>>;

/// One event of an event stream: a member of the stream's union shape.
#[derive(Debug)]
pub struct Event {
    pub name: &'static str,
    pub document: Document,
}

pub enum ReplyStream {
    /// The output's streaming blob, with its length where known.
    Bytes {
        length: Option<u64>,
        stream: ByteStream,
    },
    Events(EventStream),
}

pub struct Reply {
    pub document: Document,
    pub stream: Option<ReplyStream>,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply")
            .field("document", &self.document)
            .field("streams", &self.stream.is_some())
            .finish()
    }
}

/// Anything an operation may return; every `Serialize` is a reply without a stream.
pub trait IntoReply {
    fn into_reply(self) -> Result<Reply>;
}

impl<T: Serialize> IntoReply for T {
    fn into_reply(self) -> Result<Reply> {
        let document = wire::to_document(&self)
            .map_err(|error| anyhow::anyhow!("output does not serialize: {error}"))?;
        Ok(Reply { document, stream: None })
    }
}

/// An output whose payload or events follow as a stream.
pub struct Streamed<T> {
    pub output: T,
    pub stream: ReplyStream,
}

impl<T: Serialize> IntoReply for Streamed<T> {
    fn into_reply(self) -> Result<Reply> {
        Ok(Reply { stream: Some(self.stream), ..self.output.into_reply()? })
    }
}

/// The output of operations that answer nothing.
#[derive(Debug, Default, Clone, Copy)]
pub struct Empty;

impl Serialize for Empty {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        serializer.serialize_map(Some(0))?.end()
    }
}

impl From<Document> for Reply {
    fn from(document: Document) -> Self {
        Reply { document, stream: None }
    }
}

impl Reply {
    /// The document's members; empty when it is not a map.
    pub fn into_members(self) -> Map {
        match self.document {
            Document::Map(members) => members,
            _ => Map::default(),
        }
    }
}
