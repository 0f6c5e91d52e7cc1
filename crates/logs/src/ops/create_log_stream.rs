use serde::Deserialize;
use service::{Arn, Context, Empty, Failure, Operation, Result};

use crate::Logs;
use crate::error::{Error, Taken};
use crate::group;
use crate::keys::Keys;
use crate::stream::{self, LogStream};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateLogStream {
    log_group_name: String,
    log_stream_name: String,
}

impl Operation for CreateLogStream {
    type Service = Logs;
    type Output = Empty;
    const NAME: &'static str = "CreateLogStream";

    fn resource(&self, cx: &Context) -> Arn {
        group::policy_resource(cx.scope(), &self.log_group_name)
    }

    async fn run(self, _: &Logs, cx: &Context) -> Result<Empty> {
        stream::check_name(&self.log_stream_name)?;
        let keys = Keys::new(cx.scope());
        let fresh = LogStream::new(cx);
        store::txn(cx.platform().kv().as_ref(), |txn| {
            let (keys, fresh, input) = (&keys, &fresh, &self);
            async move {
                let group = group::look_up(&txn, keys, &input.log_group_name).await?;
                let group = group.ok_or_else(Error::no_group)?;
                if stream::look_up(&txn, keys, &group.id, &input.log_stream_name).await?.is_some() {
                    return Err(Failure::from(Error::ResourceAlreadyExistsException(Taken::LogStream)));
                }
                stream::put(&txn, keys, &group.id, &input.log_stream_name, fresh, None)
            }
        })
        .await?;
        Ok(Empty)
    }
}
