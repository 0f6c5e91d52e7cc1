//! From pieces to an answer's body.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use service::{ByteStream, Context, Failure, Platform, Result};

use crate::object::{Content, Object, Part, Piece, Place, blob_id, decode_parts};
use crate::tables;

/// The bytes of an object in a range that lies inside of it.
pub(crate) async fn send(
    cx: &Context,
    account: &str,
    object: &Object,
    range: Range<u64>,
) -> Result<ByteStream> {
    match &object.content {
        Content::Piece(piece) => open(cx.platform(), account, piece, range).await,
        Content::Parts(id) => {
            let parts = parts(cx.platform(), account, id).await?;
            Ok(several(cx.platform().clone(), account.to_owned(), parts, range))
        }
    }
}

/// The list of parts of an object.
pub(crate) async fn parts(platform: &Platform, account: &str, id: &tables::DataId) -> Result<Vec<Part>> {
    let row = platform.kv().snapshot().await?.get(&tables::list_of_parts(account, id)).await?;
    let row = row.ok_or_else(|| anyhow::anyhow!("the list of an object's parts is missing"))?;
    Ok(decode_parts(&row.value)
        .ok_or_else(|| anyhow::anyhow!("the list of an object's parts does not read"))?)
}

async fn open(platform: &Platform, account: &str, piece: &Piece, range: Range<u64>) -> Result<ByteStream> {
    match &piece.place {
        Place::Inline(bytes) => Ok(one(slice(bytes, range)?)),
        Place::Row(id) => {
            let row = platform.kv().snapshot().await?.get(&tables::data(account, id)).await?;
            let row = row.ok_or_else(|| anyhow::anyhow!("the payload of an object is missing"))?;
            Ok(one(slice(&row.value, range)?))
        }
        Place::Blob(id) => {
            let stream = platform.blobs().get_range(&blob_id(id)?, range).await?;
            Ok(Box::pin(stream.map_err(|error| Failure::Internal(error.into()))))
        }
    }
}

fn one(bytes: Bytes) -> ByteStream {
    Box::pin(futures_util::stream::once(std::future::ready(Ok(bytes))))
}

fn slice(bytes: &Bytes, range: Range<u64>) -> Result<Bytes> {
    let within = |at: u64| usize::try_from(at).ok().filter(|at| *at <= bytes.len());
    match (within(range.start), within(range.end)) {
        (Some(start), Some(end)) if start <= end => Ok(bytes.slice(start..end)),
        _ => Err(anyhow::anyhow!("the payload of an object is shorter than its row says").into()),
    }
}

/// Parts one after the other; each is opened when its turn comes.
fn several(platform: Arc<Platform>, account: String, parts: Vec<Part>, range: Range<u64>) -> ByteStream {
    let mut start = 0;
    let mut wanted = Vec::new();
    for part in parts {
        let end = start + part.piece.size;
        let (from, to) = (range.start.max(start), range.end.min(end));
        if from < to {
            wanted.push((part.piece, from - start..to - start));
        }
        start = end;
    }
    let opened = futures_util::stream::iter(wanted).then(move |(piece, range)| {
        let (platform, account) = (platform.clone(), account.clone());
        async move { open(&platform, &account, &piece, range).await }
    });
    Box::pin(opened.try_flatten())
}
