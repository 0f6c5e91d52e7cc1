use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::acl::{AccessControlPolicy, Acl, GrantHeaders, new_acl};
use crate::events::Cause;
use crate::versions::{self, Target};
use crate::{S3, access, bucket};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutObjectAcl {
    bucket: String,
    key: String,
    version_id: Option<String>,
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

#[derive(Serialize)]
pub(crate) struct Put {}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetObjectAcl {
    bucket: String,
    key: String,
    version_id: Option<String>,
    expected_bucket_owner: Option<String>,
}

impl Operation for PutObjectAcl {
    type Service = S3;
    type Output = Put;
    const NAME: &'static str = "PutObjectAcl";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::object(&self.bucket, &self.key)
    }

    async fn run(self, s3: &S3, cx: &Context) -> Result<Put> {
        let owner = self.expected_bucket_owner.as_deref();
        let bucket = bucket::load(cx, &self.bucket, owner).await?;
        let target = Target { bucket: &self.bucket, key: &self.key, expected_owner: owner };
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
        let text = acl.text()?;
        versions::update(s3, cx, target, self.version_id.as_deref(), &[Cause::AclPut], |_, object| {
            object.acl.clone_from(&text);
            Ok(())
        })
        .await?;
        Ok(Put {})
    }
}

impl Operation for GetObjectAcl {
    type Service = S3;
    type Output = Acl;
    const NAME: &'static str = "GetObjectAcl";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::object(&self.bucket, &self.key)
    }

    async fn run(self, _: &S3, cx: &Context) -> Result<Acl> {
        let owner = self.expected_bucket_owner.as_deref();
        let target = Target { bucket: &self.bucket, key: &self.key, expected_owner: owner };
        let read = versions::read(cx, target, self.version_id.as_deref()).await?;
        if access::has_acls(cx, &read.bucket).await? {
            return Acl::of_object(&read.object, &read.bucket);
        }
        Ok(Acl::private(&read.bucket.owner_id()))
    }
}
