//! Streams and records as the API writes them.

use serde::Serialize;
use service::{Result, Scope};
use sha2::{Digest, Sha256};
use wire::{Document, Timestamp};

use super::{ChangedBy, Entry, Stream, shard};
use crate::table::{KeySchemaElement, StreamView};
use crate::value;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StreamDescription {
    stream_arn: String,
    stream_label: String,
    stream_status: &'static str,
    stream_view_type: StreamView,
    creation_request_date_time: Timestamp,
    table_name: String,
    key_schema: Vec<KeySchemaElement>,
    pub(crate) shards: Vec<Shard>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Shard {
    shard_id: String,
    sequence_number_range: SequenceNumberRange,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SequenceNumberRange {
    starting_sequence_number: String,
    ending_sequence_number: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Record {
    #[serde(rename = "eventID")]
    event_id: String,
    #[serde(rename = "eventName")]
    event_name: &'static str,
    #[serde(rename = "eventVersion")]
    event_version: &'static str,
    #[serde(rename = "eventSource")]
    event_source: &'static str,
    #[serde(rename = "awsRegion")]
    aws_region: String,
    dynamodb: StreamRecord,
    #[serde(rename = "userIdentity")]
    user_identity: Option<Identity>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct StreamRecord {
    approximate_creation_date_time: Timestamp,
    keys: Document,
    new_image: Option<Document>,
    old_image: Option<Document>,
    sequence_number: String,
    size_bytes: usize,
    stream_view_type: StreamView,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Identity {
    principal_id: &'static str,
    r#type: &'static str,
}

impl StreamDescription {
    pub(crate) fn new(scope: &Scope, stream: &Stream, extent: shard::Extent) -> Self {
        let ended = stream.disabled.is_some();
        StreamDescription {
            stream_arn: stream.arn(scope).to_string(),
            stream_label: stream.label.clone(),
            stream_status: if ended { "DISABLED" } else { "ENABLED" },
            stream_view_type: stream.view,
            creation_request_date_time: stream.created,
            table_name: stream.table.clone(),
            key_schema: stream.key.elements(),
            shards: vec![Shard {
                shard_id: stream.shard_id(),
                sequence_number_range: SequenceNumberRange {
                    starting_sequence_number: shard::sequence_number(extent.first),
                    ending_sequence_number: ended
                        .then(|| shard::sequence_number(extent.last.max(extent.first))),
                },
            }],
        }
    }
}

impl Record {
    pub(crate) fn new(scope: &Scope, stream: &Stream, sequence: u64, entry: &Entry) -> Result<Self> {
        let mut size_bytes = 0;
        let mut image = |stored: &[u8]| {
            let attributes = value::decode_attributes(stored).map_err(anyhow::Error::new)?;
            size_bytes += value::size_bytes(&attributes);
            Ok::<_, service::Failure>(value::to_document(&attributes))
        };
        let keys = image(&entry.keys)?;
        let new_image = entry.new.as_deref().map(&mut image).transpose()?;
        let old_image = entry.old.as_deref().map(&mut image).transpose()?;
        Ok(Record {
            event_id: event_id(stream, sequence),
            event_name: entry.event.as_str(),
            event_version: "1.1",
            event_source: "aws:dynamodb",
            aws_region: scope.region.to_string(),
            dynamodb: StreamRecord {
                approximate_creation_date_time: whole_seconds(entry.at_epoch_millis),
                keys,
                new_image,
                old_image,
                sequence_number: shard::sequence_number(sequence),
                size_bytes,
                stream_view_type: stream.view,
            },
            user_identity: (entry.by == ChangedBy::TimeToLive)
                .then_some(Identity { principal_id: "dynamodb.amazonaws.com", r#type: "Service" }),
        })
    }
}

/// The same for the same record whenever it is read.
fn event_id(stream: &Stream, sequence: u64) -> String {
    let digest = Sha256::new().chain_update(stream.storage.bytes()).chain_update(sequence.to_be_bytes());
    hex::encode(&digest.finalize()[..16])
}

fn whole_seconds(epoch_millis: i64) -> Timestamp {
    Timestamp::from_epoch_millis(epoch_millis.div_euclid(1_000) * 1_000)
}
