//! Forgetting everything, or one account's.

use std::collections::BTreeSet;

use bytes::Bytes;
use service::{AccountId, BoxFuture, Platform};
use store::{Commit, Order, Write};

use crate::object::{Content, Object, Part, Piece, Place, blob_id, decode_parts};
use crate::{S3, tables};

/// Rows read at once.
const ROWS_AT_ONCE: usize = 1_000;

/// Removes the account's buckets from the installation's names, and the payloads its rows name.
pub(crate) fn reset<'a>(
    _: &'a S3,
    platform: &'a Platform,
    account: Option<&'a AccountId>,
) -> BoxFuture<'a, anyhow::Result<()>> {
    Box::pin(async move {
        let accounts = match account {
            Some(account) => BTreeSet::from([account.to_string()]),
            None => owners(platform).await?,
        };
        for account in accounts {
            forget_names(platform, &account).await?;
            delete_blobs(platform, &account).await?;
        }
        Ok(())
    })
}

/// Every account that has a bucket.
async fn owners(platform: &Platform) -> anyhow::Result<BTreeSet<String>> {
    let mut owners = BTreeSet::new();
    each_row(platform, store::prefix_range(&tables::bucket("")), |_, value| {
        if let Ok(bucket) = serde_json::from_slice::<crate::bucket::Bucket>(value) {
            owners.insert(bucket.owner);
        }
    })
    .await?;
    Ok(owners)
}

async fn forget_names(platform: &Platform, account: &str) -> anyhow::Result<()> {
    let mut names = Vec::new();
    each_row(platform, tables::bucket_names(account, ""), |key, _| {
        names.extend(tables::read_bucket_name(account, key));
    })
    .await?;
    for chunk in names.chunks(ROWS_AT_ONCE) {
        let mut commit = Commit::new();
        commit.writes = chunk.iter().map(|name| Write::Delete(tables::bucket(name))).collect();
        platform.kv().commit(commit).await?;
    }
    Ok(())
}

async fn delete_blobs(platform: &Platform, account: &str) -> anyhow::Result<()> {
    let mut blobs = Vec::new();
    let mut note = |piece: &Piece| {
        if let Place::Blob(id) = &piece.place {
            blobs.extend(blob_id(id));
        }
    };
    for table in ["current", "older"] {
        each_row(platform, tables::whole(account, table), |_, value| {
            if let Ok(Object { content: Content::Piece(piece), .. }) = Object::decode(value) {
                note(&piece);
            }
        })
        .await?;
    }
    for table in ["lists", "parts"] {
        each_row(platform, tables::whole(account, table), |_, value| {
            let parts: Vec<Part> = decode_parts(value).unwrap_or_default();
            parts.iter().for_each(|part| note(&part.piece));
        })
        .await?;
    }
    for id in blobs {
        platform.blobs().delete(&id).await?;
    }
    Ok(())
}

async fn each_row(
    platform: &Platform,
    mut range: std::ops::Range<Bytes>,
    mut visit: impl FnMut(&Bytes, &Bytes),
) -> anyhow::Result<()> {
    let snapshot = platform.kv().snapshot().await?;
    loop {
        let rows = snapshot.scan(range.clone(), Order::Forward, ROWS_AT_ONCE).await?;
        rows.iter().for_each(|(key, row)| visit(key, &row.value));
        match rows.last() {
            Some((last, _)) if rows.len() == ROWS_AT_ONCE => range.start = [last, &[0][..]].concat().into(),
            _ => return Ok(()),
        }
    }
}
