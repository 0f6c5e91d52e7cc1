//! GetBucketVersioning and PutBucketVersioning.

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Empty, Failure, Operation, Result};

use crate::S3;
use crate::bucket::{self, Versioning};
use crate::error::{Error, malformed_xml};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetBucketVersioning {
    bucket: String,
    expected_bucket_owner: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutBucketVersioning {
    bucket: String,
    versioning_configuration: Configuration,
    expected_bucket_owner: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Configuration {
    status: Option<String>,
    #[serde(rename = "MFADelete")]
    mfa_delete: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

impl Operation for GetBucketVersioning {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "GetBucketVersioning";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::bucket(&self.bucket)
    }

    async fn run(self, _: &S3, cx: &Context) -> Result<Output> {
        let bucket = bucket::load(cx, &self.bucket, self.expected_bucket_owner.as_deref()).await?;
        Ok(Output {
            status: match bucket.versioning {
                Versioning::Off => None,
                Versioning::Enabled => Some("Enabled"),
                Versioning::Suspended => Some("Suspended"),
            },
        })
    }
}

impl Operation for PutBucketVersioning {
    type Service = S3;
    type Output = Empty;
    const NAME: &'static str = "PutBucketVersioning";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::bucket(&self.bucket)
    }

    async fn run(self, _: &S3, cx: &Context) -> Result<Empty> {
        let versioning = match self.versioning_configuration.status.as_deref() {
            Some("Enabled") => Versioning::Enabled,
            Some("Suspended") => Versioning::Suspended,
            _ => return Err(malformed_xml().into()),
        };
        if self.versioning_configuration.mfa_delete.as_deref() == Some("Enabled") {
            return Err(Failure::unsupported("MfaDelete of s3:PutBucketVersioning"));
        }
        bucket::update(cx, &self.bucket, self.expected_bucket_owner.as_deref(), |bucket| {
            if bucket.object_lock.is_some() && versioning != Versioning::Enabled {
                let text = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.";
                return Err(Error::new("InvalidBucketState", 409, text).into());
            }
            bucket.versioning = versioning;
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}
