use serde::Deserialize;
use service::{Arn, Context, Empty, Operation, Result};

use crate::Lambda;
use crate::functions::change;
use crate::name::Target;
use crate::ops::whole_function;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteFunctionConcurrency {
    function_name: String,
}

impl Operation for DeleteFunctionConcurrency {
    type Service = Lambda;
    type Output = Empty;

    const NAME: &'static str = "DeleteFunctionConcurrency";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, None)
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<Empty> {
        let target = whole_function(cx, &self.function_name)?;
        let pool = lambda.pool(cx, &target).await?;
        let _turn = pool.changing.lock().await;
        Box::pin(change(cx, &target, None, |function| {
            function.reserved_concurrency = None;
            Ok(())
        }))
        .await?;
        pool.reserve(&target.name, None);
        Ok(Empty)
    }
}
