use serde::Deserialize;
use service::{Arn, Context, Empty, Operation, Result};

use super::on_bucket::on_bucket;
use crate::acl::{AccessControlPolicy, Acl, GrantHeaders, new_acl};
use crate::bucket::{self, Bucket};
use crate::configuration::{self, ACL};
use crate::{S3, access};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutBucketAcl {
    bucket: String,
    #[serde(rename = "ACL")]
    acl: Option<String>,
    access_control_policy: Option<AccessControlPolicy>,
    grant_full_control: Option<String>,
    grant_read: Option<String>,
    #[serde(rename = "GrantReadACP")]
    grant_read_acp: Option<String>,
    grant_write: Option<String>,
    #[serde(rename = "GrantWriteACP")]
    grant_write_acp: Option<String>,
    expected_bucket_owner: Option<String>,
}

impl Operation for PutBucketAcl {
    type Service = S3;
    type Output = Empty;
    const NAME: &'static str = "PutBucketAcl";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::bucket(&self.bucket)
    }

    async fn run(self, _: &S3, cx: &Context) -> Result<Empty> {
        let bucket = bucket::load(cx, &self.bucket, self.expected_bucket_owner.as_deref()).await?;
        let headers = GrantHeaders {
            canned: self.acl.as_deref(),
            full_control: self.grant_full_control.as_deref(),
            read: self.grant_read.as_deref(),
            read_acp: self.grant_read_acp.as_deref(),
            write: self.grant_write.as_deref(),
            write_acp: self.grant_write_acp.as_deref(),
        };
        let owner_id = bucket.owner_id();
        let acl = new_acl(headers, self.access_control_policy, &owner_id, &owner_id)?;
        access::check_new_acl(cx, &bucket, &acl).await?;
        configuration::put(cx, &bucket.name, None, ACL, &acl).await?;
        Ok(Empty)
    }
}

on_bucket!(GetBucketAcl, "GetBucketAcl", get => Acl);

async fn get(cx: &Context, bucket: Bucket) -> Result<Acl> {
    if access::has_acls(cx, &bucket).await? {
        return access::bucket_acl(cx, &bucket).await;
    }
    Ok(Acl::private(&bucket.owner_id()))
}
