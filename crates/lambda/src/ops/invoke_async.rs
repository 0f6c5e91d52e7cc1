use bytes::BytesMut;
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::Lambda;
use crate::event_invoke::EVENT_BYTES_MAX;
use crate::name::Target;

/// The first form of asynchronous invocation, from before [`Invoke`](super::Invoke) had its types.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InvokeAsync {
    function_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Accepted {
    status: u16,
}

impl Operation for InvokeAsync {
    type Service = Lambda;
    type Output = Accepted;

    const NAME: &'static str = "InvokeAsync";
    const ACTION: &'static str = "InvokeFunction";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, None)
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<Accepted> {
        let target = Target::parse(cx, &self.function_name, None)?;
        let mut event = BytesMut::new();
        if let Some(mut body) = cx.take_body() {
            while let Some(piece) = body.try_next().await? {
                event.extend_from_slice(&piece);
                if event.len() > EVENT_BYTES_MAX {
                    // Refused below for its size; the rest need not be read.
                    break;
                }
            }
        }
        lambda.enqueue(cx, &target, event.freeze(), None).await?;
        Ok(Accepted { status: 202 })
    }
}
