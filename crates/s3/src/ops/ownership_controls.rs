use serde::Serialize;
use service::{Context, Empty, Result};

use super::on_bucket::{on_bucket, put_on_bucket};
use crate::access;
use crate::bucket::Bucket;
use crate::configuration::{self, OWNERSHIP};
use crate::error::{Error, malformed_xml};
use crate::public_access::{Ownership, OwnershipControls};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    ownership_controls: OwnershipControls,
}

put_on_bucket!(
    PutBucketOwnershipControls,
    "PutBucketOwnershipControls",
    "OwnershipControls": OwnershipControls,
    put
);
on_bucket!(GetBucketOwnershipControls, "GetBucketOwnershipControls", get => Output);
on_bucket!(DeleteBucketOwnershipControls, "PutBucketOwnershipControls", delete => Empty);

async fn put(cx: &Context, bucket: Bucket, controls: OwnershipControls) -> Result<()> {
    let [rule] = controls.rules[..] else { return Err(malformed_xml().into()) };
    if rule.object_ownership == Ownership::BucketOwnerEnforced
        && let Some(acl) = access::stored_bucket_acl(cx, &bucket).await?
        && !acl.is_owners_alone(&bucket.owner_id())
    {
        let text = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
        return Err(Error::new("InvalidBucketAclWithObjectOwnership", 400, text).into());
    }
    configuration::put(cx, &bucket.name, None, OWNERSHIP, &Some(rule.object_ownership)).await
}

async fn get(cx: &Context, bucket: Bucket) -> Result<Output> {
    let text = "The bucket ownership controls were not found";
    let missing = || Error::new("OwnershipControlsNotFoundError", 404, text);
    let found = access::ownership(cx, &bucket).await?;
    let ownership = found.ok_or_else(|| missing().with("BucketName", bucket.name))?;
    Ok(Output { ownership_controls: ownership.into() })
}

async fn delete(cx: &Context, bucket: Bucket) -> Result<Empty> {
    configuration::put(cx, &bucket.name, None, OWNERSHIP, &None::<Ownership>).await?;
    Ok(Empty)
}
