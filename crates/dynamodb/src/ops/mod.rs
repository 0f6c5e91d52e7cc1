//! One file an operation, or a few that belong together.

mod await_records;
mod backup;
mod batch_execute_statement;
mod batch_get_item;
mod batch_write_item;
mod continuous_backups;
mod contributor_insights;
mod create_table;
mod delete_item;
mod delete_table;
mod describe_endpoints;
mod describe_limits;
mod describe_stream;
mod describe_table;
mod execute_statement;
mod execute_transaction;
mod get_item;
mod get_records;
mod get_shard_iterator;
mod latest_sequence_number;
mod list_streams;
mod list_tables;
mod not_on_one_node;
mod put_item;
mod query;
mod resource_policy;
mod restore;
mod scan;
mod tag_resource;
mod time_to_live;
mod transact_get_items;
mod transact_write_items;
mod update_item;
mod update_table;

pub(crate) use await_records::AwaitRecords;
pub(crate) use backup::{CreateBackup, DeleteBackup, DescribeBackup, ListBackups};
pub(crate) use batch_execute_statement::BatchExecuteStatement;
pub(crate) use batch_get_item::BatchGetItem;
pub(crate) use batch_write_item::BatchWriteItem;
pub(crate) use continuous_backups::{DescribeContinuousBackups, UpdateContinuousBackups};
pub(crate) use contributor_insights::{
    DescribeContributorInsights, ListContributorInsights, UpdateContributorInsights,
};
pub(crate) use create_table::CreateTable;
pub(crate) use delete_item::DeleteItem;
pub(crate) use delete_table::DeleteTable;
pub(crate) use describe_endpoints::DescribeEndpoints;
pub(crate) use describe_limits::DescribeLimits;
pub(crate) use describe_stream::DescribeStream;
pub(crate) use describe_table::DescribeTable;
pub(crate) use execute_statement::ExecuteStatement;
pub(crate) use execute_transaction::ExecuteTransaction;
pub(crate) use get_item::GetItem;
pub(crate) use get_records::GetRecords;
pub(crate) use get_shard_iterator::GetShardIterator;
pub(crate) use latest_sequence_number::LatestSequenceNumber;
pub(crate) use list_streams::ListStreams;
pub(crate) use list_tables::ListTables;
pub(crate) use not_on_one_node::{
    DescribeGlobalTable, DescribeKinesisStreamingDestination, ListGlobalTables,
};
pub(crate) use put_item::PutItem;
pub(crate) use query::Query;
pub(crate) use resource_policy::{DeleteResourcePolicy, GetResourcePolicy, PutResourcePolicy};
pub(crate) use restore::{RestoreTableFromBackup, RestoreTableToPointInTime};
pub(crate) use scan::Scan;
pub(crate) use tag_resource::{ListTagsOfResource, TagResource, UntagResource};
pub(crate) use time_to_live::{DescribeTimeToLive, TimeToLiveDescription, UpdateTimeToLive};
pub(crate) use transact_get_items::TransactGetItems;
pub(crate) use transact_write_items::TransactWriteItems;
pub(crate) use update_item::UpdateItem;
pub(crate) use update_table::UpdateTable;
