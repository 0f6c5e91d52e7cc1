//! Reading and writing the rows of this service: JSON, so that later versions read them with defaults.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use service::{Failure, Result};
use store::Txn;

pub(crate) fn encode<T: Serialize>(row: &T) -> Result<Bytes> {
    let bytes =
        serde_json::to_vec(row).map_err(|error| anyhow::anyhow!("row does not serialize: {error}"))?;
    Ok(bytes.into())
}

pub(crate) fn decode<T: DeserializeOwned>(value: &[u8]) -> Result<T> {
    Ok(serde_json::from_slice(value).map_err(|error| anyhow::anyhow!("row does not read: {error}"))?)
}

/// A row within a transaction, if it is there.
pub(crate) async fn look_up<T: DeserializeOwned>(txn: &Txn, key: Bytes) -> Result<Option<T>> {
    txn.get(key).await?.map(|value| decode(&value)).transpose()
}

/// A failure as the cause that background work reports.
pub(crate) fn into_cause(failure: Failure) -> anyhow::Error {
    match failure {
        Failure::Internal(cause) => cause,
        other => anyhow::anyhow!("{other}"),
    }
}
