use serde::{Deserialize, Serialize};
use service::{Context, Failure, Result};

use super::on_bucket::{on_bucket, put_on_bucket};
use crate::bucket::Bucket;
use crate::error::malformed_xml;

/// Whether the bucket's tags are conditions in policies. They are not yet, and say so.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Abac {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    abac_status: Abac,
}

put_on_bucket!(PutBucketAbac, "PutBucketAbac", "AbacStatus": Abac, put);
on_bucket!(GetBucketAbac, "GetBucketAbac", get => Output);

async fn put(_: &Context, _: Bucket, abac: Abac) -> Result<()> {
    match abac.status.as_deref() {
        Some("Disabled") => Ok(()),
        Some("Enabled") => Err(Failure::unsupported("attribute-based access control of buckets")),
        _ => Err(malformed_xml().into()),
    }
}

async fn get(_: &Context, _: Bucket) -> Result<Output> {
    Ok(Output { abac_status: Abac { status: Some("Disabled".into()) } })
}
