use serde::Serialize;
use service::{Arn, Context, Demand, Operation, Result};
use wire::Timestamp;

use super::input::input;
use crate::demands::{hide_what_is_missing, on_version};
use crate::error::invalid_argument;
use crate::integrity::Sums;
use crate::object::Content;
use crate::versions::{self, Read};
use crate::{S3, content, encryption, listing};

input! {
    GetObjectAttributes: customer {
        version_id: Option<String>,
        object_attributes: Vec<String>,
        max_parts: Option<i64>,
        part_number_marker: Option<i64>,
    }
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

    fn demands(&self, _: &Context) -> Vec<Demand> {
        let (target, version_id) = (self.target(), self.version_id.as_deref());
        let read = on_version("s3:GetObject", "s3:GetObjectVersion", target, version_id);
        let attributes =
            on_version("s3:GetObjectAttributes", "s3:GetObjectVersionAttributes", target, version_id);
        vec![read, attributes]
    }

    async fn run(mut self, _: &S3, cx: &Context) -> Result<Output> {
        versions::check_key(&self.key)?;
        let customer = self.customer();
        let limit = listing::limit(self.max_parts, "max-parts")?;
        let read = versions::read(cx, self.target(), self.version_id.as_deref()).await;
        let read = hide_what_is_missing(cx, Self::NAME, &self.bucket, read).await?;
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
                sums: Sums::of_part(algorithm.map(|algorithm| (algorithm, part.checksum)).as_ref()),
            })
            .collect(),
    }))
}
