use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::Lambda;
use crate::concurrency::check_reservation;
use crate::functions::{change, function};
use crate::name::Target;
use crate::ops::whole_function;
use crate::packages::usage;
use crate::settings::constraint;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutFunctionConcurrency {
    function_name: String,
    reserved_concurrent_executions: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Concurrency {
    reserved_concurrent_executions: u32,
}

impl Operation for PutFunctionConcurrency {
    type Service = Lambda;
    type Output = Concurrency;

    const NAME: &'static str = "PutFunctionConcurrency";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, None)
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<Concurrency> {
        let target = whole_function(cx, &self.function_name)?;
        let wanted = self.reserved_concurrent_executions;
        let Ok(wanted) = u32::try_from(wanted) else {
            let rule = "Member must have value greater than or equal to 0";
            return Err(constraint(&wanted.to_string(), "reservedConcurrentExecutions", rule));
        };
        // Reservations of one scope are made one after the other, so that their sum holds.
        let pool = lambda.pool(cx, &target).await?;
        let _turn = pool.changing.lock().await;
        let before = function(cx, &target).await?;
        let reserved = usage(cx, &target.scope).await?.reserved_concurrency;
        check_reservation(wanted, reserved - before.reserved_concurrency.unwrap_or(0))?;
        Box::pin(change(cx, &target, None, |function| {
            function.reserved_concurrency = Some(wanted);
            Ok(())
        }))
        .await?;
        pool.reserve(&target.name, Some(wanted));
        Ok(Concurrency { reserved_concurrent_executions: wanted })
    }
}
