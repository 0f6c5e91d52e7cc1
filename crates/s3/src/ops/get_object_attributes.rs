use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};
use wire::Timestamp;

use crate::encryption::{self, CustomerRequest};
use crate::error::invalid_argument;
use crate::integrity::Sums;
use crate::object::Content;
use crate::versions::{self, Read, Target};
use crate::{S3, content, listing};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetObjectAttributes {
    bucket: String,
    key: String,
    version_id: Option<String>,
    object_attributes: Vec<String>,
    max_parts: Option<i64>,
    part_number_marker: Option<i64>,
    #[serde(rename = "SSECustomerAlgorithm")]
    sse_customer_algorithm: Option<String>,
    #[serde(rename = "SSECustomerKey")]
    sse_customer_key: Option<String>,
    #[serde(rename = "SSECustomerKeyMD5")]
    sse_customer_key_md5: Option<String>,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    last_modified: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "ETag")]
    etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<Sums>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_parts: Option<Parts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_size: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Parts {
    total_parts_count: u32,
    part_number_marker: u16,
    next_part_number_marker: u16,
    max_parts: usize,
    is_truncated: bool,
    parts: Vec<Part>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Part {
    part_number: u16,
    size: u64,
    #[serde(flatten)]
    sums: Sums,
}

impl Operation for GetObjectAttributes {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "GetObjectAttributes";

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
        let limit = listing::limit(self.max_parts, "max-parts")?;
        let read = versions::read(cx, target, self.version_id.as_deref()).await?;
        let customer = CustomerRequest {
            algorithm: self.sse_customer_algorithm,
            key: self.sse_customer_key,
            key_md5: self.sse_customer_key_md5,
        };
        encryption::key_for(&read.object, &customer)?;
        let mut output = Output {
            last_modified: Timestamp::from_epoch_millis(read.object.modified_epoch_millis),
            version_id: read.version_id(),
            etag: None,
            checksum: None,
            object_parts: None,
            storage_class: None,
            object_size: None,
        };
        for attribute in &self.object_attributes {
            match attribute.as_str() {
                "ETag" => output.etag = Some(read.object.etag.clone()),
                "Checksum" => {
                    output.checksum = read.object.checksum.as_ref().map(|checksum| Sums::of(Some(checksum)));
                }
                "ObjectParts" => {
                    output.object_parts = parts(cx, &read, self.part_number_marker, limit).await?;
                }
                "StorageClass" => output.storage_class = Some(read.object.storage_class().to_owned()),
                "ObjectSize" => output.object_size = Some(read.object.size),
                other => {
                    let text = "Invalid attribute name specified.";
                    return Err(invalid_argument(text, "x-amz-object-attributes", other).into());
                }
            }
        }
        Ok(output)
    }
}

async fn parts(cx: &Context, read: &Read, marker: Option<i64>, limit: usize) -> Result<Option<Parts>> {
    let Content::Parts(id) = &read.object.content else { return Ok(None) };
    let after = marker.and_then(|marker| u16::try_from(marker).ok()).unwrap_or(0);
    let mut parts = content::parts(cx.platform(), &read.bucket.owner, id).await?;
    parts.retain(|part| part.number > after);
    let is_truncated = parts.len() > limit;
    parts.truncate(limit);
    let algorithm = read.object.checksum.as_ref().map(|checksum| checksum.algorithm);
    Ok(Some(Parts {
        total_parts_count: read.object.parts,
        part_number_marker: after,
        next_part_number_marker: parts.last().map_or(after, |part| part.number),
        max_parts: limit,
        is_truncated,
        parts: parts
            .into_iter()
            .map(|part| Part {
                part_number: part.number,
                size: part.piece.size,
                sums: algorithm.map(|algorithm| Sums::value(algorithm, &part.checksum)).unwrap_or_default(),
            })
            .collect(),
    }))
}
