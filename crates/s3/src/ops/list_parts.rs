use serde::Serialize;
use service::{Arn, Context, Operation, Result};
use wire::Timestamp;

use super::input::input;
use crate::integrity::{DEFAULT, Sums};
use crate::listing;
use crate::owner::Owner;
use crate::versions;
use crate::{S3, upload};

input! {
    ListParts: {
        upload_id: String,
        max_parts: Option<i64>,
        part_number_marker: Option<i64>,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    bucket: String,
    key: String,
    upload_id: String,
    part_number_marker: u16,
    next_part_number_marker: u16,
    max_parts: usize,
    is_truncated: bool,
    parts: Vec<Part>,
    initiator: Owner,
    owner: Owner,
    storage_class: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum_algorithm: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum_type: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Part {
    part_number: u16,
    last_modified: Timestamp,
    #[serde(rename = "ETag")]
    etag: String,
    size: u64,
    #[serde(flatten)]
    sums: Sums,
}

impl Operation for ListParts {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "ListParts";
    const ACTION: &'static str = "ListMultipartUploadParts";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::object(&self.bucket, &self.key)
    }

    async fn run(self, _: &S3, cx: &Context) -> Result<Output> {
        versions::check_key(&self.key)?;
        let limit = listing::limit(self.max_parts, "max-parts")?;
        let marker = self.part_number_marker.unwrap_or(0);
        let after = u16::try_from(marker).map_err(|_| {
            let text = "Argument part-number-marker must be an integer between 0 and 10000";
            crate::error::invalid_argument(text, "part-number-marker", &marker.to_string())
        })?;
        let state = upload::State::read(cx, self.target(), &self.upload_id).await?;
        let checksum = state.upload.object.checksum.clone();
        let algorithm = checksum.as_ref().map_or(DEFAULT, |checksum| checksum.algorithm);
        let mut parts = state.parts().await?;
        parts.retain(|part| part.number > after);
        let is_truncated = parts.len() > limit;
        parts.truncate(limit);
        let owner = Owner::of(state.account());
        Ok(Output {
            bucket: self.bucket,
            key: self.key,
            upload_id: self.upload_id,
            part_number_marker: after,
            next_part_number_marker: parts.last().map_or(after, |part| part.number),
            max_parts: limit,
            is_truncated,
            parts: parts
                .into_iter()
                .map(|part| Part {
                    part_number: part.number,
                    last_modified: Timestamp::from_epoch_millis(part.modified_epoch_millis),
                    etag: format!("\"{}\"", part.etag()),
                    size: part.piece.size,
                    sums: Sums::of_part(Some(&(algorithm, part.checksum))),
                })
                .collect(),
            initiator: owner.clone(),
            owner,
            storage_class: state.upload.object.storage_class().to_owned(),
            checksum_algorithm: checksum.as_ref().map(|checksum| checksum.algorithm.name()),
            checksum_type: checksum.as_ref().map(|checksum| checksum.kind.name()),
        })
    }
}
