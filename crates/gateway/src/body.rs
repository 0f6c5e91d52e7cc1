//! Bodies: reading a request's within its limit, and the one type of every response's.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, header};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use service::{ByteStream, Failure};

use crate::limits::{BODY_WAIT_MAX, DISCARD_BYTES_MAX};

pub(crate) type Response = http::Response<Body>;

/// Pieces of a response; an error breaks the connection off, which is all HTTP has for a late failure.
pub(crate) type Pieces = Pin<Box<dyn Stream<Item = anyhow::Result<Bytes>> + Send>>;

/// The body of a response: whole, or piece by piece at the speed of the client.
pub(crate) enum Body {
    Whole(Bytes),
    Pieces { pieces: Pieces, length: Option<u64> },
}

impl Body {
    pub(crate) fn empty() -> Self {
        Body::Whole(Bytes::new())
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Body::Whole(bytes.into())
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = anyhow::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<anyhow::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Body::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Body::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Body::Pieces { pieces, .. } => {
                pieces.poll_next_unpin(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Body::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Body::Pieces { length: Some(length), .. } => SizeHint::with_exact(*length),
            Body::Pieces { length: None, .. } => SizeHint::default(),
        }
    }
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    TooLarge {
        bytes_max: usize,
    },
    /// Nothing came for [`BODY_WAIT_MAX`].
    TooSlow,
    /// The client left, or broke the framing.
    Broken,
}

/// Reads a body whole. One that arrives in one piece is not copied.
pub(crate) async fn read(mut body: Incoming, bytes_max: usize) -> Result<Bytes, Unread> {
    if body.size_hint().lower() > bytes_max as u64 {
        discard(body, 0).await;
        return Err(Unread::TooLarge { bytes_max });
    }
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(0);
    let Some(first) = piece(&mut body).await? else { return Ok(Bytes::new()) };
    if first.len() <= bytes_max && body.is_end_stream() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(expected.max(first.len()));
    whole.extend_from_slice(&first);
    drop(first);
    loop {
        if whole.len() > bytes_max {
            discard(body, whole.len()).await;
            return Err(Unread::TooLarge { bytes_max });
        }
        match piece(&mut body).await? {
            Some(next) => whole.extend_from_slice(&next),
            None => return Ok(whole.freeze()),
        }
    }
}

/// A body for operations that stream it.
pub(crate) fn stream(body: Incoming) -> ByteStream {
    Box::pin(futures_util::stream::unfold(Some(body), |body| async move {
        let mut body = body?;
        match piece(&mut body).await {
            Ok(Some(bytes)) => Some((Ok(bytes), Some(body))),
            Ok(None) => None,
            Err(Unread::TooSlow) => Some((Err(request_timeout()), None)),
            Err(_) => Some((Err(Failure::new("IncompleteBody", 400, "The request body ended early.")), None)),
        }
    }))
}

pub(crate) fn request_timeout() -> Failure {
    let seconds = BODY_WAIT_MAX.as_secs();
    Failure::new("RequestTimeout", 400, format!("Nothing of the request body arrived for {seconds} seconds."))
}

/// Whether the body is a form, where the query protocol keeps its action.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    let content_type = crate::request::header(headers, &header::CONTENT_TYPE);
    content_type
        .get(..33)
        .is_some_and(|start| start.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

async fn piece(body: &mut Incoming) -> Result<Option<Bytes>, Unread> {
    loop {
        let next = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx));
        match tokio::time::timeout(BODY_WAIT_MAX, next).await {
            Err(_) => return Err(Unread::TooSlow),
            Ok(None) => return Ok(None),
            Ok(Some(Err(_))) => return Err(Unread::Broken),
            // Frames without data are trailers: nothing here reads them.
            Ok(Some(Ok(frame))) => {
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
        }
    }
}

/// Reads on without keeping anything: a client that is still sending does not look at the answer.
pub(crate) async fn discard(mut body: Incoming, already_read_bytes: usize) {
    let mut total = already_read_bytes;
    while total <= DISCARD_BYTES_MAX
        && let Ok(Some(bytes)) = piece(&mut body).await
    {
        total += bytes.len();
    }
}

/// [`discard`] for a payload that its operation left unread.
pub(crate) async fn discard_stream(mut body: ByteStream) {
    let mut total = 0;
    while total <= DISCARD_BYTES_MAX
        && let Some(Ok(bytes)) = body.next().await
    {
        total += bytes.len();
    }
}
