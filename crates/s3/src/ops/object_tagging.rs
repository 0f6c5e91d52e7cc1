//! GetObjectTagging, PutObjectTagging, DeleteObjectTagging.

use serde::Serialize;
use service::{Arn, Context, Demand, Operation, Result};

use super::input::input;
use crate::S3;
use crate::demands::{on_version, with_request_tags};
use crate::events::Cause;
use crate::tagging::{self, Tag, TagSet};
use crate::versions::{self, Written};

input! {
    GetObjectTagging: {
        version_id: Option<String>,
    }
}

input! {
    PutObjectTagging: {
        version_id: Option<String>,
        tagging: TagSet,
    }
}

input! {
    DeleteObjectTagging: {
        version_id: Option<String>,
    }
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

    fn demands(&self, _: &Context) -> Vec<Demand> {
        vec![on_version(
            "s3:GetObjectTagging",
            "s3:GetObjectVersionTagging",
            self.target(),
            self.version_id.as_deref(),
        )]
    }

    async fn run(self, _: &S3, cx: &Context) -> Result<Tags> {
        versions::check_key(&self.key)?;
        let target = self.target();
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

    fn demands(&self, _: &Context) -> Vec<Demand> {
        let demand = on_version(
            "s3:PutObjectTagging",
            "s3:PutObjectVersionTagging",
            self.target(),
            self.version_id.as_deref(),
        );
        let tags = self.tagging.tag_set.iter().map(|tag| (tag.key.clone(), tag.value.clone()));
        vec![with_request_tags(demand, &tags.collect::<Vec<_>>())]
    }

    async fn run(mut self, s3: &S3, cx: &Context) -> Result<Changed> {
        versions::check_key(&self.key)?;
        let tags = tagging::read(std::mem::take(&mut self.tagging.tag_set))?;
        let target = self.target();
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

    fn demands(&self, _: &Context) -> Vec<Demand> {
        vec![on_version(
            "s3:DeleteObjectTagging",
            "s3:DeleteObjectVersionTagging",
            self.target(),
            self.version_id.as_deref(),
        )]
    }

    async fn run(self, s3: &S3, cx: &Context) -> Result<Changed> {
        versions::check_key(&self.key)?;
        let target = self.target();
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
