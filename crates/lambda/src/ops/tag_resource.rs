use std::collections::BTreeMap;

use serde::Deserialize;
use service::{Arn, Context, Empty, Operation, Result};

use crate::functions::rows;
use crate::name::Target;
use crate::ops::tagged;
use crate::tables::FUNCTIONS;
use crate::{Lambda, tags};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagResource {
    resource: String,
    tags: BTreeMap<String, String>,
}

impl Operation for TagResource {
    type Service = Lambda;
    type Output = Empty;

    const NAME: &'static str = "TagResource";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.resource, None)
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<Empty> {
        let target = tagged(cx, &self.resource)?;
        rows(cx, &target.scope, &FUNCTIONS)
            .update(&target.name, |function| tags::merge(&mut function.tags, self.tags.clone()))
            .await?
            .ok_or_else(|| target.not_found())?;
        Ok(Empty)
    }
}
