use serde::{Deserialize, Serialize};
use service::{Context, Failure, Operation, Principal, Result};

use crate::Sts;

#[derive(Deserialize)]
pub(crate) struct GetCallerIdentity {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    user_id: String,
    account: String,
    arn: String,
}

impl Operation for GetCallerIdentity {
    type Service = Sts;
    type Output = Output;
    const NAME: &'static str = "GetCallerIdentity";

    async fn run(self, _: &Sts, cx: &Context) -> Result<Output> {
        let principal = &cx.caller().principal;
        if matches!(principal, Principal::Anonymous { .. }) {
            return Err(Failure::new(
                "MissingAuthenticationToken",
                403,
                "Request is missing Authentication Token",
            ));
        }
        Ok(Output {
            user_id: principal.user_id(),
            account: principal.account().to_string(),
            arn: principal.arn(),
        })
    }
}
