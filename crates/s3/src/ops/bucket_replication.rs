use serde::{Deserialize, Serialize};
use service::{Context, Empty, Result};
use wire::Document;

use super::on_bucket::{on_bucket, put_on_bucket};
use crate::bucket::{self, Bucket, Versioning};
use crate::configuration::{self, REPLICATION};
use crate::error::{Error, invalid_request, malformed_xml};

const RULES_MAX: usize = 1_000;

/// Where objects would be copied to; kept and answered as it was sent.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Replication {
    role: String,
    rules: Vec<Document>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    replication_configuration: Replication,
}

put_on_bucket!(
    PutBucketReplication,
    "PutReplicationConfiguration",
    "ReplicationConfiguration": Replication,
    put
);
on_bucket!(GetBucketReplication, "GetReplicationConfiguration", get => Output);
on_bucket!(DeleteBucketReplication, "PutReplicationConfiguration", delete => Empty);

async fn put(cx: &Context, bucket: Bucket, mut replication: Replication) -> Result<()> {
    if replication.rules.is_empty() || replication.rules.len() > RULES_MAX {
        return Err(malformed_xml().into());
    }
    if bucket.versioning != Versioning::Enabled {
        let text = "Versioning must be 'Enabled' on the bucket to apply a replication configuration";
        return Err(invalid_request(text).into());
    }
    for rule in &mut replication.rules {
        let target = rule.get("Destination").and_then(|to| to.get("Bucket")).and_then(Document::as_str);
        let name = target.and_then(|arn| arn.strip_prefix("arn:aws:s3:::"));
        let name = name.ok_or_else(|| Error::new("InvalidArgument", 400, "Invalid bucket ARN."))?;
        let found = bucket::load(cx, name, None).await;
        let found = found.map_err(|_| invalid_request("Destination bucket must exist."))?;
        if found.versioning != Versioning::Enabled {
            return Err(invalid_request("Destination bucket must have versioning enabled.").into());
        }
        if let Document::Map(members) = rule
            && !members.contains_key("ID")
        {
            members.insert("ID".into(), cx.platform().ids().uuid().into());
        }
    }
    configuration::put(cx, &bucket.name, None, REPLICATION, &replication).await
}

async fn get(cx: &Context, bucket: Bucket) -> Result<Output> {
    let text = "The replication configuration was not found";
    let missing = || Error::new("ReplicationConfigurationNotFoundError", 404, text);
    let found = configuration::get(cx, &bucket, REPLICATION).await?;
    let replication_configuration = found.ok_or_else(|| missing().with("BucketName", bucket.name))?;
    Ok(Output { replication_configuration })
}

async fn delete(cx: &Context, bucket: Bucket) -> Result<Empty> {
    configuration::remove(cx, &bucket.name, None, REPLICATION).await?;
    Ok(Empty)
}
