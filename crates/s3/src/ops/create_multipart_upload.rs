use serde::Serialize;
use service::{Arn, Context, Demand, Operation, Result};
use wire::{ChecksumAlgorithm, Timestamp};

use super::input::input;
use crate::describe::apply_lock;
use crate::encryption::{Shown, apply_default};
use crate::error::invalid_request;
use crate::integrity::parse_algorithm;
use crate::object::{Checksum, ChecksumKind};
use crate::versions;
use crate::{S3, access, bucket, lifecycle, upload};

input! {
    CreateMultipartUpload: new_object {
        checksum_algorithm: Option<String>,
        checksum_type: Option<String>,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    bucket: String,
    key: String,
    upload_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    abort_date: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    abort_rule_id: Option<String>,
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

    fn demands(&self, _: &Context) -> Vec<Demand> {
        self.new_object().demands()
    }

    async fn run(mut self, _: &S3, cx: &Context) -> Result<Output> {
        versions::check_key(&self.key)?;
        let checksum = checksum(self.checksum_algorithm.as_deref(), self.checksum_type.as_deref())?;
        let mut object = self.description().into_object(cx.now())?;
        self.encryption().apply(&mut object)?;
        let target = self.target();
        let bucket = bucket::load(cx, target.bucket, target.expected_owner).await?;
        object.acl = access::acl_of_new_object(cx, &bucket, self.grants()).await?;
        object.checksum = checksum.clone();
        let (id, object) = upload::begin(cx, target, object, |bucket, object| {
            apply_default(bucket, object);
            apply_lock(bucket, cx.now(), object)
        })
        .await?;
        let abort = lifecycle::abort_due(cx, &bucket, &self.key).await?;
        Ok(Output {
            abort_date: abort.as_ref().map(|due| due.at),
            abort_rule_id: abort.map(|due| due.rule_id),
            upload_id: id,
            checksum_algorithm: checksum.as_ref().map(|checksum| checksum.algorithm.name()),
            checksum_type: checksum.as_ref().map(|checksum| checksum.kind.name()),
            encryption: Shown::of(&object.encryption),
            bucket: self.bucket,
            key: self.key,
        })
    }
}

/// Which checksum the object will have; its value comes with the parts.
fn checksum(algorithm: Option<&str>, kind: Option<&str>) -> Result<Option<Checksum>> {
    let Some(algorithm) = algorithm.map(parse_algorithm).transpose()? else {
        if kind.is_some() {
            let text =
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.";
            return Err(invalid_request(text).into());
        }
        return Ok(None);
    };
    let kind = match (kind, algorithm) {
        (None, ChecksumAlgorithm::Crc64Nvme) => ChecksumKind::FullObject,
        (None, _) => ChecksumKind::Composite,
        (Some("FULL_OBJECT"), algorithm) if algorithm.is_linear() => ChecksumKind::FullObject,
        (Some("COMPOSITE"), algorithm) if algorithm != ChecksumAlgorithm::Crc64Nvme => {
            ChecksumKind::Composite
        }
        (Some(kind), algorithm) => {
            let name = algorithm.name().to_ascii_lowercase();
            let text = format!("The {kind} checksum type cannot be used with the {name} checksum algorithm.");
            return Err(invalid_request(text).into());
        }
    };
    Ok(Some(Checksum { algorithm, kind, value: String::new() }))
}
