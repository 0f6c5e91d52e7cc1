use serde::{Deserialize, Serialize};
use service::{Arn, Context, Empty, Operation, Result};

use crate::DynamoDb;
use crate::error::invalid;
use crate::table::{TableName, Tag, tags_of};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagResource {
    resource_arn: String,
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UntagResource {
    resource_arn: String,
    tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListTagsOfResource {
    resource_arn: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagsListed {
    tags: Vec<Tag>,
}

impl Operation for TagResource {
    type Service = DynamoDb;
    type Output = Empty;
    const NAME: &'static str = "TagResource";

    fn resource(&self, _: &Context) -> Arn {
        self.resource_arn.parse().unwrap_or_else(|_| Arn::any())
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<Empty> {
        let name = TableName::of_resource(cx, &self.resource_arn)?;
        if self.tags.is_empty() {
            return Err(invalid("Atleast one Tag needs to be provided as Input."));
        }
        let tagged =
            dynamodb.tables().change(cx, &name, |_, table| tags_of(self.tags.clone(), &mut table.tags));
        tagged.await.map_err(|failure| name.as_resource(cx, failure))?;
        Ok(Empty)
    }
}

impl Operation for UntagResource {
    type Service = DynamoDb;
    type Output = Empty;
    const NAME: &'static str = "UntagResource";

    fn resource(&self, _: &Context) -> Arn {
        self.resource_arn.parse().unwrap_or_else(|_| Arn::any())
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<Empty> {
        let name = TableName::of_resource(cx, &self.resource_arn)?;
        if self.tag_keys.is_empty() {
            return Err(invalid("Atleast one Tag Key needs to be provided as Input."));
        }
        let untagged = dynamodb.tables().change(cx, &name, |_, table| {
            table.tags.remove(&self.tag_keys);
            Ok(())
        });
        untagged.await.map_err(|failure| name.as_resource(cx, failure))?;
        Ok(Empty)
    }
}

impl Operation for ListTagsOfResource {
    type Service = DynamoDb;
    type Output = TagsListed;
    const NAME: &'static str = "ListTagsOfResource";

    fn resource(&self, _: &Context) -> Arn {
        self.resource_arn.parse().unwrap_or_else(|_| Arn::any())
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<TagsListed> {
        let name = TableName::of_resource(cx, &self.resource_arn)?;
        let found = dynamodb.tables().require(cx, &name).await;
        let table = found.map_err(|failure| name.as_resource(cx, failure))?;
        let tags = table.tags.0.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() });
        Ok(TagsListed { tags: tags.collect() })
    }
}
