//! Backups as the API writes them.

use serde::Serialize;
use service::Scope;
use wire::Timestamp;

use super::Backup;
use crate::ops::TimeToLiveDescription;
use crate::table::{
    self, Index, KeySchemaElement, OnDemandThroughput, Projection, ProvisionedThroughput, SseDescription,
    StreamSpecification,
};

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct BackupDetails {
    backup_arn: String,
    backup_name: String,
    backup_size_bytes: u64,
    backup_status: &'static str,
    backup_type: &'static str,
    backup_creation_date_time: Timestamp,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct BackupSummary {
    table_name: String,
    table_id: String,
    table_arn: String,
    #[serde(flatten)]
    details: BackupDetails,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct BackupDescription {
    backup_details: BackupDetails,
    source_table_details: SourceTableDetails,
    source_table_feature_details: SourceTableFeatureDetails,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SourceTableDetails {
    table_name: String,
    table_id: String,
    table_arn: String,
    table_size_bytes: u64,
    key_schema: Vec<KeySchemaElement>,
    table_creation_date_time: Timestamp,
    provisioned_throughput: ProvisionedThroughput,
    on_demand_throughput: Option<OnDemandThroughput>,
    item_count: u64,
    billing_mode: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SourceTableFeatureDetails {
    local_secondary_indexes: Option<Vec<IndexInfo>>,
    global_secondary_indexes: Option<Vec<IndexInfo>>,
    stream_description: Option<StreamSpecification>,
    time_to_live_description: TimeToLiveDescription,
    #[serde(rename = "SSEDescription")]
    sse_description: Option<SseDescription>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct IndexInfo {
    index_name: String,
    key_schema: Vec<KeySchemaElement>,
    projection: Projection,
    provisioned_throughput: Option<ProvisionedThroughput>,
}

impl BackupDetails {
    pub(crate) fn new(scope: &Scope, backup: &Backup, status: &'static str) -> Self {
        BackupDetails {
            backup_arn: backup.arn(scope).to_string(),
            backup_name: backup.name.clone(),
            backup_size_bytes: backup.bytes,
            backup_status: status,
            backup_type: "USER",
            backup_creation_date_time: backup.created,
        }
    }
}

impl BackupSummary {
    pub(crate) fn new(scope: &Scope, backup: &Backup) -> Self {
        BackupSummary {
            table_name: backup.table.name.clone(),
            table_id: backup.table.id.clone(),
            table_arn: table::arn(scope, &backup.table.name).to_string(),
            details: BackupDetails::new(scope, backup, "AVAILABLE"),
        }
    }
}

impl BackupDescription {
    pub(crate) fn new(scope: &Scope, backup: &Backup, status: &'static str) -> Self {
        let table = &backup.table;
        let capacity = table.billing.capacity.as_ref();
        let infos = |indexes: &[Index]| {
            let all: Vec<IndexInfo> = indexes.iter().map(IndexInfo::new).collect();
            (!all.is_empty()).then_some(all)
        };
        BackupDescription {
            backup_details: BackupDetails::new(scope, backup, status),
            source_table_details: SourceTableDetails {
                table_name: table.name.clone(),
                table_id: table.id.clone(),
                table_arn: table::arn(scope, &table.name).to_string(),
                table_size_bytes: backup.bytes,
                key_schema: table.key.elements(),
                table_creation_date_time: table.created,
                provisioned_throughput: ProvisionedThroughput {
                    read_capacity_units: capacity.map_or(0, |capacity| capacity.read),
                    write_capacity_units: capacity.map_or(0, |capacity| capacity.write),
                },
                on_demand_throughput: table.billing.on_demand,
                item_count: backup.items,
                billing_mode: if capacity.is_some() { "PROVISIONED" } else { "PAY_PER_REQUEST" },
            },
            source_table_feature_details: SourceTableFeatureDetails {
                local_secondary_indexes: infos(&table.local_indexes),
                global_secondary_indexes: infos(&table.global_indexes),
                stream_description: table.enabled_stream().map(|stream| StreamSpecification {
                    stream_enabled: true,
                    stream_view_type: Some(stream.view),
                }),
                time_to_live_description: TimeToLiveDescription::of(table),
                sse_description: table.encryption.as_ref().map(SseDescription::new),
            },
        }
    }
}

impl IndexInfo {
    fn new(index: &Index) -> Self {
        IndexInfo {
            index_name: index.name.clone(),
            key_schema: index.key.elements(),
            projection: index.projection.shape(),
            provisioned_throughput: index.capacity.map(|capacity| ProvisionedThroughput {
                read_capacity_units: capacity.read,
                write_capacity_units: capacity.write,
            }),
        }
    }
}
