//! The rows of this service.

use service::Table;

use crate::batch::Batch;

/// By number, which rises; the newest are the last.
pub(crate) static BATCHES: Table<Batch> = Table::regional("cloudtrail", "batches");

pub(crate) fn key(number: u64) -> String {
    format!("{number:020}")
}

pub(crate) fn number(key: &str) -> Option<u64> {
    key.parse().ok()
}
