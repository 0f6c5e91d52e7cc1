//! The older tagging operations, by name instead of ARN.

use std::collections::BTreeMap;

use serde::Deserialize;
use service::{Arn, Context, Empty, Operation, Result};

use super::tag_resource::TagsOutput;
use crate::Logs;
use crate::error::Error;
use crate::group;
use crate::keys::Keys;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TagLogGroup {
    log_group_name: String,
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UntagLogGroup {
    log_group_name: String,
    tags: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListTagsLogGroup {
    log_group_name: String,
}

impl Operation for TagLogGroup {
    type Service = Logs;
    type Output = Empty;
    const NAME: &'static str = "TagLogGroup";

    fn resource(&self, cx: &Context) -> Arn {
        group::policy_resource(cx.scope(), &self.log_group_name)
    }

    async fn run(self, _: &Logs, cx: &Context) -> Result<Empty> {
        group::update(cx, &self.log_group_name, |group| {
            group.tags.merge(self.tags.clone()).map_err(|error| Error::invalid(error.to_string()))?;
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}

impl Operation for UntagLogGroup {
    type Service = Logs;
    type Output = Empty;
    const NAME: &'static str = "UntagLogGroup";

    fn resource(&self, cx: &Context) -> Arn {
        group::policy_resource(cx.scope(), &self.log_group_name)
    }

    async fn run(self, _: &Logs, cx: &Context) -> Result<Empty> {
        group::update(cx, &self.log_group_name, |group| {
            group.tags.remove(&self.tags);
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}

impl Operation for ListTagsLogGroup {
    type Service = Logs;
    type Output = TagsOutput;
    const NAME: &'static str = "ListTagsLogGroup";

    fn resource(&self, cx: &Context) -> Arn {
        group::policy_resource(cx.scope(), &self.log_group_name)
    }

    async fn run(self, _: &Logs, cx: &Context) -> Result<TagsOutput> {
        let snapshot = cx.platform().kv().snapshot().await?;
        let group = group::find(snapshot.as_ref(), &Keys::new(cx.scope()), &self.log_group_name).await?;
        Ok(TagsOutput { tags: group.tags })
    }
}
