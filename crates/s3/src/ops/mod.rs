//! One file per operation; in `lib.rs` is their table.

mod create_bucket;
mod delete_bucket;
mod delete_object;
mod get_bucket_location;
mod get_object;
mod head_bucket;
mod head_object;
mod list_buckets;
mod put_object;

pub(crate) use create_bucket::CreateBucket;
pub(crate) use delete_bucket::DeleteBucket;
pub(crate) use delete_object::DeleteObject;
pub(crate) use get_bucket_location::GetBucketLocation;
pub(crate) use get_object::GetObject;
pub(crate) use head_bucket::HeadBucket;
pub(crate) use head_object::HeadObject;
pub(crate) use list_buckets::ListBuckets;
pub(crate) use put_object::PutObject;
