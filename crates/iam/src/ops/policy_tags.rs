use serde::Deserialize;
use service::{Arn, Context, Empty, Operation, Result};

use super::role_tags::TagsOutput;
use crate::Iam;
use crate::page;
use crate::policy::{self, policy_resource};
use crate::tag_list::{self, Tag};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagPolicy {
    policy_arn: String,
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UntagPolicy {
    policy_arn: String,
    tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListPolicyTags {
    policy_arn: String,
    marker: Option<String>,
    max_items: Option<usize>,
}

impl Operation for TagPolicy {
    type Service = Iam;
    type Output = Empty;
    const NAME: &'static str = "TagPolicy";

    fn resource(&self, _: &Context) -> Arn {
        policy_resource(&self.policy_arn)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<Empty> {
        policy::update(cx, &self.policy_arn, |policy| tag_list::add(&mut policy.tags, self.tags.clone()))
            .await?;
        Ok(Empty)
    }
}

impl Operation for UntagPolicy {
    type Service = Iam;
    type Output = Empty;
    const NAME: &'static str = "UntagPolicy";

    fn resource(&self, _: &Context) -> Arn {
        policy_resource(&self.policy_arn)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<Empty> {
        policy::update(cx, &self.policy_arn, |policy| {
            policy.tags.remove(&self.tag_keys);
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}

impl Operation for ListPolicyTags {
    type Service = Iam;
    type Output = TagsOutput;
    const NAME: &'static str = "ListPolicyTags";

    fn resource(&self, _: &Context) -> Arn {
        policy_resource(&self.policy_arn)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<TagsOutput> {
        let policy = policy::find(cx, &self.policy_arn).await?;
        let tags = tag_list::list(&policy.tags).into_iter().map(|tag| (tag.key.clone(), tag)).collect();
        let (tags, end) = page::cut(tags, self.marker.as_deref(), self.max_items)?;
        Ok(TagsOutput { tags, end })
    }
}
