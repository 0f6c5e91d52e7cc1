use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};
use wire::{Map, Timestamp};

use crate::acl::GrantHeaders;
use crate::describe::{Description, LockRequest, apply_lock};
use crate::encryption::{CustomerRequest, EncryptionRequest, Shown, apply_default};
use crate::error::invalid_request;
use crate::object::{Algorithm, Checksum, ChecksumKind};
use crate::versions::{self, Target};
use crate::{S3, access, bucket, upload};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateMultipartUpload {
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
    checksum_algorithm: Option<String>,
    checksum_type: Option<String>,
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
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    bucket: String,
    key: String,
    upload_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum_algorithm: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum_type: Option<&'static str>,
    #[serde(flatten)]
    encryption: Shown,
}

impl Operation for CreateMultipartUpload {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "CreateMultipartUpload";
    const ACTION: &'static str = "PutObject";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::object(&self.bucket, &self.key)
    }

    async fn run(self, _: &S3, cx: &Context) -> Result<Output> {
        versions::check_key(&self.key)?;
        let target = Target {
            bucket: &self.bucket,
            key: &self.key,
            expected_owner: self.expected_bucket_owner.as_deref(),
        };
        let checksum = checksum(self.checksum_algorithm.as_deref(), self.checksum_type.as_deref())?;
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
        let encryption = EncryptionRequest {
            server_side_encryption: self.server_side_encryption,
            kms_key_id: self.ssekms_key_id,
            customer: CustomerRequest {
                algorithm: self.sse_customer_algorithm,
                key: self.sse_customer_key,
                key_md5: self.sse_customer_key_md5,
            },
        };
        let mut object = description.into_object(cx.now())?;
        encryption.apply(&mut object)?;
        let grants = GrantHeaders {
            canned: self.acl.as_deref(),
            full_control: self.grant_full_control.as_deref(),
            read: self.grant_read.as_deref(),
            read_acp: self.grant_read_acp.as_deref(),
            write: None,
            write_acp: self.grant_write_acp.as_deref(),
        };
        let bucket = bucket::load(cx, &self.bucket, self.expected_bucket_owner.as_deref()).await?;
        object.acl = access::acl_of_new_object(cx, &bucket, grants).await?;
        object.checksum = checksum;
        let checksum = object.checksum.clone();
        let mut shown = Shown::of(&object.encryption);
        let id = upload::begin(cx, target, object, |bucket, object| {
            apply_default(bucket, object);
            apply_lock(bucket, cx.now(), object)
        });
        let id = id.await?;
        if shown.customer_algorithm.is_none() {
            let state = upload::State::read(cx, target, &id).await?;
            shown = Shown::of(&state.upload.object.encryption);
        }
        Ok(Output {
            upload_id: id,
            checksum_algorithm: checksum.as_ref().map(|checksum| checksum.algorithm.name()),
            checksum_type: checksum.as_ref().map(|checksum| checksum.kind.name()),
            encryption: shown,
            bucket: self.bucket,
            key: self.key,
        })
    }
}

/// Which checksum the object will have; its value comes with the parts.
fn checksum(algorithm: Option<&str>, kind: Option<&str>) -> Result<Option<Checksum>> {
    let Some(algorithm) = algorithm.map(Algorithm::parse).transpose()? else {
        if kind.is_some() {
            let text =
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.";
            return Err(invalid_request(text).into());
        }
        return Ok(None);
    };
    let kind = match (kind, algorithm) {
        (None, Algorithm::Crc64Nvme) => ChecksumKind::FullObject,
        (None, _) => ChecksumKind::Composite,
        (Some("FULL_OBJECT"), algorithm) if algorithm.is_linear() => ChecksumKind::FullObject,
        (Some("COMPOSITE"), algorithm) if algorithm != Algorithm::Crc64Nvme => ChecksumKind::Composite,
        (Some(kind), algorithm) => {
            let name = algorithm.name().to_ascii_lowercase();
            let text = format!("The {kind} checksum type cannot be used with the {name} checksum algorithm.");
            return Err(invalid_request(text).into());
        }
    };
    Ok(Some(Checksum { algorithm, kind, value: String::new() }))
}
