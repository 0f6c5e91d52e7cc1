use serde::Serialize;
use service::{Arn, Context, Demand, Operation, Result};
use wire::Timestamp;

use super::input::input;
use super::put_object::describe_received;
use crate::content::{self, Expected};
use crate::describe::apply_lock;
use crate::encryption::{Shown, apply_default};
use crate::error::{invalid_argument, invalid_request};
use crate::events::Cause;
use crate::integrity::{Sums, parse_algorithm};
use crate::object::{Encryption, Object};
use crate::source::Source;
use crate::versions::{self, Draft};
use crate::{S3, access, bucket, demands, lifecycle};

input! {
    CopyObject: source, new_object, conditions {
        metadata_directive: Option<String>,
        tagging_directive: Option<String>,
        checksum_algorithm: Option<String>,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    copy_object_result: CopyObjectResult,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
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

    fn demands(&self, _: &Context) -> Vec<Demand> {
        let mut demands = self.new_object().demands();
        if let Some(put) = demands.first_mut() {
            let keys = [
                ("s3:x-amz-copy-source", Some(self.copy_source.as_str())),
                ("s3:x-amz-metadata-directive", self.metadata_directive.as_deref()),
            ];
            put.keys.extend(
                keys.into_iter().filter_map(|(name, value)| Some((name.into(), vec![value?.to_owned()]))),
            );
        }
        demands.extend(demands::on_source(&self.copy_source));
        demands
    }

    async fn run(mut self, s3: &S3, cx: &Context) -> Result<Output> {
        versions::check_key(&self.key)?;
        let source = Source::parse(&self.copy_source)?;
        let directive = self.metadata_directive.as_deref();
        let metadata = Directive::read(directive, "metadata", "x-amz-metadata-directive")?;
        let directive = self.tagging_directive.as_deref();
        let tagging = Directive::read(directive, "tagging", "x-amz-tagging-directive")?;
        let algorithm = self.checksum_algorithm.as_deref().map(parse_algorithm).transpose()?;
        let changes_nothing = metadata == Directive::Copy
            && self.storage_class.is_none()
            && self.website_redirect_location.is_none()
            && self.server_side_encryption.is_none()
            && self.sse_customer_algorithm.is_none();
        let is_itself = source.bucket == self.bucket && source.key == self.key;
        let (read, source_key) = source.open(cx, &self.source()).await?;
        let keeps_encryption = read.object.encryption == Encryption::None;
        if is_itself && changes_nothing && keeps_encryption && source.version_id.is_none() {
            let text = "This copy request is illegal because it is trying to copy an object to itself without changing the \
                        object's metadata, storage class, website redirect location or encryption attributes.";
            return Err(invalid_request(text).into());
        }
        crate::source::check_size(read.object.size)?;
        let mut object = self.description().into_object(cx.now())?;
        take_from_source(&mut object, &read.object, metadata, tagging);
        let key = self.encryption().apply(&mut object)?;
        let target = self.target();
        let bucket = bucket::load(cx, target.bucket, target.expected_owner).await?;
        object.acl = access::acl_of_new_object(cx, &bucket, self.grants()).await?;
        let algorithm = algorithm.or(read.object.checksum.as_ref().map(|checksum| checksum.algorithm));
        let expected = Expected { kept: algorithm, key, ..Expected::default() };
        let whole = 0..read.object.size;
        let stream = content::send(s3, cx, &read.bucket.owner, &read.object, whole, source_key).await?;
        let received = content::receive(s3, cx, Some(stream), &expected).await?;
        describe_received(&mut object, &received);
        let conditions = self.conditions();
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
            expiration: lifecycle::expiration_header(cx, &written.bucket, &self.key, &written.object).await?,
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
