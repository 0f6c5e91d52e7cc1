use serde::Deserialize;
use service::{Arn, Context, Empty, Failure, Operation, Result};

use crate::Logs;
use crate::error::Error;
use crate::group;
use crate::keys::Keys;
use crate::{retention, stream};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteLogStream {
    log_group_name: String,
    log_stream_name: String,
}

impl Operation for DeleteLogStream {
    type Service = Logs;
    type Output = Empty;
    const NAME: &'static str = "DeleteLogStream";

    fn resource(&self, cx: &Context) -> Arn {
        stream::arn(cx.scope(), &self.log_group_name, &self.log_stream_name)
    }

    /// The stream is gone with one commit; its events are cleared in the background.
    async fn run(self, logs: &Logs, cx: &Context) -> Result<Empty> {
        stream::check_name(&self.log_stream_name)?;
        let keys = Keys::new(cx.scope());
        store::txn(cx.platform().kv().as_ref(), |txn| {
            let (keys, name, input) = (&keys, &self.log_stream_name, &self);
            async move {
                let group = group::look_up(&txn, keys, &input.log_group_name).await?;
                let group = group.ok_or_else(Error::no_group)?;
                if group.deletion_protection {
                    return Err(Failure::from(Error::ValidationException(format!(
                        "Log streams of {} cannot be deleted because deletion protection is enabled.",
                        input.log_group_name
                    ))));
                }
                let found = stream::look_up(&txn, keys, &group.id, name).await?;
                let stream = found.ok_or_else(Error::no_stream)?;
                txn.delete(keys.stream(&group.id, name));
                txn.delete(keys.latest(&group.id, stream.last_event, name));
                retention::leave(&txn, &stream.id, keys.remains_of_stream(&group.id, &stream.id))
            }
        })
        .await?;
        logs.clean_soon();
        Ok(Empty)
    }
}
