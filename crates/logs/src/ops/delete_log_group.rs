use serde::Deserialize;
use service::{Arn, Context, Empty, Failure, Operation, Result};

use crate::Logs;
use crate::error::Error;
use crate::group;
use crate::keys::Keys;
use crate::retention;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteLogGroup {
    log_group_name: String,
}

impl Operation for DeleteLogGroup {
    type Service = Logs;
    type Output = Empty;
    const NAME: &'static str = "DeleteLogGroup";

    fn resource(&self, cx: &Context) -> Arn {
        group::policy_resource(cx.scope(), &self.log_group_name)
    }

    /// The group is gone with one commit; what it held is cleared in the background.
    async fn run(self, logs: &Logs, cx: &Context) -> Result<Empty> {
        let keys = Keys::new(cx.scope());
        store::txn(cx.platform().kv().as_ref(), |txn| {
            let (keys, name) = (&keys, &self.log_group_name);
            async move {
                let group = group::look_up(&txn, keys, name).await?.ok_or_else(Error::no_group)?;
                if group.deletion_protection {
                    return Err(Failure::from(Error::ValidationException(format!(
                        "The log group {name} cannot be deleted because deletion protection is enabled."
                    ))));
                }
                txn.delete(keys.group(name));
                txn.delete(keys.retention(name));
                retention::leave(&txn, &group.id, keys.remains_of_group(&group.id))
            }
        })
        .await?;
        logs.clean_soon();
        Ok(Empty)
    }
}
