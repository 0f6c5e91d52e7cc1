//! Streams: the changes of a table's items, in order, for a day.
//!
//! A stream is one shard, a log of the store: its sequences have no gaps, and a record is there exactly when the change
//! of its item is. A stream that is disabled, or whose table is deleted, closes its shard and stays readable until its
//! records are a day old.

mod describe;
mod entry;
mod iterator;
mod record;
mod shard;
pub(crate) mod trim;

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Result, Scope};
use store::{LogId, Txn};
use wire::Timestamp;

use crate::error::{invalid, invalid_parameters};
use crate::keys::{Keys, Mark, StorageId};
use crate::table::{KeySchema, StreamSpecification, StreamView, Table, TableStream};
use crate::tables::encode;

pub(crate) use describe::{Record, StreamDescription};
pub(crate) use entry::{ChangedBy, Entry};
pub(crate) use iterator::{ShardIterator, find, read_arn};
pub(crate) use record::{Image, ItemChange, expiry_row, record};
pub(crate) use shard::{Extent, first_since, read, read_sequence_number, sequence_number};

/// What is left of a stream once its table is gone: a row of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Stream {
    pub(crate) table: String,
    pub(crate) label: String,
    pub(crate) storage: StorageId,
    pub(crate) view: StreamView,
    pub(crate) key: KeySchema,
    pub(crate) created: Timestamp,
    /// When it stopped to be written.
    #[serde(default)]
    pub(crate) disabled: Option<Timestamp>,
}

impl Stream {
    fn new(cx: &Context, table: &Table, view: StreamView) -> Self {
        let now = cx.now();
        Stream {
            table: table.name.clone(),
            label: label(now),
            storage: StorageId::new(cx.platform().ids()),
            view,
            key: table.key.clone(),
            created: now,
            disabled: None,
        }
    }

    /// The part of it that the table's row carries.
    pub(crate) fn settings(&self) -> TableStream {
        TableStream {
            storage: self.storage,
            label: self.label.clone(),
            view: self.view,
            created: self.created,
            enabled: self.disabled.is_none(),
        }
    }

    pub(crate) fn arn(&self, scope: &Scope) -> Arn {
        arn(scope, &self.table, &self.label)
    }

    /// The name of its only shard, in the form of AWS's: a time and eight digits.
    pub(crate) fn shard_id(&self) -> String {
        let id = self.storage.to_string();
        format!("shardId-{:020}-{}", self.created.epoch_millis(), &id[8..])
    }

    pub(crate) fn log(&self, keys: &Keys) -> LogId {
        LogId::new(keys.records(self.storage))
    }
}

pub(crate) fn arn(scope: &Scope, table: &str, label: &str) -> Arn {
    Arn::regional("dynamodb", scope, format_args!("table/{table}/stream/{label}"))
}

/// The stream that CreateTable asks for; `None` when it asks for none.
pub(crate) fn asked_with_table(
    cx: &Context,
    table: &Table,
    asked: &StreamSpecification,
) -> Result<Option<Stream>> {
    match (asked.stream_enabled, asked.stream_view_type) {
        (true, Some(view)) => Ok(Some(Stream::new(cx, table, view))),
        (true, None) => Err(invalid_parameters(
            "Table is being created with a stream enabled, UpdateViewType is required",
        )),
        (false, None) => Ok(None),
        (false, Some(_)) => Err(invalid_parameters(
            "Table is being created with a stream disabled, UpdateViewType should not be specified",
        )),
    }
}

/// What UpdateTable asks for: a new stream, or `None` for the end of the one there is.
pub(crate) fn asked_of_table(
    cx: &Context,
    table: &Table,
    asked: &StreamSpecification,
) -> Result<Option<Stream>> {
    let name = &table.name;
    match (asked.stream_enabled, asked.stream_view_type, table.enabled_stream()) {
        (true, None, _) => {
            Err(invalid_parameters("If stream is being enabled then UpdateViewType is required"))
        }
        (false, Some(_), _) => {
            Err(invalid_parameters("If stream is being disabled, then UpdateViewType must not be specified"))
        }
        (true, Some(_), Some(_)) => {
            Err(invalid(format!("Table already has an enabled stream: TableName: {name}")))
        }
        (false, None, None) => Err(invalid(format!("Table has no stream to disable: TableName: {name}"))),
        (true, Some(view), None) => Ok(Some(Stream::new(cx, table, view))),
        (false, None, Some(_)) => Ok(None),
    }
}

/// Puts the row of a new stream and the mark by which the worker that trims finds it.
pub(crate) fn enable(txn: &Txn, keys: &Keys, stream: &Stream) -> Result<()> {
    txn.put(keys.stream(&stream.table, &stream.label), encode(stream)?);
    txn.put(keys.mark(Mark::Stream, &format!("{}\0{}", stream.table, stream.label)), Vec::new());
    Ok(())
}

/// Ends the table's stream, if it has one that is enabled; its records stay for a day.
pub(crate) fn disable(txn: &Txn, keys: &Keys, table: &Table, now: Timestamp) -> Result<()> {
    let Some(enabled) = table.enabled_stream() else { return Ok(()) };
    let stream = Stream {
        table: table.name.clone(),
        label: enabled.label.clone(),
        storage: enabled.storage,
        view: enabled.view,
        key: table.key.clone(),
        created: enabled.created,
        disabled: Some(now),
    };
    txn.put(keys.stream(&stream.table, &stream.label), encode(&stream)?);
    Ok(())
}

/// The label of a stream created now, e.g. `2026-01-02T03:04:05.678`.
fn label(now: Timestamp) -> String {
    let text = now.to_rfc3339();
    let text = text.trim_end_matches('Z');
    match text.split_once('.') {
        Some((seconds, fraction)) => format!("{seconds}.{fraction:0<3}"),
        None => format!("{text}.000"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_three_digits_of_a_second() {
        for (millis, expected) in
            [(0, "1970-01-01T00:00:00.000"), (1_700_000_000_120, "2023-11-14T22:13:20.120")]
        {
            assert_eq!(label(Timestamp::from_epoch_millis(millis)), expected);
        }
    }
}
