//! Parts of answers.

use serde::Serialize;
use wire::Document;

use super::check::key_of;
use crate::table::Table;
use crate::value::{Attributes, to_document};

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ItemCollectionMetrics {
    pub(crate) item_collection_key: Document,
    #[serde(rename = "SizeEstimateRangeGB")]
    size_estimate_range_gb: [f64; 2],
}

/// What is told of the item's collection; only tables with local indexes have collections.
///
/// The estimate is the lowest range there is: collections are not measured, because no limit is put on them.
pub(crate) fn collection_metrics(
    table: &Table,
    item: &Attributes,
    asked: Option<&str>,
) -> Option<ItemCollectionMetrics> {
    if asked != Some("SIZE") || table.local_indexes.is_empty() {
        return None;
    }
    let mut key = key_of(&table.key, item);
    key.retain(|name, _| table.key.partition_names().any(|partition| partition == name));
    Some(ItemCollectionMetrics { item_collection_key: to_document(&key), size_estimate_range_gb: [0.0, 1.0] })
}
