//! S3: buckets, objects and their versions.
//!
//! * Bucket names are unique in the installation; what a bucket holds belongs to its owner's account, in no region.
//!   [`tables`] says where everything lies.
//! * An object is a compact [row](object) per version. Small payloads stand in rows, larger ones are blobs; a payload is
//!   visible only when it was received whole, is what the client said, and its row is durable.
//! * A change of an object, of the versions behind it, and the posts it causes are one commit: see [`versions`] and
//!   [`events`].
//! * Configurations of buckets are rows of their own: see [`configuration`].
//!
//! This crate must not know HTTP, XML, signatures or any other service.

mod access;
mod acl;
mod archive;
mod arn;
mod bucket;
mod bucket_policy;
mod conditions;
mod configuration;
mod content;
mod cors;
mod default_encryption;
mod demands;
mod describe;
mod encryption;
mod error;
mod events;
mod head;
mod integrity;
mod lifecycle;
mod limits;
mod listing;
mod lock;
mod notification;
mod object;
mod ops;
mod owner;
mod payloads;
mod post_policy;
mod public_access;
mod range;
mod reset;
mod resource_policy;
mod source;
mod tables;
mod tagging;
#[cfg(test)]
mod tests;
mod upload;
mod versions;
mod website;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use service::{Definition, Platform, operations};
use tokio::sync::{Mutex, Notify};

use lifecycle::expiry::{self, Expiry};
use ops::*;
use payloads::{Pins, Run};
use upload::clearing::{self, Clearing};
use versions::Target;

/// Locks that rivals for one key share.
const TURNS: usize = 256;

/// The state of the service beside the store.
#[derive(Clone)]
pub struct S3 {
    turns: Arc<[Mutex<()>]>,
    clearing: Arc<Notify>,
    pins: Arc<Pins>,
    run: Run,
}

impl S3 {
    /// Starts the workers in the background.
    pub fn new(platform: &Arc<Platform>) -> Self {
        let s3 = Self::without_workers();
        let clearing = Clearing::new(platform.clone(), s3.pins.clone(), s3.run);
        // The worker ends with the process; nobody waits for it.
        let _ =
            platform.tasks().spawn_worker(&clearing::KIND, clearing, s3.clearing.clone(), clearing::EVERY);
        let expiry = Expiry::new(platform.clone(), s3.clone());
        let _ = platform.tasks().spawn_worker(&expiry::KIND, expiry, Arc::default(), expiry::EVERY);
        s3
    }

    fn without_workers() -> Self {
        S3 {
            turns: (0..TURNS).map(|_| Mutex::new(())).collect(),
            clearing: Arc::default(),
            pins: Arc::default(),
            run: Run::this(),
        }
    }

    /// An upload is over, or a payload was freed.
    fn clear_soon(&self) {
        self.clearing.notify_one();
    }

    fn turn_of(&self, target: Target<'_>) -> &Mutex<()> {
        let mut hasher = DefaultHasher::new();
        (target.bucket, target.key).hash(&mut hasher);
        &self.turns[(hasher.finish() % TURNS as u64) as usize]
    }
}

/// The operations of S3.
pub static DEFINITION: Definition<S3> = Definition {
    name: "s3",
    action_prefix: "s3",
    operations: operations![
        AbortMultipartUpload,
        CompleteMultipartUpload,
        CopyObject,
        CreateBucket,
        CreateMultipartUpload,
        DeleteBucket,
        DeleteBucketAnalyticsConfiguration,
        DeleteBucketCors,
        DeleteBucketEncryption,
        DeleteBucketIntelligentTieringConfiguration,
        DeleteBucketInventoryConfiguration,
        DeleteBucketLifecycle,
        DeleteBucketMetricsConfiguration,
        DeleteBucketOwnershipControls,
        DeleteBucketPolicy,
        DeleteBucketReplication,
        DeleteBucketTagging,
        DeleteBucketWebsite,
        DeleteObject,
        DeleteObjectTagging,
        DeleteObjects,
        DeletePublicAccessBlock,
        GetBucketAbac,
        GetBucketAccelerateConfiguration,
        GetBucketAcl,
        GetBucketAnalyticsConfiguration,
        GetBucketCors,
        GetBucketEncryption,
        GetBucketIntelligentTieringConfiguration,
        GetBucketInventoryConfiguration,
        GetBucketLifecycleConfiguration,
        GetBucketLocation,
        GetBucketLogging,
        GetBucketMetricsConfiguration,
        GetBucketNotificationConfiguration,
        GetBucketOwnershipControls,
        GetBucketPolicy,
        GetBucketPolicyStatus,
        GetBucketReplication,
        GetBucketRequestPayment,
        GetBucketTagging,
        GetBucketVersioning,
        GetBucketWebsite,
        GetObject,
        GetObjectAcl,
        GetObjectAttributes,
        GetObjectLegalHold,
        GetObjectLockConfiguration,
        GetObjectRetention,
        GetObjectTagging,
        GetPublicAccessBlock,
        HeadBucket,
        HeadObject,
        ListBucketAnalyticsConfigurations,
        ListBucketIntelligentTieringConfigurations,
        ListBucketInventoryConfigurations,
        ListBucketMetricsConfigurations,
        ListBuckets,
        ListMultipartUploads,
        ListObjectVersions,
        ListObjects,
        ListObjectsV2,
        ListParts,
        PutBucketAbac,
        PutBucketAccelerateConfiguration,
        PutBucketAcl,
        PutBucketAnalyticsConfiguration,
        PutBucketCors,
        PutBucketEncryption,
        PutBucketIntelligentTieringConfiguration,
        PutBucketInventoryConfiguration,
        PutBucketLifecycleConfiguration,
        PutBucketLogging,
        PutBucketMetricsConfiguration,
        PutBucketNotificationConfiguration,
        PutBucketOwnershipControls,
        PutBucketPolicy,
        PutBucketReplication,
        PutBucketRequestPayment,
        PutBucketTagging,
        PutBucketVersioning,
        PutBucketWebsite,
        PutObject,
        PutObjectAcl,
        PutObjectLegalHold,
        PutObjectLockConfiguration,
        PutObjectRetention,
        PutObjectTagging,
        PutPublicAccessBlock,
        RestoreObject,
        UploadPart,
        UploadPartCopy,
    ],
    internal: operations![AskCors, PostObject, VisitWebsite],
    reset: reset::reset,
};
