use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::Lambda;
use crate::error::Error;
use crate::functions::{require, rows};
use crate::name::Target;
use crate::tables::{POLICIES, member_key};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetPolicy {
    function_name: String,
    qualifier: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Found {
    policy: String,
    revision_id: String,
}

impl Operation for GetPolicy {
    type Service = Lambda;
    type Output = Found;

    const NAME: &'static str = "GetPolicy";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, self.qualifier.as_deref())
    }

    async fn run(self, _: &Lambda, cx: &Context) -> Result<Found> {
        let target = Target::parse(cx, &self.function_name, self.qualifier.as_deref())?;
        require(cx, &target).await?;
        let key = member_key(&target.name, target.qualifier_or_latest());
        let policy =
            rows(cx, &target.scope, &POLICIES).get(&key).await?.ok_or_else(Error::no_such_resource)?;
        Ok(Found { policy: policy.document(), revision_id: policy.revision_id })
    }
}
