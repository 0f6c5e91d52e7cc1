use serde::Deserialize;
use service::{Arn, Context, Empty, Failure, Operation, Result};

use crate::Lambda;
use crate::functions::rows;
use crate::name::Target;
use crate::ops::tagged;
use crate::tables::FUNCTIONS;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UntagResource {
    resource: String,
    tag_keys: Vec<String>,
}

impl Operation for UntagResource {
    type Service = Lambda;
    type Output = Empty;

    const NAME: &'static str = "UntagResource";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.resource, None)
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<Empty> {
        let target = tagged(cx, &self.resource)?;
        rows(cx, &target.scope, &FUNCTIONS)
            .update(&target.name, |function| {
                function.tags.remove(&self.tag_keys);
                Ok::<_, Failure>(())
            })
            .await?
            .ok_or_else(|| target.not_found())?;
        Ok(Empty)
    }
}
