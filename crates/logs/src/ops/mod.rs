//! One file an operation.

mod create_log_group;
mod create_log_stream;
mod delete_log_group;
mod delete_log_stream;
mod describe_log_groups;
mod describe_log_streams;
mod filter_log_events;
mod get_log_events;
mod ingest;
mod put_log_events;
mod put_log_group_deletion_protection;
mod retention_policy;
mod start_live_tail;
mod tag_log_group;
mod tag_resource;
mod test_metric_filter;

pub(crate) use create_log_group::CreateLogGroup;
pub(crate) use create_log_stream::CreateLogStream;
pub(crate) use delete_log_group::DeleteLogGroup;
pub(crate) use delete_log_stream::DeleteLogStream;
pub(crate) use describe_log_groups::DescribeLogGroups;
pub(crate) use describe_log_streams::DescribeLogStreams;
pub(crate) use filter_log_events::FilterLogEvents;
pub(crate) use get_log_events::GetLogEvents;
pub(crate) use ingest::Ingest;
pub(crate) use put_log_events::PutLogEvents;
pub(crate) use put_log_group_deletion_protection::PutLogGroupDeletionProtection;
pub(crate) use retention_policy::{DeleteRetentionPolicy, PutRetentionPolicy};
pub(crate) use start_live_tail::StartLiveTail;
pub(crate) use tag_log_group::{ListTagsLogGroup, TagLogGroup, UntagLogGroup};
pub(crate) use tag_resource::{ListTagsForResource, TagResource, UntagResource};
pub(crate) use test_metric_filter::TestMetricFilter;
