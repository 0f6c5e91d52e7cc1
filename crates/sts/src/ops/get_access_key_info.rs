use serde::{Deserialize, Serialize};
use service::{Context, Failure, Operation, Result};

use crate::Sts;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetAccessKeyInfo {
    access_key_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    account: String,
}

impl Operation for GetAccessKeyInfo {
    type Service = Sts;
    type Output = Output;
    const NAME: &'static str = "GetAccessKeyInfo";

    /// Keys of sessions are known only to who holds their token, so only his own is told.
    async fn run(self, sts: &Sts, cx: &Context) -> Result<Output> {
        let id = &self.access_key_id;
        if let Some(key) = sts.identities().access_key(id).await? {
            return Ok(Output { account: key.account.clone() });
        }
        if cx.caller().access_key_id.as_ref() == Some(id) {
            return Ok(Output { account: cx.account().to_string() });
        }
        if sts.issuer().is_ours(id) {
            return Err(Failure::unsupported("sts:GetAccessKeyInfo for keys of other sessions"));
        }
        Err(Failure::new(
            "InvalidClientTokenId",
            403,
            "The security token included in the request is invalid.",
        ))
    }
}
