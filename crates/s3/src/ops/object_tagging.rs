//! GetObjectTagging, PutObjectTagging, DeleteObjectTagging.

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::S3;
use crate::events::Cause;
use crate::tagging::{self, Tag, TagSet};
use crate::versions::{self, Target, Written};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetObjectTagging {
    bucket: String,
    key: String,
    version_id: Option<String>,
    expected_bucket_owner: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutObjectTagging {
    bucket: String,
    key: String,
    version_id: Option<String>,
    tagging: TagSet,
    expected_bucket_owner: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteObjectTagging {
    bucket: String,
    key: String,
    version_id: Option<String>,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tags {
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    tag_set: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Changed {
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
}

impl Operation for GetObjectTagging {
    type Service = S3;
    type Output = Tags;
    const NAME: &'static str = "GetObjectTagging";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::object(&self.bucket, &self.key)
    }

    async fn run(self, _: &S3, cx: &Context) -> Result<Tags> {
        versions::check_key(&self.key)?;
        let target = Target {
            bucket: &self.bucket,
            key: &self.key,
            expected_owner: self.expected_bucket_owner.as_deref(),
        };
        let read = versions::read(cx, target, self.version_id.as_deref()).await?;
        Ok(Tags { version_id: read.version_id(), tag_set: tagging::show(&read.object.tags) })
    }
}

impl Operation for PutObjectTagging {
    type Service = S3;
    type Output = Changed;
    const NAME: &'static str = "PutObjectTagging";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::object(&self.bucket, &self.key)
    }

    async fn run(self, s3: &S3, cx: &Context) -> Result<Changed> {
        versions::check_key(&self.key)?;
        let tags = tagging::read(self.tagging.tag_set)?;
        let target = Target {
            bucket: &self.bucket,
            key: &self.key,
            expected_owner: self.expected_bucket_owner.as_deref(),
        };
        let causes = [Cause::TaggingPut];
        let changed = versions::update(s3, cx, target, self.version_id.as_deref(), &causes, |_, object| {
            object.tags.clone_from(&tags);
            Ok(())
        });
        Ok(changed_version(&changed.await?))
    }
}

impl Operation for DeleteObjectTagging {
    type Service = S3;
    type Output = Changed;
    const NAME: &'static str = "DeleteObjectTagging";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::object(&self.bucket, &self.key)
    }

    async fn run(self, s3: &S3, cx: &Context) -> Result<Changed> {
        versions::check_key(&self.key)?;
        let target = Target {
            bucket: &self.bucket,
            key: &self.key,
            expected_owner: self.expected_bucket_owner.as_deref(),
        };
        let causes = [Cause::TaggingDelete];
        let changed = versions::update(s3, cx, target, self.version_id.as_deref(), &causes, |_, object| {
            object.tags.clear();
            Ok(())
        });
        Ok(changed_version(&changed.await?))
    }
}

fn changed_version(written: &Written) -> Changed {
    Changed { version_id: written.any_version_id() }
}
