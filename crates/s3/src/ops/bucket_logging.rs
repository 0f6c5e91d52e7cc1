use serde::{Deserialize, Serialize};
use service::{Context, Result};
use wire::Document;

use super::on_bucket::{on_bucket, put_on_bucket};
use crate::bucket::{self, Bucket};
use crate::configuration::{self, LOGGING};
use crate::error::Error;

/// Where access logs would go; none switches logging off. Kept and answered as it was sent.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Logging {
    #[serde(skip_serializing_if = "Option::is_none")]
    logging_enabled: Option<Document>,
}

put_on_bucket!(PutBucketLogging, "PutBucketLogging", "BucketLoggingStatus": Logging, put);
on_bucket!(GetBucketLogging, "GetBucketLogging", get => Logging);

async fn put(cx: &Context, bucket: Bucket, logging: Logging) -> Result<()> {
    let Some(enabled) = &logging.logging_enabled else {
        return configuration::remove(cx, &bucket.name, None, LOGGING).await;
    };
    let target = enabled.get("TargetBucket").and_then(Document::as_str).unwrap_or("");
    let refused =
        |text: &str| Error::new("InvalidTargetBucketForLogging", 400, text).with("TargetBucket", target);
    let found = bucket::load(cx, target, None).await;
    let found = found.map_err(|_| refused("The target bucket for logging does not exist"))?;
    if found.owner != bucket.owner {
        return Err(
            refused("The owner for the bucket to be logged and the target bucket must be the same.").into()
        );
    }
    if found.region != bucket.region {
        return Err(Error::new(
            "CrossLocationLoggingProhibited",
            403,
            "Cross S3 location logging not allowed.",
        )
        .into());
    }
    configuration::put(cx, &bucket.name, None, LOGGING, &logging).await
}

async fn get(cx: &Context, bucket: Bucket) -> Result<Logging> {
    Ok(configuration::get(cx, &bucket, LOGGING).await?.unwrap_or_default())
}
