use serde::{Deserialize, Serialize};
use service::{Context, Result};

use super::on_bucket::{on_bucket, put_on_bucket};
use crate::bucket::Bucket;
use crate::configuration::{self, ACCELERATE};
use crate::error::{invalid_request, malformed_xml};

/// Whether the bucket has an accelerated endpoint; here every endpoint is as near as another.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Accelerate {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
}

put_on_bucket!(
    PutBucketAccelerateConfiguration,
    "PutAccelerateConfiguration",
    "AccelerateConfiguration": Accelerate,
    put
);
on_bucket!(GetBucketAccelerateConfiguration, "GetAccelerateConfiguration", get => Accelerate);

async fn put(cx: &Context, bucket: Bucket, accelerate: Accelerate) -> Result<()> {
    if bucket.name.contains('.') {
        let text = "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names";
        return Err(invalid_request(text).into());
    }
    match accelerate.status.as_deref() {
        Some("Enabled" | "Suspended") => {}
        _ => return Err(malformed_xml().into()),
    }
    // Suspending what was never enabled leaves it as it was.
    if accelerate.status.as_deref() == Some("Suspended") && !bucket.has(ACCELERATE.0) {
        return Ok(());
    }
    configuration::put(cx, &bucket.name, None, ACCELERATE, &accelerate).await
}

async fn get(cx: &Context, bucket: Bucket) -> Result<Accelerate> {
    Ok(configuration::get(cx, &bucket, ACCELERATE).await?.unwrap_or_default())
}
