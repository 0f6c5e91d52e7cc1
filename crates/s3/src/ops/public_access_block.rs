use serde::Serialize;
use service::{Context, Empty, Result};

use super::on_bucket::{on_bucket, put_on_bucket};
use crate::access;
use crate::bucket::Bucket;
use crate::configuration::{self, PUBLIC_ACCESS_BLOCK};
use crate::error::Error;
use crate::public_access::PublicAccessBlock;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    public_access_block_configuration: PublicAccessBlock,
}

put_on_bucket!(
    PutPublicAccessBlock,
    "PutBucketPublicAccessBlock",
    "PublicAccessBlockConfiguration": PublicAccessBlock,
    put
);
on_bucket!(GetPublicAccessBlock, "GetBucketPublicAccessBlock", get => Output);
on_bucket!(DeletePublicAccessBlock, "PutBucketPublicAccessBlock", delete => Empty);

async fn put(cx: &Context, bucket: Bucket, block: PublicAccessBlock) -> Result<()> {
    configuration::put(cx, &bucket.name, None, PUBLIC_ACCESS_BLOCK, &Some(block)).await
}

async fn get(cx: &Context, bucket: Bucket) -> Result<Output> {
    let text = "The public access block configuration was not found";
    let missing = || Error::new("NoSuchPublicAccessBlockConfiguration", 404, text);
    let found = access::public_access_block(cx, &bucket).await?;
    let block = found.ok_or_else(|| missing().with("BucketName", bucket.name))?;
    Ok(Output { public_access_block_configuration: block })
}

async fn delete(cx: &Context, bucket: Bucket) -> Result<Empty> {
    configuration::put(cx, &bucket.name, None, PUBLIC_ACCESS_BLOCK, &None::<PublicAccessBlock>).await?;
    Ok(Empty)
}
