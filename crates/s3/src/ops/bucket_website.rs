use service::{Context, Empty, Result};

use super::on_bucket::{on_bucket, put_on_bucket};
use crate::bucket::Bucket;
use crate::configuration::{self, WEBSITE};
use crate::website::{Website, no_such_website};

put_on_bucket!(PutBucketWebsite, "PutBucketWebsite", "WebsiteConfiguration": Website, put);
on_bucket!(GetBucketWebsite, "GetBucketWebsite", get => Website);
on_bucket!(DeleteBucketWebsite, "DeleteBucketWebsite", delete => Empty);

async fn put(cx: &Context, bucket: Bucket, website: Website) -> Result<()> {
    website.check()?;
    configuration::put(cx, &bucket.name, None, WEBSITE, &website).await
}

async fn get(cx: &Context, bucket: Bucket) -> Result<Website> {
    let found = configuration::get(cx, &bucket, WEBSITE).await?;
    Ok(found.ok_or_else(|| no_such_website(&bucket.name))?)
}

async fn delete(cx: &Context, bucket: Bucket) -> Result<Empty> {
    configuration::remove(cx, &bucket.name, None, WEBSITE).await?;
    Ok(Empty)
}
