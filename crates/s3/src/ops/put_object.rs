use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};
use wire::{Map, Timestamp};

use crate::acl::GrantHeaders;
use crate::conditions::WriteConditions;
use crate::content;
use crate::describe::{Description, LockRequest, apply_lock};
use crate::encryption::{CustomerRequest, EncryptionRequest, Shown, apply_default};
use crate::events::Cause;
use crate::integrity::{Claims, Sums};
use crate::object::{Checksum, ChecksumKind, Content};
use crate::versions::{self, Draft, Target};
use crate::{S3, access, bucket};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutObject {
    bucket: String,
    key: String,
    cache_control: Option<String>,
    content_disposition: Option<String>,
    content_encoding: Option<String>,
    content_language: Option<String>,
    content_type: Option<String>,
    expires: Option<String>,
    website_redirect_location: Option<String>,
    #[serde(default)]
    metadata: Map,
    tagging: Option<String>,
    storage_class: Option<String>,
    object_lock_mode: Option<String>,
    object_lock_retain_until_date: Option<Timestamp>,
    object_lock_legal_hold_status: Option<String>,
    #[serde(rename = "ContentMD5")]
    content_md5: Option<String>,
    checksum_algorithm: Option<String>,
    #[serde(rename = "ChecksumCRC32")]
    checksum_crc32: Option<String>,
    #[serde(rename = "ChecksumCRC32C")]
    checksum_crc32c: Option<String>,
    #[serde(rename = "ChecksumCRC64NVME")]
    checksum_crc64nvme: Option<String>,
    #[serde(rename = "ChecksumSHA1")]
    checksum_sha1: Option<String>,
    #[serde(rename = "ChecksumSHA256")]
    checksum_sha256: Option<String>,
    server_side_encryption: Option<String>,
    #[serde(rename = "SSEKMSKeyId")]
    ssekms_key_id: Option<String>,
    #[serde(rename = "SSECustomerAlgorithm")]
    sse_customer_algorithm: Option<String>,
    #[serde(rename = "SSECustomerKey")]
    sse_customer_key: Option<String>,
    #[serde(rename = "SSECustomerKeyMD5")]
    sse_customer_key_md5: Option<String>,
    #[serde(rename = "ACL")]
    acl: Option<String>,
    grant_full_control: Option<String>,
    grant_read: Option<String>,
    #[serde(rename = "GrantReadACP")]
    grant_read_acp: Option<String>,
    #[serde(rename = "GrantWriteACP")]
    grant_write_acp: Option<String>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    #[serde(rename = "ETag")]
    etag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    #[serde(flatten)]
    sums: Sums,
    #[serde(flatten)]
    encryption: Shown,
}

impl Operation for PutObject {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "PutObject";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::object(&self.bucket, &self.key)
    }

    async fn run(self, s3: &S3, cx: &Context) -> Result<Output> {
        self.store(s3, cx, Cause::Put).await
    }
}

impl PutObject {
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Stores the payload of the request; `cause` is what its event is called.
    pub(crate) async fn store(self, s3: &S3, cx: &Context, cause: Cause) -> Result<Output> {
        versions::check_key(&self.key)?;
        let target = Target {
            bucket: &self.bucket,
            key: &self.key,
            expected_owner: self.expected_bucket_owner.as_deref(),
        };
        let claims = Claims {
            content_md5: self.content_md5,
            algorithm: self.checksum_algorithm,
            crc32: self.checksum_crc32,
            crc32c: self.checksum_crc32c,
            crc64nvme: self.checksum_crc64nvme,
            sha1: self.checksum_sha1,
            sha256: self.checksum_sha256,
        };
        let description = Description {
            content_type: self.content_type,
            cache_control: self.cache_control,
            content_disposition: self.content_disposition,
            content_encoding: self.content_encoding,
            content_language: self.content_language,
            expires: self.expires,
            website_redirect_location: self.website_redirect_location,
            metadata: self.metadata,
            tagging: self.tagging,
            storage_class: self.storage_class,
            lock: LockRequest {
                mode: self.object_lock_mode,
                retain_until: self.object_lock_retain_until_date,
                legal_hold: self.object_lock_legal_hold_status,
            },
        };
        let mut object = description.into_object(cx.now())?;
        let encryption = EncryptionRequest {
            server_side_encryption: self.server_side_encryption,
            kms_key_id: self.ssekms_key_id,
            customer: CustomerRequest {
                algorithm: self.sse_customer_algorithm,
                key: self.sse_customer_key,
                key_md5: self.sse_customer_key_md5,
            },
        };
        let expected = claims.read(encryption.apply(&mut object)?)?;
        // Nobody should send gigabytes to a bucket that is not there.
        let bucket = bucket::load(cx, &self.bucket, self.expected_bucket_owner.as_deref()).await?;
        let grants = GrantHeaders {
            canned: self.acl.as_deref(),
            full_control: self.grant_full_control.as_deref(),
            read: self.grant_read.as_deref(),
            read_acp: self.grant_read_acp.as_deref(),
            write: None,
            write_acp: self.grant_write_acp.as_deref(),
        };
        object.acl = access::acl_of_new_object(cx, &bucket, grants).await?;
        let received = content::receive(s3, cx, cx.take_body(), &expected).await?;
        object.size = received.piece.size;
        object.etag = hex::encode(received.md5);
        object.content = Content::Piece(received.piece.clone());
        object.checksum = received.checksum.clone().map(|(algorithm, value)| Checksum {
            algorithm,
            kind: ChecksumKind::FullObject,
            value,
        });
        let conditions = WriteConditions {
            if_match: self.if_match.as_deref(),
            if_none_match: self.if_none_match.as_deref(),
            ..WriteConditions::default()
        };
        let written = versions::write(
            s3,
            cx,
            target,
            Draft { object, cause },
            |bucket, present, object| {
                conditions.check(&self.key, present)?;
                apply_default(bucket, object);
                apply_lock(bucket, cx.now(), object)
            },
            |bucket, commit| received.add_to(&bucket.owner, commit),
        )
        .await;
        let written = content::keep_or_discard(cx, received, written).await?;
        Ok(Output {
            etag: written.object.quoted_etag(),
            version_id: written.version_id(),
            sums: Sums::of(written.object.checksum.as_ref()),
            encryption: Shown::of(&written.object.encryption),
        })
    }
}
