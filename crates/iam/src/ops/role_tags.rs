use serde::{Deserialize, Serialize};
use service::{Arn, Context, Empty, Operation, Result};

use crate::Iam;
use crate::page::{self, PageEnd};
use crate::role;
use crate::tag_list::{self, Tag};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagRole {
    role_name: String,
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UntagRole {
    role_name: String,
    tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListRoleTags {
    role_name: String,
    marker: Option<String>,
    max_items: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagsOutput {
    pub tags: Vec<Tag>,
    #[serde(flatten)]
    pub end: PageEnd,
}

impl Operation for TagRole {
    type Service = Iam;
    type Output = Empty;
    const NAME: &'static str = "TagRole";

    fn resource(&self, cx: &Context) -> Arn {
        role::policy_resource(cx, &self.role_name)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<Empty> {
        role::update(cx, &self.role_name, |role| tag_list::add(&mut role.tags, self.tags.clone())).await?;
        Ok(Empty)
    }
}

impl Operation for UntagRole {
    type Service = Iam;
    type Output = Empty;
    const NAME: &'static str = "UntagRole";

    fn resource(&self, cx: &Context) -> Arn {
        role::policy_resource(cx, &self.role_name)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<Empty> {
        role::update(cx, &self.role_name, |role| {
            role.tags.remove(&self.tag_keys);
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}

impl Operation for ListRoleTags {
    type Service = Iam;
    type Output = TagsOutput;
    const NAME: &'static str = "ListRoleTags";

    fn resource(&self, cx: &Context) -> Arn {
        role::policy_resource(cx, &self.role_name)
    }

    async fn run(self, _: &Iam, cx: &Context) -> Result<TagsOutput> {
        let role = role::find(cx, &self.role_name).await?;
        let tags = tag_list::list(&role.tags).into_iter().map(|tag| (tag.key.clone(), tag)).collect();
        let (tags, end) = page::cut(tags, self.marker.as_deref(), self.max_items)?;
        Ok(TagsOutput { tags, end })
    }
}
