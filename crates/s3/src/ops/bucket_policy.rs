use serde::{Deserialize, Serialize};
use service::{Arn, Context, Empty, Operation, Result};

use super::on_bucket::on_bucket;
use crate::bucket::{self, Bucket};
use crate::configuration::{self, POLICY};
use crate::error::{self, Error};
use crate::{S3, access, bucket_policy};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutBucketPolicy {
    bucket: String,
    policy: String,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Document {
    policy: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Status {
    policy_status: PolicyStatus,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyStatus {
    is_public: bool,
}

impl Operation for PutBucketPolicy {
    type Service = S3;
    type Output = Empty;
    const NAME: &'static str = "PutBucketPolicy";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::bucket(&self.bucket)
    }

    async fn run(self, _: &S3, cx: &Context) -> Result<Empty> {
        let bucket = bucket::load(cx, &self.bucket, self.expected_bucket_owner.as_deref()).await?;
        bucket_policy::check(&self.policy, &bucket.name)?;
        // Where policies are not enforced, a block of public ones has nothing to protect.
        let blocks = cx.platform().authorizer().enforces()
            && access::public_access_block(cx, &bucket).await?.unwrap_or_default().block_public_policy;
        if blocks && bucket_policy::is_public(&self.policy) {
            return Err(error::access_denied().into());
        }
        configuration::put(cx, &bucket.name, None, POLICY, &self.policy).await?;
        Ok(Empty)
    }
}

on_bucket!(GetBucketPolicy, "GetBucketPolicy", get => Document);
on_bucket!(DeleteBucketPolicy, "DeleteBucketPolicy", delete => Empty);
on_bucket!(GetBucketPolicyStatus, "GetBucketPolicyStatus", status => Status);

async fn get(cx: &Context, bucket: Bucket) -> Result<Document> {
    Ok(Document { policy: policy(cx, bucket).await? })
}

async fn delete(cx: &Context, bucket: Bucket) -> Result<Empty> {
    configuration::remove(cx, &bucket.name, None, POLICY).await?;
    Ok(Empty)
}

async fn status(cx: &Context, bucket: Bucket) -> Result<Status> {
    let is_public = bucket_policy::is_public(&policy(cx, bucket).await?);
    Ok(Status { policy_status: PolicyStatus { is_public } })
}

async fn policy(cx: &Context, bucket: Bucket) -> Result<String> {
    let missing = || Error::new("NoSuchBucketPolicy", 404, "The bucket policy does not exist");
    let found = configuration::get(cx, &bucket, POLICY).await?;
    Ok(found.ok_or_else(|| missing().with("BucketName", bucket.name))?)
}
