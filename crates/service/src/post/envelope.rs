//! A post as it is stored.

use anyhow::Context as _;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use store::{BlobId, INLINE_BYTES_MAX};
use wire::{Blob, Document};

use super::retry::RetryPolicy;
use super::{Cause, PAYLOAD_BYTES_MAX, Post};
use crate::{Failure, Platform, Principal, Result, Scope};

/// Rows are read by later versions of this struct, whose new fields default.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Envelope {
    pub(super) id: String,
    pub(super) scope: Scope,
    pub(super) principal: Principal,
    pub(super) service: String,
    pub(super) operation: String,
    pub(super) lane_key: String,
    pub(super) ordered: bool,
    input: Input,
    pub(super) trace: String,
    pub(super) posted_millis: i64,
    pub(super) retry: RetryPolicy,
    /// Calls that failed and count.
    pub(super) failures: u32,
    /// All calls, the postponed ones included.
    pub(super) calls: u32,
    pub(super) dead_letter: Option<Box<Envelope>>,
    pub(super) cause: Option<Cause>,
    #[serde(default)]
    pub(super) source: Option<String>,
}

/// The input document in CBOR.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Input {
    Inline(Blob),
    Stored(BlobId),
}

impl Envelope {
    /// Stores what is too large for a row.
    pub(super) async fn seal(post: Post, platform: &Platform) -> Result<Envelope> {
        let dead_letter = match post.dead_letter {
            Some(dead_letter) => Some(Box::new(Box::pin(Envelope::seal(*dead_letter, platform)).await?)),
            None => None,
        };
        let bytes = post.input.to_cbor();
        if bytes.len() > PAYLOAD_BYTES_MAX {
            return Err(Failure::Internal(anyhow::anyhow!(
                "the input of a post to {}:{} has {} bytes",
                post.service,
                post.operation,
                bytes.len()
            )));
        }
        let input = if bytes.len() <= INLINE_BYTES_MAX {
            Input::Inline(bytes.into())
        } else {
            Input::Stored(platform.blobs().put(bytes.into()).await?)
        };
        Ok(Envelope {
            id: post.id,
            scope: post.scope,
            principal: post.principal,
            service: post.service,
            operation: post.operation,
            lane_key: post.lane_key,
            ordered: post.ordered,
            input,
            trace: post.trace,
            posted_millis: post.posted.epoch_millis(),
            retry: post.retry,
            failures: 0,
            calls: 0,
            dead_letter,
            cause: None,
            source: post.source.map(|arn| arn.to_string()),
        })
    }

    pub(super) fn encode(&self) -> Result<Bytes> {
        let document =
            wire::to_document(self).map_err(|error| anyhow::anyhow!("a post does not serialize: {error}"))?;
        Ok(document.to_cbor().into())
    }

    pub(super) fn decode(row: &Bytes) -> anyhow::Result<Envelope> {
        let document = Document::from_cbor(row).context("a post does not read")?;
        wire::from_document(document).context("a post does not read")
    }

    pub(super) async fn input(&self, platform: &Platform) -> anyhow::Result<Document> {
        let bytes = match &self.input {
            Input::Inline(bytes) => bytes.0.clone(),
            Input::Stored(blob) => platform.blobs().get(blob).await.context("the input of a post")?,
        };
        Document::from_cbor(&bytes).context("the input of a post does not read")
    }

    /// The blobs of the post and of its dead letter.
    pub(super) fn blobs(&self) -> Vec<BlobId> {
        let mut blobs = self.dead_letter.as_ref().map_or_else(Vec::new, |letter| letter.blobs());
        blobs.extend(self.own_blob());
        blobs
    }

    /// The blob of the post itself.
    pub(super) fn own_blob(&self) -> Option<BlobId> {
        match &self.input {
            Input::Inline(_) => None,
            Input::Stored(blob) => Some(blob.clone()),
        }
    }
}
