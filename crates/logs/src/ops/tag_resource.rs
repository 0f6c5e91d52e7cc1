use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Empty, Operation, Result, TagError, Tags};

use crate::Logs;
use crate::error::Error;
use crate::group;
use crate::identifier::from_resource_arn;
use crate::keys::Keys;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TagResource {
    resource_arn: String,
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UntagResource {
    resource_arn: String,
    tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListTagsForResource {
    resource_arn: String,
}

#[derive(Serialize)]
pub(crate) struct TagsOutput {
    pub tags: Tags,
}

impl Operation for TagResource {
    type Service = Logs;
    type Output = Empty;
    const NAME: &'static str = "TagResource";

    fn resource(&self, _: &Context) -> Arn {
        named(&self.resource_arn)
    }

    async fn run(self, _: &Logs, cx: &Context) -> Result<Empty> {
        let name = from_resource_arn(cx, &self.resource_arn)?;
        group::update(cx, &name, |group| {
            group.tags.merge(self.tags.clone()).map_err(|error| match error {
                TagError::TooMany => Error::TooManyTagsException { resource_name: self.resource_arn.clone() },
                other => Error::invalid(other.to_string()),
            })?;
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}

impl Operation for UntagResource {
    type Service = Logs;
    type Output = Empty;
    const NAME: &'static str = "UntagResource";

    fn resource(&self, _: &Context) -> Arn {
        named(&self.resource_arn)
    }

    async fn run(self, _: &Logs, cx: &Context) -> Result<Empty> {
        let name = from_resource_arn(cx, &self.resource_arn)?;
        group::update(cx, &name, |group| {
            group.tags.remove(&self.tag_keys);
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}

impl Operation for ListTagsForResource {
    type Service = Logs;
    type Output = TagsOutput;
    const NAME: &'static str = "ListTagsForResource";

    fn resource(&self, _: &Context) -> Arn {
        named(&self.resource_arn)
    }

    async fn run(self, _: &Logs, cx: &Context) -> Result<TagsOutput> {
        let name = from_resource_arn(cx, &self.resource_arn)?;
        let snapshot = cx.platform().kv().snapshot().await?;
        let group = group::find(snapshot.as_ref(), &Keys::new(cx.scope()), &name).await?;
        Ok(TagsOutput { tags: group.tags })
    }
}

fn named(resource_arn: &str) -> Arn {
    resource_arn.parse().unwrap_or_else(|_| Arn::any())
}
