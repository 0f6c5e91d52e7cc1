use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use service::{Arn, Context, Demand, Failure, Operation, Result};
use wire::Timestamp;

use crate::conditions::WriteConditions;
use crate::demands::{allowed, on_version};
use crate::error::malformed_xml;
use crate::limits::{BATCH_AT_ONCE, BATCH_KEYS_MAX};
use crate::versions::{self, Causes, Removed, Target};
use crate::{S3, bucket, lock};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteObjects {
    bucket: String,
    delete: Delete,
    #[serde(default)]
    bypass_governance_retention: bool,
    expected_bucket_owner: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Delete {
    objects: Vec<Identifier>,
    #[serde(default)]
    quiet: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Identifier {
    key: String,
    version_id: Option<String>,
    #[serde(rename = "ETag")]
    etag: Option<String>,
    last_modified_time: Option<Timestamp>,
    size: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    deleted: Vec<Deleted>,
    errors: Vec<Error>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Deleted {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete_marker: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete_marker_version_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Error {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    code: String,
    message: String,
}

impl Operation for DeleteObjects {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "DeleteObjects";
    const ACTION: &'static str = "DeleteObject";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::bucket(&self.bucket)
    }

    /// Each key is asked about by itself: what is not allowed is an error beside what was deleted.
    fn demands(&self, _: &Context) -> Vec<Demand> {
        Vec::new()
    }

    async fn run(self, s3: &S3, cx: &Context) -> Result<Output> {
        if self.delete.objects.is_empty() || self.delete.objects.len() > BATCH_KEYS_MAX {
            return Err(malformed_xml().into());
        }
        bucket::load(cx, &self.bucket, self.expected_bucket_owner.as_deref()).await?;
        let bypass = self.bypass_governance_retention;
        let name = self.bucket.as_str();
        let results = futures_util::stream::iter(self.delete.objects)
            .map(|identifier| async move {
                let removed = remove(s3, cx, name, &identifier, bypass).await;
                (identifier, removed)
            })
            .buffered(BATCH_AT_ONCE);
        let mut results = std::pin::pin!(results);
        let mut output = Output { deleted: Vec::new(), errors: Vec::new() };
        while let Some((identifier, removed)) = results.next().await {
            match removed {
                Ok(removed) if !self.delete.quiet => output.deleted.push(deleted(identifier, removed)),
                Ok(_) => {}
                Err(Failure::Modelled(reply)) => output.errors.push(Error {
                    key: identifier.key,
                    version_id: identifier.version_id,
                    code: reply.code,
                    message: reply.message,
                }),
                Err(failure) => return Err(failure),
            }
        }
        Ok(output)
    }
}

async fn remove(
    s3: &S3,
    cx: &Context,
    bucket: &str,
    identifier: &Identifier,
    bypass: bool,
) -> Result<Removed> {
    let target = Target { bucket, key: &identifier.key, expected_owner: None };
    let version = identifier.version_id.as_deref().filter(|id| !id.is_empty());
    let demand = on_version("s3:DeleteObject", "s3:DeleteObjectVersion", target, version);
    let mut demands = vec![demand];
    if bypass {
        demands.push(Demand::new("s3:BypassGovernanceRetention", crate::arn::object(bucket, target.key)));
    }
    allowed(cx, DeleteObjects::NAME, demands).await?;
    versions::check_key(&identifier.key)?;
    let version = version.map(versions::parse_version_id).transpose()?;
    let conditions = WriteConditions {
        if_match: identifier.etag.as_deref(),
        if_match_modified: identifier.last_modified_time,
        if_match_size: identifier.size,
        ..WriteConditions::default()
    };
    let is_permanent = version.is_some();
    let removed = versions::remove(s3, cx, target, version, Causes::REQUEST, |_, object| {
        conditions.check(&identifier.key, object)?;
        match object {
            Some(object) if is_permanent => lock::check_removal(object, cx.now(), bypass),
            _ => Ok(()),
        }
    });
    removed.await
}

fn deleted(identifier: Identifier, removed: Removed) -> Deleted {
    let marker = removed.version_id.filter(|_| removed.delete_marker == Some(true));
    Deleted {
        key: identifier.key,
        version_id: identifier.version_id,
        delete_marker: removed.delete_marker,
        delete_marker_version_id: marker,
    }
}
