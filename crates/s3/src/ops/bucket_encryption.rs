use serde::Serialize;
use service::{Context, Empty, Result};

use super::on_bucket::{on_bucket, put_on_bucket};
use crate::bucket::Bucket;
use crate::configuration::{self, ENCRYPTION};
use crate::default_encryption::EncryptionRules;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    server_side_encryption_configuration: EncryptionRules,
}

put_on_bucket!(
    PutBucketEncryption,
    "PutEncryptionConfiguration",
    "ServerSideEncryptionConfiguration": EncryptionRules,
    put
);
on_bucket!(GetBucketEncryption, "GetEncryptionConfiguration", get => Output);
on_bucket!(DeleteBucketEncryption, "PutEncryptionConfiguration", delete => Empty);

async fn put(cx: &Context, bucket: Bucket, mut rules: EncryptionRules) -> Result<()> {
    rules.check()?;
    configuration::put(cx, &bucket.name, None, ENCRYPTION, &rules).await
}

async fn get(cx: &Context, bucket: Bucket) -> Result<Output> {
    let found = configuration::get(cx, &bucket, ENCRYPTION).await?;
    Ok(Output { server_side_encryption_configuration: found.unwrap_or_else(EncryptionRules::of_new_buckets) })
}

/// Back to what new buckets have.
async fn delete(cx: &Context, bucket: Bucket) -> Result<Empty> {
    configuration::remove(cx, &bucket.name, None, ENCRYPTION).await?;
    Ok(Empty)
}
