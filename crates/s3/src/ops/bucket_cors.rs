use service::{Context, Empty, Result};

use super::on_bucket::{on_bucket, put_on_bucket};
use crate::bucket::Bucket;
use crate::configuration::{self, CORS};
use crate::cors::Cors;
use crate::error::Error;

put_on_bucket!(PutBucketCors, "PutBucketCORS", "CORSConfiguration": Cors, put);
on_bucket!(GetBucketCors, "GetBucketCORS", get => Cors);
on_bucket!(DeleteBucketCors, "PutBucketCORS", delete => Empty);

async fn put(cx: &Context, bucket: Bucket, cors: Cors) -> Result<()> {
    cors.check()?;
    configuration::put(cx, &bucket.name, None, CORS, &cors).await
}

async fn get(cx: &Context, bucket: Bucket) -> Result<Cors> {
    let missing = || Error::new("NoSuchCORSConfiguration", 404, "The CORS configuration does not exist");
    let found = configuration::get(cx, &bucket, CORS).await?;
    Ok(found.ok_or_else(|| missing().with("BucketName", bucket.name))?)
}

async fn delete(cx: &Context, bucket: Bucket) -> Result<Empty> {
    configuration::remove(cx, &bucket.name, None, CORS).await?;
    Ok(Empty)
}
