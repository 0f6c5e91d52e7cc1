//! A table as DescribeTable and its kin answer it.

use serde::Serialize;
use service::{Arn, Scope};
use wire::Timestamp;

use super::*;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TableDescription {
    attribute_definitions: Vec<AttributeDefinition>,
    table_name: String,
    key_schema: Vec<KeySchemaElement>,
    pub(crate) table_status: TableStatus,
    creation_date_time: Timestamp,
    provisioned_throughput: CapacityDescription,
    pub(crate) table_size_bytes: u64,
    pub(crate) item_count: u64,
    table_arn: String,
    table_id: String,
    billing_mode_summary: Option<BillingModeSummary>,
    local_secondary_indexes: Option<Vec<LocalIndexDescription>>,
    global_secondary_indexes: Option<Vec<GlobalIndexDescription>>,
    stream_specification: Option<StreamSpecification>,
    latest_stream_label: Option<String>,
    latest_stream_arn: Option<String>,
    #[serde(rename = "SSEDescription")]
    sse_description: Option<SseDescription>,
    table_class_summary: Option<TableClassSummary>,
    deletion_protection_enabled: bool,
    on_demand_throughput: Option<OnDemandThroughput>,
    warm_throughput: WarmDescription,
    restore_summary: Option<RestoreSummary>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct RestoreSummary {
    source_backup_arn: Option<String>,
    source_table_arn: String,
    restore_date_time: Timestamp,
    restore_in_progress: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct CapacityDescription {
    last_increase_date_time: Option<Timestamp>,
    last_decrease_date_time: Option<Timestamp>,
    number_of_decreases_today: i64,
    read_capacity_units: i64,
    write_capacity_units: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct BillingModeSummary {
    billing_mode: &'static str,
    last_update_to_pay_per_request_date_time: Timestamp,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct LocalIndexDescription {
    index_name: String,
    key_schema: Vec<KeySchemaElement>,
    projection: Projection,
    index_size_bytes: u64,
    item_count: u64,
    index_arn: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct GlobalIndexDescription {
    index_name: String,
    key_schema: Vec<KeySchemaElement>,
    projection: Projection,
    index_status: IndexStatus,
    backfilling: Option<bool>,
    provisioned_throughput: CapacityDescription,
    index_size_bytes: u64,
    item_count: u64,
    index_arn: String,
    on_demand_throughput: Option<OnDemandThroughput>,
    warm_throughput: WarmDescription,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SseDescription {
    status: &'static str,
    #[serde(rename = "SSEType")]
    sse_type: &'static str,
    #[serde(rename = "KMSMasterKeyArn")]
    kms_master_key_arn: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct TableClassSummary {
    table_class: String,
    last_update_date_time: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct WarmDescription {
    read_units_per_second: i64,
    write_units_per_second: i64,
    status: &'static str,
}

/// What an on-demand table can take from the start ("Understanding DynamoDB warm throughput").
const WARM_READ_UNITS: i64 = 12_000;
const WARM_WRITE_UNITS: i64 = 4_000;

impl TableDescription {
    pub(crate) fn new(scope: &Scope, table: &Table, sizes: &Sizes, now: Timestamp) -> Self {
        let arn = super::arn(scope, &table.name);
        let stream = table.stream.as_ref();
        let of = |index: &Index| sizes.index(index.storage);
        TableDescription {
            attribute_definitions: table.attributes.clone(),
            table_name: table.name.clone(),
            key_schema: table.key.elements(),
            table_status: table.status,
            creation_date_time: table.created,
            provisioned_throughput: CapacityDescription::new(table.billing.capacity.as_ref(), now),
            table_size_bytes: sizes.table().bytes,
            item_count: sizes.table().items,
            table_id: table.id.clone(),
            billing_mode_summary: table.billing.on_demand_since.map(|since| BillingModeSummary {
                billing_mode: if table.billing.is_provisioned() { "PROVISIONED" } else { "PAY_PER_REQUEST" },
                last_update_to_pay_per_request_date_time: since,
            }),
            local_secondary_indexes: some_if_any(
                table.local_indexes.iter().map(|index| LocalIndexDescription::new(index, &arn, of(index))),
            ),
            global_secondary_indexes: some_if_any(
                table
                    .global_indexes
                    .iter()
                    .map(|index| GlobalIndexDescription::new(index, &arn, of(index), now)),
            ),
            stream_specification: table.enabled_stream().map(|stream| StreamSpecification {
                stream_enabled: true,
                stream_view_type: Some(stream.view),
            }),
            latest_stream_label: stream.map(|stream| stream.label.clone()),
            latest_stream_arn: stream.map(|stream| format!("{arn}/stream/{}", stream.label)),
            sse_description: table.encryption.as_ref().map(SseDescription::new),
            table_class_summary: table.class.as_ref().map(|class| TableClassSummary {
                table_class: class.name.clone(),
                last_update_date_time: class.changed,
            }),
            deletion_protection_enabled: table.deletion_protection,
            on_demand_throughput: table.billing.on_demand,
            warm_throughput: WarmDescription::new(
                table.billing.warm.as_ref(),
                table.billing.capacity.as_ref(),
            ),
            restore_summary: table.restored.as_ref().map(|restored| RestoreSummary {
                source_backup_arn: restored.backup_arn.clone(),
                source_table_arn: restored.source_arn.clone(),
                restore_date_time: restored.moment,
                restore_in_progress: false,
            }),
            table_arn: arn.to_string(),
        }
    }

    /// Shows an index that is going, as the call that deletes it does.
    pub(crate) fn push_deleting(&mut self, scope: &Scope, table: &OpenTable, index: &Index, now: Timestamp) {
        let arn = super::arn(scope, &table.name);
        let shown = GlobalIndexDescription::new(index, &arn, table.sizes.index(index.storage), now);
        self.global_secondary_indexes.get_or_insert_default().push(shown);
    }

    /// The same as it stands while the change is being made, which is what the changing call answers.
    pub(crate) fn in_status(mut self, status: TableStatus) -> Self {
        self.table_status = status;
        if status == TableStatus::Creating {
            if let Some(summary) = &mut self.restore_summary {
                summary.restore_in_progress = true;
            }
            for index in self.global_secondary_indexes.iter_mut().flatten() {
                index.index_status = IndexStatus::Creating;
                index.backfilling = None;
            }
        }
        self
    }
}

fn some_if_any<T>(each: impl Iterator<Item = T>) -> Option<Vec<T>> {
    let all: Vec<T> = each.collect();
    (!all.is_empty()).then_some(all)
}

impl CapacityDescription {
    fn new(capacity: Option<&Capacity>, now: Timestamp) -> Self {
        CapacityDescription {
            last_increase_date_time: capacity.and_then(|capacity| capacity.increased),
            last_decrease_date_time: capacity.and_then(|capacity| capacity.decreased),
            number_of_decreases_today: capacity.map_or(0, |capacity| capacity.decreases_on(now)),
            read_capacity_units: capacity.map_or(0, |capacity| capacity.read),
            write_capacity_units: capacity.map_or(0, |capacity| capacity.write),
        }
    }
}

impl LocalIndexDescription {
    fn new(index: &Index, table: &Arn, size: Size) -> Self {
        LocalIndexDescription {
            index_name: index.name.clone(),
            key_schema: index.key.elements(),
            projection: index.projection.shape(),
            index_size_bytes: size.bytes,
            item_count: size.items,
            index_arn: format!("{table}/index/{}", index.name),
        }
    }
}

impl GlobalIndexDescription {
    fn new(index: &Index, table: &Arn, size: Size, now: Timestamp) -> Self {
        GlobalIndexDescription {
            index_name: index.name.clone(),
            key_schema: index.key.elements(),
            projection: index.projection.shape(),
            index_status: index.status,
            backfilling: (index.status == IndexStatus::Creating).then_some(true),
            provisioned_throughput: CapacityDescription::new(index.capacity.as_ref(), now),
            index_size_bytes: size.bytes,
            item_count: size.items,
            index_arn: format!("{table}/index/{}", index.name),
            on_demand_throughput: index.on_demand,
            warm_throughput: WarmDescription::new(index.warm.as_ref(), index.capacity.as_ref()),
        }
    }
}

impl SseDescription {
    pub(crate) fn new(encryption: &Encryption) -> Self {
        SseDescription { status: "ENABLED", sse_type: "KMS", kms_master_key_arn: encryption.key_arn.clone() }
    }
}

impl WarmDescription {
    fn new(asked: Option<&WarmThroughput>, capacity: Option<&Capacity>) -> Self {
        let read = capacity.map_or(WARM_READ_UNITS, |capacity| capacity.read);
        let write = capacity.map_or(WARM_WRITE_UNITS, |capacity| capacity.write);
        WarmDescription {
            read_units_per_second: asked.and_then(|asked| asked.read_units_per_second).unwrap_or(read),
            write_units_per_second: asked.and_then(|asked| asked.write_units_per_second).unwrap_or(write),
            status: "ACTIVE",
        }
    }
}
