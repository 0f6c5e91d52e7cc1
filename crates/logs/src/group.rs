//! Log groups: their rows and how they are found.

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Failure, Result, Scope, Tags};
use store::{Snapshot, Txn};

use crate::error::Error;
use crate::keys::Keys;
use crate::limits::DAY_MILLIS;

/// A log group as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LogGroup {
    pub id: String,
    pub creation_time: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_in_days: Option<i64>,
    #[serde(default = "standard")]
    pub class: String,
    #[serde(default)]
    pub deletion_protection: bool,
    #[serde(default)]
    pub tags: Tags,
}

pub(crate) fn standard() -> String {
    "STANDARD".into()
}

impl LogGroup {
    pub(crate) fn new(cx: &Context) -> Self {
        LogGroup {
            id: cx.platform().ids().hex::<8>(),
            creation_time: cx.now().epoch_millis(),
            retention_in_days: None,
            class: standard(),
            deletion_protection: false,
            tags: Tags::default(),
        }
    }

    /// Events before this time have expired: they are no longer shown and are removed in the background.
    pub(crate) fn expired_before(&self, now_epoch_millis: i64) -> i64 {
        match self.retention_in_days {
            Some(days) => now_epoch_millis.saturating_sub(days.saturating_mul(DAY_MILLIS)),
            None => 0,
        }
    }
}

/// The group as operations on it see it in a policy decision.
///
/// CloudWatch Logs names a group's resources with a trailing `:log-stream:`, as its denials show.
pub(crate) fn policy_resource(scope: &Scope, group: &str) -> Arn {
    Arn::regional("logs", scope, format_args!("log-group:{group}:log-stream:"))
}

/// The ARN that tags and ListLogGroups use.
pub(crate) fn arn(scope: &Scope, group: &str) -> Arn {
    Arn::regional("logs", scope, format_args!("log-group:{group}"))
}

pub(crate) async fn find(snapshot: &dyn Snapshot, keys: &Keys, name: &str) -> Result<LogGroup> {
    match snapshot.get(&keys.group(name)).await? {
        Some(row) => decode(&row.value),
        None => Err(Error::no_group().into()),
    }
}

/// The group within a transaction, if there is one.
pub(crate) async fn look_up(txn: &Txn, keys: &Keys, name: &str) -> Result<Option<LogGroup>> {
    txn.get(keys.group(name)).await?.map(|value| decode(&value)).transpose()
}

pub(crate) fn put(txn: &Txn, keys: &Keys, name: &str, group: &LogGroup) -> Result<()> {
    txn.put(keys.group(name), encode(group)?);
    Ok(())
}

/// Changes a group in place. An error from `change` leaves it as it was.
pub(crate) async fn update<R: Send>(
    cx: &Context,
    name: &str,
    change: impl Fn(&mut LogGroup) -> Result<R> + Sync,
) -> Result<R> {
    let keys = Keys::new(cx.scope());
    store::txn(cx.platform().kv().as_ref(), |txn| {
        let (keys, change) = (&keys, &change);
        async move {
            let mut group = look_up(&txn, keys, name).await?.ok_or_else(Error::no_group)?;
            let outcome = change(&mut group)?;
            put(&txn, keys, name, &group)?;
            match group.retention_in_days {
                Some(_) => txn.put(keys.retention(name), Vec::new()),
                None => txn.delete(keys.retention(name)),
            }
            Ok::<_, Failure>(outcome)
        }
    })
    .await
}

pub(crate) fn encode<T: Serialize>(row: &T) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(row).map_err(|error| anyhow::anyhow!("row does not serialize: {error}"))?)
}

pub(crate) fn decode<T: for<'de> Deserialize<'de>>(value: &[u8]) -> Result<T> {
    Ok(serde_json::from_slice(value).map_err(|error| anyhow::anyhow!("row does not read: {error}"))?)
}
