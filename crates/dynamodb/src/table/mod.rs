//! Tables: what is known of one beside its items.

mod capacity;
mod define;
mod describe;
mod name;
mod open;
mod parts;
mod schema;
mod sizes;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use service::{Arn, Scope, Tags};
use wire::Timestamp;

use crate::backup::Restored;
use crate::keys::StorageId;
use crate::policy::Policy;

pub(crate) use capacity::{Billing, Capacity};
pub(crate) use define::{
    Draft, check_index_capacity, check_on_demand, check_projections, define, new_global_index,
};
pub(crate) use describe::{SseDescription, TableDescription};
pub(crate) use name::{NameProblem, TableName, name_problems};
pub(crate) use open::{OpenTable, Tables, look_up, put};
pub(crate) use parts::{
    AttributeDefinition, GlobalIndexInput, KeySchemaElement, LocalIndexInput, OnDemandThroughput, Projection,
    ProvisionedThroughput, SseSpecification, StreamSpecification, Tag, WarmThroughput, tags_of,
};
pub(crate) use schema::{KeyAttribute, KeySchema, ProjectionKind, ScalarType};
pub(crate) use sizes::{Counted, Size, SizeChange, Sizes};

/// A table's metadata: one row, replaced as a whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) name: String,
    /// The UUID the API shows.
    pub(crate) id: String,
    /// Names its rows; a table created again under the same name has another.
    pub(crate) storage: StorageId,
    pub(crate) status: TableStatus,
    pub(crate) created: Timestamp,
    /// In the order in which they were given.
    pub(crate) attributes: Vec<AttributeDefinition>,
    pub(crate) key: KeySchema,
    #[serde(default)]
    pub(crate) local_indexes: Vec<Index>,
    #[serde(default)]
    pub(crate) global_indexes: Vec<Index>,
    pub(crate) billing: Billing,
    /// The stream that is being written, or the last one that was.
    #[serde(default)]
    pub(crate) stream: Option<TableStream>,
    #[serde(default)]
    pub(crate) encryption: Option<Encryption>,
    /// Set when a class was ever named.
    #[serde(default)]
    pub(crate) class: Option<TableClass>,
    #[serde(default)]
    pub(crate) deletion_protection: bool,
    #[serde(default)]
    pub(crate) tags: Tags,
    #[serde(default)]
    pub(crate) policy: Option<Policy>,
    /// Set while expired items are deleted.
    #[serde(default)]
    pub(crate) time_to_live: Option<TimeToLive>,
    /// Set while changes are kept for point-in-time recovery.
    #[serde(default)]
    pub(crate) recovery: Option<Recovery>,
    /// By index, the table itself under the empty name. Kept and answered; nothing is counted.
    #[serde(default)]
    pub(crate) insights: BTreeMap<String, Insights>,
    /// What it was made from, where it was.
    #[serde(default)]
    pub(crate) restored: Option<Restored>,
}

/// Whether contributor insights were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Insights {
    pub(crate) enabled: bool,
    #[serde(default)]
    pub(crate) mode: Option<String>,
    pub(crate) changed: Timestamp,
}

/// Which attribute says when an item expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TimeToLive {
    pub(crate) attribute: String,
    /// Names the rows of what expires; enabled again it begins anew.
    pub(crate) storage: StorageId,
    /// Whether the items from before it was enabled have their rows.
    pub(crate) filled: bool,
}

/// The change log of point-in-time recovery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recovery {
    pub(crate) storage: StorageId,
    pub(crate) enabled: Timestamp,
    pub(crate) days: i64,
}

impl Recovery {
    /// The oldest moment whose state is still known.
    pub(crate) fn earliest(&self, now: Timestamp) -> Timestamp {
        const DAY_MILLIS: i64 = 24 * 60 * 60 * 1_000;
        let kept = Timestamp::from_epoch_millis(now.epoch_millis() - self.days * DAY_MILLIS);
        self.enabled.max(kept)
    }
}

/// States a table is in; DELETING is only ever answered, the row goes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum TableStatus {
    Creating,
    Updating,
    Deleting,
    Active,
}

/// A secondary index, local or global.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Index {
    pub(crate) name: String,
    pub(crate) storage: StorageId,
    pub(crate) key: KeySchema,
    pub(crate) projection: ProjectionKind,
    pub(crate) status: IndexStatus,
    /// Of a global index of a provisioned table.
    #[serde(default)]
    pub(crate) capacity: Option<Capacity>,
    #[serde(default)]
    pub(crate) on_demand: Option<OnDemandThroughput>,
    #[serde(default)]
    pub(crate) warm: Option<WarmThroughput>,
}

/// States of an index. In every state but `Deleting` the write path keeps its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum IndexStatus {
    /// Being filled from the items there are; not to be read yet.
    Creating,
    Updating,
    Deleting,
    Active,
}

/// A stream of a table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TableStream {
    pub(crate) storage: StorageId,
    /// The time of its creation, as its ARN carries it.
    pub(crate) label: String,
    pub(crate) view: StreamView,
    pub(crate) created: Timestamp,
    /// Whether changes are written to it.
    pub(crate) enabled: bool,
}

/// What a stream tells of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum StreamView {
    KeysOnly,
    NewImage,
    OldImage,
    NewAndOldImages,
}

/// A key of the client's choice, read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Encryption {
    pub(crate) key_arn: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TableClass {
    pub(crate) name: String,
    pub(crate) changed: Option<Timestamp>,
}

impl Table {
    /// The index of this name, local or global.
    pub(crate) fn index(&self, name: &str) -> Option<&Index> {
        self.local_indexes.iter().chain(&self.global_indexes).find(|index| index.name == name)
    }

    /// All indexes whose entries a write has to keep.
    pub(crate) fn kept_indexes(&self) -> impl Iterator<Item = &Index> {
        let indexes = self.local_indexes.iter().chain(&self.global_indexes);
        indexes.filter(|index| index.status != IndexStatus::Deleting)
    }

    pub(crate) fn is_local(&self, index: &Index) -> bool {
        self.local_indexes.iter().any(|local| local.storage == index.storage)
    }

    /// The stream that changes go to now.
    pub(crate) fn enabled_stream(&self) -> Option<&TableStream> {
        self.stream.as_ref().filter(|stream| stream.enabled)
    }

    pub(crate) fn attribute_type(&self, name: &str) -> Option<ScalarType> {
        let found = self.attributes.iter().find(|attribute| attribute.attribute_name == name);
        found.map(|attribute| attribute.attribute_type)
    }
}

/// Definitions go with the last key that needs them.
pub(crate) fn forget_unused_attributes(table: &mut Table) {
    let mut attributes = std::mem::take(&mut table.attributes);
    attributes.retain(|definition| {
        let indexes = table.local_indexes.iter().chain(&table.global_indexes);
        std::iter::once(&table.key)
            .chain(indexes.map(|index| &index.key))
            .any(|key| key.names(&definition.attribute_name))
    });
    table.attributes = attributes;
}

/// The ARN of a table.
pub(crate) fn arn(scope: &Scope, name: &str) -> Arn {
    Arn::regional("dynamodb", scope, format_args!("table/{name}"))
}
