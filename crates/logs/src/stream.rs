//! Log streams: their rows and how they are found.

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Result, Scope};
use store::{Snapshot, Txn};

use crate::error::Error;
use crate::group::{decode, encode};
use crate::keys::Keys;
use crate::limits::STREAM_NAME_BYTES_MAX;

/// A log stream as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LogStream {
    pub id: String,
    pub creation_time: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_event: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_event: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_ingestion: Option<i64>,
    /// The sequence of the next chunk.
    #[serde(default)]
    pub next_sequence: u64,
    /// What the stream's events count, overhead included.
    #[serde(default)]
    pub stored_bytes: u64,
}

/// What is kept of a stream in the order of last events: enough to search it without its row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Latest {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_event: Option<i64>,
    #[serde(default)]
    pub stored_bytes: u64,
}

impl LogStream {
    pub(crate) fn new(cx: &Context) -> Self {
        LogStream {
            id: cx.platform().ids().hex::<8>(),
            creation_time: cx.now().epoch_millis(),
            first_event: None,
            last_event: None,
            last_ingestion: None,
            next_sequence: 0,
            stored_bytes: 0,
        }
    }

    /// The token that callers may still pass on; PutLogEvents ignores it.
    pub(crate) fn sequence_token(&self) -> String {
        format!("49{:054}", self.next_sequence)
    }
}

/// The stream as operations on it see it in a policy decision.
pub(crate) fn arn(scope: &Scope, group: &str, stream: &str) -> Arn {
    Arn::regional("logs", scope, format_args!("log-group:{group}:log-stream:{stream}"))
}

/// What the model does not check: the room that a key of the store has.
pub(crate) fn check_name(name: &str) -> std::result::Result<(), Error> {
    if name.is_empty() || name.len() > STREAM_NAME_BYTES_MAX || name.contains([':', '*']) {
        return Err(Error::invalid(format!(
            "Log stream names have 1 to 512 characters, at most {STREAM_NAME_BYTES_MAX} bytes, and neither ':' nor '*'."
        )));
    }
    Ok(())
}

pub(crate) async fn find(
    snapshot: &dyn Snapshot,
    keys: &Keys,
    group_id: &str,
    name: &str,
) -> Result<LogStream> {
    check_name(name)?;
    match snapshot.get(&keys.stream(group_id, name)).await? {
        Some(row) => decode(&row.value),
        None => Err(Error::no_stream().into()),
    }
}

pub(crate) async fn look_up(txn: &Txn, keys: &Keys, group_id: &str, name: &str) -> Result<Option<LogStream>> {
    txn.get(keys.stream(group_id, name)).await?.map(|value| decode(&value)).transpose()
}

/// Writes a stream and its place in the order of last events; `before` is its last event as it was stored.
pub(crate) fn put(
    txn: &Txn,
    keys: &Keys,
    group_id: &str,
    name: &str,
    stream: &LogStream,
    before: Option<Option<i64>>,
) -> Result<()> {
    txn.put(keys.stream(group_id, name), encode(stream)?);
    if let Some(last_event) = before.filter(|last_event| *last_event != stream.last_event) {
        txn.delete(keys.latest(group_id, last_event, name));
    }
    let latest =
        Latest { id: stream.id.clone(), first_event: stream.first_event, stored_bytes: stream.stored_bytes };
    txn.put(keys.latest(group_id, stream.last_event, name), encode(&latest)?);
    Ok(())
}
