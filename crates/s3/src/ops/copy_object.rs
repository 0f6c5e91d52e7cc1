use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};
use wire::{Map, Timestamp};

use crate::acl::GrantHeaders;
use crate::conditions::{ReadConditions, WriteConditions};
use crate::content::{self, Expected};
use crate::describe::{Description, LockRequest, apply_lock};
use crate::encryption::{CustomerRequest, EncryptionRequest, Shown, apply_default};
use crate::error::{invalid_argument, invalid_request};
use crate::events::Cause;
use crate::integrity::Sums;
use crate::object::{Algorithm, Checksum, ChecksumKind, Content, Encryption, Object};
use crate::source::{Source, SourceRequest};
use crate::versions::{self, Draft, Target};
use crate::{S3, access, bucket};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CopyObject {
    bucket: String,
    key: String,
    copy_source: String,
    copy_source_if_match: Option<String>,
    copy_source_if_none_match: Option<String>,
    copy_source_if_modified_since: Option<Timestamp>,
    copy_source_if_unmodified_since: Option<Timestamp>,
    #[serde(rename = "CopySourceSSECustomerAlgorithm")]
    source_customer_algorithm: Option<String>,
    #[serde(rename = "CopySourceSSECustomerKey")]
    source_customer_key: Option<String>,
    #[serde(rename = "CopySourceSSECustomerKeyMD5")]
    source_customer_key_md5: Option<String>,
    expected_source_bucket_owner: Option<String>,
    metadata_directive: Option<String>,
    tagging_directive: Option<String>,
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
    copy_object_result: CopyObjectResult,
    #[serde(skip_serializing_if = "Option::is_none")]
    copy_source_version_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    #[serde(flatten)]
    encryption: Shown,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CopyObjectResult {
    #[serde(rename = "ETag")]
    etag: String,
    last_modified: Timestamp,
    #[serde(flatten)]
    sums: Sums,
}

/// Whether the copy takes something from its source or from the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Directive {
    Copy,
    Replace,
}

impl Directive {
    fn read(directive: Option<&str>, what: &str, header: &str) -> Result<Self> {
        match directive {
            None | Some("COPY") => Ok(Directive::Copy),
            Some("REPLACE") => Ok(Directive::Replace),
            Some(other) => Err(invalid_argument(format!("Unknown {what} directive."), header, other).into()),
        }
    }
}

impl Operation for CopyObject {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "CopyObject";
    const ACTION: &'static str = "PutObject";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::object(&self.bucket, &self.key)
    }

    async fn run(self, s3: &S3, cx: &Context) -> Result<Output> {
        versions::check_key(&self.key)?;
        let source = Source::parse(&self.copy_source)?;
        let directive = self.metadata_directive.as_deref();
        let metadata = Directive::read(directive, "metadata", "x-amz-metadata-directive")?;
        let directive = self.tagging_directive.as_deref();
        let tagging = Directive::read(directive, "tagging", "x-amz-tagging-directive")?;
        let algorithm = self.checksum_algorithm.as_deref().map(Algorithm::parse).transpose()?;
        let target = Target {
            bucket: &self.bucket,
            key: &self.key,
            expected_owner: self.expected_bucket_owner.as_deref(),
        };
        let changes_nothing = metadata == Directive::Copy
            && self.storage_class.is_none()
            && self.website_redirect_location.is_none()
            && self.server_side_encryption.is_none()
            && self.sse_customer_algorithm.is_none();
        let is_itself = source.bucket == self.bucket && source.key == self.key;
        let request = SourceRequest {
            conditions: ReadConditions {
                if_match: self.copy_source_if_match.as_deref(),
                if_none_match: self.copy_source_if_none_match.as_deref(),
                if_modified_since: self.copy_source_if_modified_since,
                if_unmodified_since: self.copy_source_if_unmodified_since,
            },
            expected_owner: self.expected_source_bucket_owner.as_deref(),
            customer: CustomerRequest {
                algorithm: self.source_customer_algorithm,
                key: self.source_customer_key,
                key_md5: self.source_customer_key_md5,
            },
        };
        let (read, source_key) = source.open(cx, &request).await?;
        let keeps_encryption = read.object.encryption == Encryption::None;
        if is_itself && changes_nothing && keeps_encryption && source.version_id.is_none() {
            let text = "This copy request is illegal because it is trying to copy an object to itself without changing the \
                        object's metadata, storage class, website redirect location or encryption attributes.";
            return Err(invalid_request(text).into());
        }
        crate::source::check_size(read.object.size)?;
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
        take_from_source(&mut object, &read.object, metadata, tagging);
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
        let key = encryption.apply(&mut object)?;
        let algorithm = algorithm.or(read.object.checksum.as_ref().map(|checksum| checksum.algorithm));
        let expected = Expected { algorithm, key, ..Expected::default() };
        let whole = 0..read.object.size;
        let stream = content::send(s3, cx, &read.bucket.owner, &read.object, whole, source_key).await?;
        let received = content::receive(s3, cx, Some(stream), &expected).await?;
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
            Draft { object, cause: Cause::Copy },
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
            copy_object_result: CopyObjectResult {
                etag: written.object.quoted_etag(),
                last_modified: Timestamp::from_epoch_millis(written.object.modified_epoch_millis),
                sums: Sums::of(written.object.checksum.as_ref()),
            },
            copy_source_version_id: read.version_id(),
            version_id: written.version_id(),
            encryption: Shown::of(&written.object.encryption),
        })
    }
}

/// What the request does not replace comes from the source: never its class, its lock or where it redirects to.
fn take_from_source(object: &mut Object, source: &Object, metadata: Directive, tagging: Directive) {
    if metadata == Directive::Copy {
        let redirect = std::mem::take(&mut object.headers.website_redirect_location);
        object.headers = source.headers.clone();
        object.headers.website_redirect_location = redirect;
        object.metadata = source.metadata.clone();
    }
    if tagging == Directive::Copy {
        object.tags = source.tags.clone();
    }
}
