//! From a request's body to a piece.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, TryStreamExt as _};
use md5::{Digest as _, Md5};
use service::{ByteStream, Context, Failure, Result};
use store::{Commit, INLINE_BYTES_MAX};
use wire::{Checksum, ChecksumAlgorithm};

use super::seal::{Cutter, Frames};
use crate::S3;
use crate::encryption::CustomerKey;
use crate::error::Error;
use crate::integrity::{self, Sum};
use crate::limits::{PUT_BYTES_MAX, ROW_PAYLOAD_BYTES_MAX};
use crate::object::{Object, Piece, Place, blob_id};
use crate::tables::{self, DataId};

/// What the client says of its payload.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    /// `Content-MD5`, checked for its form already.
    pub(crate) md5: Option<[u8; 16]>,
    /// Which checksum is to be kept; the default one where nobody said.
    pub(crate) kept: Option<ChecksumAlgorithm>,
    /// The checksum that a header has.
    pub(crate) sent: Option<Sum>,
    /// A part: what its client sends in a trailer is checked, and not kept in place of the upload's.
    pub(crate) is_part: bool,
    /// What to seal it with.
    pub(crate) key: Option<CustomerKey>,
}

/// A payload that was received whole and is what the client said.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) piece: Piece,
    pub(crate) md5: [u8; 16],
    /// The checksum that is kept.
    pub(crate) sum: Sum,
    /// The one the client sent, in a header or behind the payload.
    pub(crate) sent: Option<Sum>,
    row: Option<(DataId, Bytes)>,
}

impl Received {
    /// Adds what the payload needs beside the row that names it.
    pub(crate) fn add_to(&self, account: &str, commit: Commit) -> Commit {
        let commit = match &self.row {
            Some((id, bytes)) => commit.put(tables::data(account, id), bytes.clone()),
            None => commit,
        };
        match &self.piece.place {
            Place::Blob(id) => commit.delete(tables::incoming(id)),
            Place::Inline(_) | Place::Row(_) => commit,
        }
    }

    /// The checksum of a part, where its upload has one.
    pub(crate) fn kept(&self, upload: &Object) -> Option<&Sum> {
        upload.checksum.is_some().then_some(&self.sum)
    }

    /// Gives up on a payload that no row names.
    pub(crate) async fn discard(self, cx: &Context) {
        if let Place::Blob(id) = &self.piece.place {
            give_up(cx, id).await;
        }
    }
}

/// Deletes what was received; if that fails, the note of it stays, and the next run of the server does.
async fn give_up(cx: &Context, blob: &[u8; 16]) {
    let deleted = async {
        cx.platform().blobs().delete(&blob_id(blob)?).await?;
        cx.platform().kv().commit(Commit::new().delete(tables::incoming(blob))).await
    };
    if let Err(error) = deleted.await {
        tracing::debug!(error = %error, "a payload that was given up could not be deleted");
    }
}

/// Ends a payload's uncertainty: what a refused change would have named is deleted. Where it is unknown whether the
/// change happened, the payload stays.
pub(crate) async fn keep_or_discard<T>(cx: &Context, received: Received, outcome: Result<T>) -> Result<T> {
    if matches!(outcome, Err(Failure::Modelled(_))) {
        received.discard(cx).await;
    }
    outcome
}

/// Everything that is computed on the way.
struct Hashes {
    md5: Md5,
    kept: Checksum,
    /// What the client sent, where another one is kept.
    sent: Option<Checksum>,
    size: u64,
}

impl Hashes {
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.size += data.len() as u64;
        if self.size > PUT_BYTES_MAX {
            return Err(too_large(self.size));
        }
        self.md5.update(data);
        self.kept.update(data);
        if let Some(sent) = &mut self.sent {
            sent.update(data);
        }
        Ok(())
    }
}

fn too_large(size: u64) -> Failure {
    Error::new("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size")
        .with("ProposedSize", i64::try_from(size).unwrap_or(i64::MAX))
        .with("MaxSizeAllowed", i64::try_from(PUT_BYTES_MAX).unwrap_or(i64::MAX))
        .into()
}

/// Receives a payload. Nothing is stored when it fails, ends early or is not what `expected` says.
pub(crate) async fn receive(
    s3: &S3,
    cx: &Context,
    body: Option<ByteStream>,
    expected: &Expected,
) -> Result<Received> {
    let kept = expected.kept.unwrap_or(integrity::DEFAULT);
    let sent = expected.sent.as_ref().map(|(algorithm, _)| *algorithm).filter(|sent| *sent != kept);
    let mut hashes =
        Hashes { md5: Md5::new(), kept: Checksum::new(kept), sent: sent.map(Checksum::new), size: 0 };
    let mut body = body.unwrap_or_else(|| Box::pin(futures_util::stream::empty()));
    let mut gathered: Vec<Bytes> = Vec::new();
    let salt = expected.key.as_ref().map(|_| cx.platform().ids().bytes::<16>());
    loop {
        match body.next().await.transpose()? {
            Some(piece) => {
                hashes.update(&piece)?;
                gathered.push(piece);
                if hashes.size > INLINE_BYTES_MAX as u64 {
                    break;
                }
            }
            None => {
                let mut small = joined(gathered);
                if let Some((key, salt)) = expected.key.as_ref().zip(salt.as_ref()) {
                    small = seal_small(key, salt, &small)?;
                }
                return finish(cx, hashes, expected, Stored::Small(small), salt);
            }
        }
    }
    let seal =
        expected.key.as_ref().zip(salt.as_ref()).map(|(key, salt)| Frames::new(key, salt, 0)).transpose()?;
    let blob = cx.platform().ids().bytes::<16>();
    let received = match receive_blob(s3, cx, &blob, gathered, body, hashes, seal).await {
        Ok(hashes) => finish(cx, hashes, expected, Stored::Blob(blob), salt),
        Err(failure) => Err(failure),
    };
    if received.is_err() {
        // It did not come whole, or is not what the client said.
        give_up(cx, &blob).await;
    }
    received
}

fn joined(mut pieces: Vec<Bytes>) -> Bytes {
    match pieces.len() {
        0 => Bytes::new(),
        1 => pieces.swap_remove(0),
        _ => {
            let mut whole = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
            pieces.iter().for_each(|piece| whole.extend_from_slice(piece));
            whole.freeze()
        }
    }
}

async fn receive_blob(
    s3: &S3,
    cx: &Context,
    blob: &[u8; 16],
    gathered: Vec<Bytes>,
    body: ByteStream,
    hashes: Hashes,
    seal: Option<Frames>,
) -> Result<Hashes> {
    // The store takes streams that fail as I/O does; what the client should read is kept beside it.
    let failed: Arc<Mutex<Option<Failure>>> = Arc::default();
    let shared = Arc::new(Mutex::new(Some(hashes)));
    let stream = {
        let (failed, shared) = (failed.clone(), shared.clone());
        let hashed = body.map(move |piece| {
            let piece = piece?;
            if let Some(hashes) = &mut *shared.lock().unwrap_or_else(PoisonError::into_inner) {
                hashes.update(&piece)?;
            }
            Ok(piece)
        });
        let plain: ByteStream =
            Box::pin(futures_util::stream::iter(gathered.into_iter().map(Ok)).chain(hashed));
        let stored = match seal {
            Some(frames) => sealed(plain, frames),
            None => plain,
        };
        stored.map_err(move |failure: Failure| {
            let text = failure.to_string();
            *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
            io::Error::other(text)
        })
    };
    // The note is made while the payload comes, and the payload ends only when the note is durable.
    let noted = cx.platform().kv().clone();
    let note = Commit::new().put(tables::incoming(blob), s3.run.0.to_vec());
    let note = tokio::spawn(async move { noted.commit(note).await });
    let end = futures_util::stream::once(async move {
        match note.await {
            Ok(Ok(_)) => Ok(Bytes::new()),
            Ok(Err(error)) => Err(io::Error::other(error)),
            Err(error) => Err(io::Error::other(error)),
        }
    });
    match cx.platform().blobs().put_stream_as(blob_id(blob)?, Box::pin(stream.chain(end))).await {
        Ok(_) => match shared.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(hashes) => Ok(hashes),
            None => Err(anyhow::anyhow!("the hashes of a payload were taken twice").into()),
        },
        Err(error) => {
            let failure = failed.lock().unwrap_or_else(PoisonError::into_inner).take();
            Err(failure.unwrap_or_else(|| error.into()))
        }
    }
}

enum Stored {
    Small(Bytes),
    Blob([u8; 16]),
}

fn seal_small(key: &CustomerKey, salt: &[u8; 16], plain: &[u8]) -> Result<Bytes> {
    // A small payload is one frame, and an empty one is none.
    if plain.is_empty() { Ok(Bytes::new()) } else { Ok(Frames::new(key, salt, 0)?.seal(plain)?) }
}

fn sealed(plain: ByteStream, frames: Frames) -> ByteStream {
    let state = Some((plain, frames, Cutter::plain()));
    let frames = futures_util::stream::try_unfold(state, |state| async move {
        let Some((mut plain, mut frames, mut cutter)) = state else { return Ok(None) };
        let mut sealed = Vec::new();
        loop {
            let Some(piece) = plain.next().await.transpose()? else {
                if let Some(last) = cutter.finish() {
                    sealed.push(frames.seal(&last)?);
                }
                return Ok::<_, Failure>(Some((sealed, None)));
            };
            for frame in cutter.push(&piece) {
                sealed.push(frames.seal(&frame)?);
            }
            if !sealed.is_empty() {
                return Ok(Some((sealed, Some((plain, frames, cutter)))));
            }
        }
    });
    Box::pin(frames.map_ok(|frames| futures_util::stream::iter(frames.into_iter().map(Ok))).try_flatten())
}

fn finish(
    cx: &Context,
    hashes: Hashes,
    expected: &Expected,
    stored: Stored,
    salt: Option<[u8; 16]>,
) -> Result<Received> {
    let mut md5: [u8; 16] = hashes.md5.finalize().into();
    if expected.md5.is_some_and(|expected| expected != md5) {
        let text = "The Content-MD5 you specified did not match what we received.";
        return Err(Error::new("BadDigest", 400, text)
            .with("ExpectedDigest", expected.md5.map(|md5| STANDARD.encode(md5)))
            .with("CalculatedDigest", STANDARD.encode(md5))
            .into());
    }
    if let Some(salt) = &salt {
        // The digest of a sealed payload would tell what it is.
        md5 = Md5::digest([&md5[..], &salt[..]].concat()).into();
    }
    let mut sum = (hashes.kept.algorithm(), hashes.kept.finish());
    if let Some((algorithm, claimed)) = &expected.sent {
        let found = hashes.sent.map(Checksum::finish);
        if found.as_ref().unwrap_or(&sum.1) != claimed {
            return Err(integrity::bad_digest(*algorithm).into());
        }
    }
    // A trailer was checked when the stream ended.
    let mut trailers = cx.trailers().iter();
    let trailer =
        trailers.find_map(|(name, value)| Some((ChecksumAlgorithm::of_header(name)?, value.clone())));
    if let Some(trailer) = &trailer
        && !expected.is_part
    {
        sum.clone_from(trailer);
    }
    let sent = expected.sent.clone().or(trailer);
    let (place, row) = match stored {
        Stored::Small(bytes) if bytes.len() <= ROW_PAYLOAD_BYTES_MAX => (Place::Inline(bytes), None),
        Stored::Small(bytes) => {
            let id = cx.platform().ids().bytes::<16>();
            (Place::Row(id), Some((id, bytes)))
        }
        Stored::Blob(id) => (Place::Blob(id), None),
    };
    let piece = Piece { size: hashes.size, place, salt };
    Ok(Received { piece, md5, sum, sent, row })
}
