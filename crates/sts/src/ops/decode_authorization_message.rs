use serde::{Deserialize, Serialize};
use service::{Context, Operation, Result};

use crate::Sts;
use crate::error::Error;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DecodeAuthorizationMessage {
    encoded_message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    decoded_message: String,
}

impl Operation for DecodeAuthorizationMessage {
    type Service = Sts;
    type Output = Output;
    const NAME: &'static str = "DecodeAuthorizationMessage";

    async fn run(self, sts: &Sts, _: &Context) -> Result<Output> {
        let decoded_message = auth::decode_message(sts.issuer(), &self.encoded_message)
            .ok_or(Error::InvalidAuthorizationMessageException("The message is not valid."))?;
        Ok(Output { decoded_message })
    }
}
