//! Items: where they lie, how they are checked, read and written.
//!
//! * [`place`]: the keys of items and index entries in the store.
//! * [`stored`]: the bytes of their rows.
//! * [`check`]: the rules on keys, in the words of the service.
//! * [`change`]: what a write makes of an item; pure.
//! * [`plan`]: the one commit that keeps item, index entries, stream and counters together; pure.
//! * [`write`]: writers of one item take turns, so a hot item costs waiting and no retries; every commit is conditional on
//!   what was read all the same.
//! * [`transaction`]: several items, read and written at one moment.
//! * [`search`]: queries and scans, page by page.

mod answer;
mod capacity;
mod change;
mod check;
mod error;
mod place;
mod plan;
mod request;
mod schema;
mod search;
mod select;
mod stored;
mod token;
mod transaction;
mod turns;
mod write;

pub(crate) use answer::{ItemCollectionMetrics, collection_metrics};
pub(crate) use capacity::{CapacityReport, Consumed, ConsumedCapacity, Split, read_units};
pub(crate) use change::{Change, Returned, check_item_size};
pub(crate) use check::{
    check_expression_keys, check_index_keys, check_index_keys_not_empty, check_item_key, check_key,
    check_not_empty, check_update_not_empty, check_update_targets, key_of,
};
pub(crate) use error::{CancellationReason, ItemError};
pub(crate) use place::{index_entry, is_projected};
pub(crate) use request::{ConditionInput, WriteInput, layer_failure, read_item, read_key};
pub(crate) use search::{Search, SearchRange, Shown, Source, start_key};
pub(crate) use select::{Chosen, Found, older_filter, read_start, run};
pub(crate) use stored::{decode_item, encode_item};
pub(crate) use token::Token;
pub(crate) use transaction::{Prepared, TOO_LARGE, TRANSACTION_BYTES_MAX, TransactionOutcome, transact};
pub(crate) use turns::Turns;
pub(crate) use write::{
    ItemWrite, Written, delete_expired, place_of, read_before, read_item as read_stored, write_item,
};

/// Largest item, in bytes by the rules of item sizes.
pub(crate) const ITEM_BYTES_MAX: usize = 400 * 1024;
/// Largest partition key, in bytes.
pub(crate) const PARTITION_KEY_BYTES_MAX: usize = 2_048;
/// Largest sort key, in bytes; of an index with several sort attributes all of them together.
pub(crate) const SORT_KEY_BYTES_MAX: usize = 1_024;
