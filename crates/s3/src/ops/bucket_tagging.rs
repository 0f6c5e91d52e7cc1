use service::{Context, Empty, Result};

use super::on_bucket::{on_bucket, put_on_bucket};
use crate::bucket::Bucket;
use crate::configuration::{self, TAGGING};
use crate::error::Error;
use crate::tagging::{self, TagSet};

put_on_bucket!(PutBucketTagging, "PutBucketTagging", "Tagging": TagSet, put);
on_bucket!(GetBucketTagging, "GetBucketTagging", get => TagSet);
on_bucket!(DeleteBucketTagging, "PutBucketTagging", delete => Empty);

async fn put(cx: &Context, bucket: Bucket, tags: TagSet) -> Result<()> {
    tagging::check_bucket_tags(&tags.tag_set)?;
    configuration::put(cx, &bucket.name, None, TAGGING, &tags).await
}

async fn get(cx: &Context, bucket: Bucket) -> Result<TagSet> {
    let missing = || Error::new("NoSuchTagSet", 404, "The TagSet does not exist");
    let found = configuration::get(cx, &bucket, TAGGING).await?;
    Ok(found.ok_or_else(|| missing().with("BucketName", bucket.name))?)
}

async fn delete(cx: &Context, bucket: Bucket) -> Result<Empty> {
    configuration::remove(cx, &bucket.name, None, TAGGING).await?;
    Ok(Empty)
}
