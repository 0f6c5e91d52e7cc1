//! One file per operation, or per pair that reads and writes one thing; in `lib.rs` is their table.

mod abort_multipart_upload;
mod ask_cors;
mod bucket_abac;
mod bucket_accelerate;
mod bucket_acl;
mod bucket_cors;
mod bucket_encryption;
mod bucket_lifecycle;
mod bucket_logging;
mod bucket_notification;
mod bucket_policy;
mod bucket_replication;
mod bucket_request_payment;
mod bucket_tagging;
mod bucket_versioning;
mod bucket_website;
mod complete_multipart_upload;
mod copy_object;
mod create_bucket;
mod create_multipart_upload;
mod delete_bucket;
mod delete_object;
mod delete_objects;
mod entry;
mod get_bucket_location;
mod get_object;
mod get_object_attributes;
mod head_bucket;
mod head_object;
mod input;
mod list_buckets;
mod list_multipart_uploads;
mod list_object_versions;
mod list_objects;
mod list_objects_v2;
mod list_parts;
mod listed_configurations;
mod object_acl;
mod object_legal_hold;
mod object_lock_configuration;
mod object_retention;
mod object_tagging;
mod on_bucket;
mod ownership_controls;
mod post_object;
mod public_access_block;
mod put_object;
mod restore_object;
mod upload_part;
mod upload_part_copy;
mod visit_website;

pub(crate) use abort_multipart_upload::AbortMultipartUpload;
pub(crate) use ask_cors::AskCors;
pub(crate) use bucket_abac::{GetBucketAbac, PutBucketAbac};
pub(crate) use bucket_accelerate::{GetBucketAccelerateConfiguration, PutBucketAccelerateConfiguration};
pub(crate) use bucket_acl::{GetBucketAcl, PutBucketAcl};
pub(crate) use bucket_cors::{DeleteBucketCors, GetBucketCors, PutBucketCors};
pub(crate) use bucket_encryption::{DeleteBucketEncryption, GetBucketEncryption, PutBucketEncryption};
pub(crate) use bucket_lifecycle::{
    DeleteBucketLifecycle, GetBucketLifecycleConfiguration, PutBucketLifecycleConfiguration,
};
pub(crate) use bucket_logging::{GetBucketLogging, PutBucketLogging};
pub(crate) use bucket_notification::{
    GetBucketNotificationConfiguration, PutBucketNotificationConfiguration,
};
pub(crate) use bucket_policy::{DeleteBucketPolicy, GetBucketPolicy, GetBucketPolicyStatus, PutBucketPolicy};
pub(crate) use bucket_replication::{DeleteBucketReplication, GetBucketReplication, PutBucketReplication};
pub(crate) use bucket_request_payment::{GetBucketRequestPayment, PutBucketRequestPayment};
pub(crate) use bucket_tagging::{DeleteBucketTagging, GetBucketTagging, PutBucketTagging};
pub(crate) use bucket_versioning::{GetBucketVersioning, PutBucketVersioning};
pub(crate) use bucket_website::{DeleteBucketWebsite, GetBucketWebsite, PutBucketWebsite};
pub(crate) use complete_multipart_upload::CompleteMultipartUpload;
pub(crate) use copy_object::CopyObject;
pub(crate) use create_bucket::CreateBucket;
pub(crate) use create_multipart_upload::CreateMultipartUpload;
pub(crate) use delete_bucket::DeleteBucket;
pub(crate) use delete_object::DeleteObject;
pub(crate) use delete_objects::DeleteObjects;
pub(crate) use get_bucket_location::GetBucketLocation;
pub(crate) use get_object::GetObject;
pub(crate) use get_object_attributes::GetObjectAttributes;
pub(crate) use head_bucket::HeadBucket;
pub(crate) use head_object::HeadObject;
pub(crate) use list_buckets::ListBuckets;
pub(crate) use list_multipart_uploads::ListMultipartUploads;
pub(crate) use list_object_versions::ListObjectVersions;
pub(crate) use list_objects::ListObjects;
pub(crate) use list_objects_v2::ListObjectsV2;
pub(crate) use list_parts::ListParts;
pub(crate) use listed_configurations::{
    DeleteBucketAnalyticsConfiguration, DeleteBucketIntelligentTieringConfiguration,
    DeleteBucketInventoryConfiguration, DeleteBucketMetricsConfiguration, GetBucketAnalyticsConfiguration,
    GetBucketIntelligentTieringConfiguration, GetBucketInventoryConfiguration, GetBucketMetricsConfiguration,
    ListBucketAnalyticsConfigurations, ListBucketIntelligentTieringConfigurations,
    ListBucketInventoryConfigurations, ListBucketMetricsConfigurations, PutBucketAnalyticsConfiguration,
    PutBucketIntelligentTieringConfiguration, PutBucketInventoryConfiguration, PutBucketMetricsConfiguration,
};
pub(crate) use object_acl::{GetObjectAcl, PutObjectAcl};
pub(crate) use object_legal_hold::{GetObjectLegalHold, PutObjectLegalHold};
pub(crate) use object_lock_configuration::{GetObjectLockConfiguration, PutObjectLockConfiguration};
pub(crate) use object_retention::{GetObjectRetention, PutObjectRetention};
pub(crate) use object_tagging::{DeleteObjectTagging, GetObjectTagging, PutObjectTagging};
pub(crate) use ownership_controls::{
    DeleteBucketOwnershipControls, GetBucketOwnershipControls, PutBucketOwnershipControls,
};
pub(crate) use post_object::PostObject;
pub(crate) use public_access_block::{DeletePublicAccessBlock, GetPublicAccessBlock, PutPublicAccessBlock};
pub(crate) use put_object::PutObject;
pub(crate) use restore_object::RestoreObject;
pub(crate) use upload_part::UploadPart;
pub(crate) use upload_part_copy::UploadPartCopy;
pub(crate) use visit_website::VisitWebsite;
