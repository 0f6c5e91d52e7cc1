use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result, Tags};

use crate::Lambda;
use crate::functions::function;
use crate::name::Target;
use crate::ops::tagged;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListTags {
    resource: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listed {
    tags: Tags,
}

impl Operation for ListTags {
    type Service = Lambda;
    type Output = Listed;

    const NAME: &'static str = "ListTags";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.resource, None)
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<Listed> {
        let target = tagged(cx, &self.resource)?;
        Ok(Listed { tags: function(cx, &target).await?.tags })
    }
}
