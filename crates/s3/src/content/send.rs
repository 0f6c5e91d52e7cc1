//! From pieces to an answer's body.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use service::{ByteStream, Context, Failure, Platform, Result};

use super::seal::{Cutter, FRAME_BYTES, Frames, sealed_range};
use crate::encryption::CustomerKey;
use crate::object::{Content, Object, Part, Piece, Place, blob_id, decode_parts};
use crate::{S3, tables};

/// The bytes of an object in a range that lies inside of it. `key` opens what is sealed.
pub(crate) async fn send(
    s3: &S3,
    cx: &Context,
    account: &str,
    object: &Object,
    range: Range<u64>,
    key: Option<CustomerKey>,
) -> Result<ByteStream> {
    match &object.content {
        Content::Piece(piece) => open(cx.platform(), account, piece, range, key.as_ref()).await,
        Content::Parts(id) => {
            let parts = parts(cx.platform(), account, id).await?;
            Ok(several(s3, cx.platform().clone(), account.to_owned(), parts, range, key))
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

/// A part of a piece, opened where it is sealed.
async fn open(
    platform: &Platform,
    account: &str,
    piece: &Piece,
    range: Range<u64>,
    key: Option<&CustomerKey>,
) -> Result<ByteStream> {
    let Some(salt) = &piece.salt else { return stored(platform, account, piece, range).await };
    if range.is_empty() {
        return Ok(one(Bytes::new()));
    }
    let key = key.ok_or_else(|| anyhow::anyhow!("a sealed payload is read without a key"))?;
    let (sealed, first) = sealed_range(&range, piece.size);
    let frames = Frames::new(key, salt, first)?;
    let stream = stored(platform, account, piece, sealed).await?;
    let start = range.start - first * FRAME_BYTES;
    Ok(opened(stream, frames, start..start + (range.end - range.start)))
}

/// Opens frames and cuts the range that is counted from the first of them.
fn opened(sealed: ByteStream, frames: Frames, range: Range<u64>) -> ByteStream {
    let state = Some((sealed, frames, Cutter::sealed()));
    let plain = futures_util::stream::try_unfold(state, |state| async move {
        let Some((mut sealed, mut frames, mut cutter)) = state else { return Ok(None) };
        let mut plain = Vec::new();
        loop {
            let Some(piece) = sealed.next().await.transpose()? else {
                if let Some(last) = cutter.finish() {
                    plain.push(frames.open(&last)?);
                }
                return Ok::<_, Failure>(Some((plain, None)));
            };
            for frame in cutter.push(&piece) {
                plain.push(frames.open(&frame)?);
            }
            if !plain.is_empty() {
                return Ok(Some((plain, Some((sealed, frames, cutter)))));
            }
        }
    });
    let mut at = 0;
    let cut = plain.map_ok(move |frames| {
        let pieces: Vec<_> = frames
            .into_iter()
            .filter_map(|frame| {
                let (start, end) = (at, at + frame.len() as u64);
                at = end;
                let (from, to) = (range.start.max(start), range.end.min(end));
                let within = |place: u64| usize::try_from(place - start).ok();
                (from < to).then(|| Some(frame.slice(within(from)?..within(to)?))).flatten()
            })
            .collect();
        futures_util::stream::iter(pieces.into_iter().map(Ok))
    });
    Box::pin(cut.try_flatten())
}

/// Bytes as they lie in the store.
async fn stored(platform: &Platform, account: &str, piece: &Piece, range: Range<u64>) -> Result<ByteStream> {
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
fn several(
    s3: &S3,
    platform: Arc<Platform>,
    account: String,
    parts: Vec<Part>,
    range: Range<u64>,
    key: Option<CustomerKey>,
) -> ByteStream {
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
    // What is read now is not deleted before it was sent.
    let blobs = wanted.iter().filter_map(|(piece, _)| match &piece.place {
        Place::Blob(id) => Some(*id),
        Place::Inline(_) | Place::Row(_) => None,
    });
    let pinned = s3.pins.pin(blobs.collect());
    let opened = futures_util::stream::iter(wanted).then(move |(piece, range)| {
        let _stays = &pinned;
        let (platform, account, key) = (platform.clone(), account.clone(), key.clone());
        async move { open(&platform, &account, &piece, range, key.as_ref()).await }
    });
    Box::pin(opened.try_flatten())
}
