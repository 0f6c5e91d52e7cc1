//! From a runtime's events to what the caller asked for: one payload, or a stream of parts.

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;

use crate::invocation::{FunctionErrorKind, Reply, ResponseMode, StreamPart};
use crate::policy::{DELIVERY_TIMEOUT, PRELUDE_BYTES_MAX, STREAM_BYTES_MAX};
use crate::report;

/// Content type of a response whose first part is HTTP metadata.
const HTTP_RESPONSE: &str = "application/vnd.awslambda.http-integration-response";
/// What separates the metadata from the body.
const PRELUDE_END: [u8; 8] = [0; 8];

pub(crate) enum Delivery {
    Buffered { bytes_max: usize, content_type: String, collected: BytesMut, too_large: bool },
    Streaming { sender: mpsc::Sender<StreamPart>, stage: Stage, bytes: u64 },
}

/// How far a stream has come.
pub(crate) enum Stage {
    Nothing,
    /// The metadata is not complete.
    Prelude {
        content_type: String,
        received: BytesMut,
    },
    Body,
}

impl Delivery {
    pub(crate) fn new(mode: ResponseMode) -> Self {
        match mode {
            ResponseMode::Buffered { bytes_max } => Self::Buffered {
                bytes_max,
                content_type: String::new(),
                collected: BytesMut::new(),
                too_large: false,
            },
            ResponseMode::Streaming(sender) => Self::Streaming { sender, stage: Stage::Nothing, bytes: 0 },
        }
    }

    /// A complete response of a function that does not stream.
    pub(crate) async fn whole(&mut self, content_type: String, body: Bytes) -> Reply {
        match self {
            Self::Buffered { bytes_max, .. } if body.len() > *bytes_max => self.too_large().await,
            Self::Buffered { .. } => Reply::Success { payload: body, content_type },
            Self::Streaming { .. } => {
                self.begin(content_type).await;
                self.chunk(body).await;
                self.end().await
            }
        }
    }

    pub(crate) async fn begin(&mut self, new_type: String) {
        match self {
            Self::Buffered { content_type, .. } => *content_type = new_type,
            Self::Streaming { sender, stage, .. } => {
                *stage = if new_type == HTTP_RESPONSE {
                    Stage::Prelude { content_type: new_type, received: BytesMut::new() }
                } else {
                    send(sender, StreamPart::Head { content_type: new_type, prelude: None }).await;
                    Stage::Body
                };
            }
        }
    }

    pub(crate) async fn chunk(&mut self, chunk: Bytes) {
        match self {
            Self::Buffered { bytes_max, collected, too_large, .. } => {
                *too_large |= collected.len() + chunk.len() > *bytes_max;
                if !*too_large {
                    collected.extend_from_slice(&chunk);
                }
            }
            Self::Streaming { sender, stage, bytes } => {
                *bytes += chunk.len() as u64;
                if *bytes > STREAM_BYTES_MAX {
                    return;
                }
                let Stage::Prelude { content_type, received } = stage else {
                    return send(sender, StreamPart::Chunk(chunk)).await;
                };
                received.extend_from_slice(&chunk);
                let Some((prelude, body)) = split_prelude(received) else { return };
                let content_type = std::mem::take(content_type);
                *stage = Stage::Body;
                send(sender, StreamPart::Head { content_type, prelude: Some(prelude) }).await;
                if !body.is_empty() {
                    send(sender, StreamPart::Chunk(body)).await;
                }
            }
        }
    }

    pub(crate) async fn end(&mut self) -> Reply {
        match self {
            Self::Buffered { too_large: true, .. } => self.too_large().await,
            Self::Buffered { content_type, collected, .. } => Reply::Success {
                payload: std::mem::take(collected).freeze(),
                content_type: std::mem::take(content_type),
            },
            Self::Streaming { bytes, .. } if *bytes > STREAM_BYTES_MAX => self.too_large().await,
            Self::Streaming { sender, stage, .. } => {
                // Metadata without its end is a body, as far as it goes.
                if let Stage::Prelude { content_type, received } = stage {
                    let content_type = std::mem::take(content_type);
                    let received = std::mem::take(received).freeze();
                    send(sender, StreamPart::Head { content_type, prelude: None }).await;
                    send(sender, StreamPart::Chunk(received)).await;
                }
                send(sender, StreamPart::End).await;
                Reply::Streamed
            }
        }
    }

    /// The call failed. Waits only shortly for a caller that does not read: a stream that ends
    /// without `End` says the same.
    pub(crate) async fn error(&mut self, payload: Bytes) -> Reply {
        match self {
            Self::Buffered { .. } => Reply::FunctionError { payload, kind: FunctionErrorKind::Unhandled },
            Self::Streaming { sender, .. } => {
                let part = StreamPart::Error {
                    error_type: report::error_type(&payload),
                    message: String::from_utf8_lossy(&payload).into_owned(),
                };
                let _ = sender.send_timeout(part, DELIVERY_TIMEOUT).await;
                Reply::Streamed
            }
        }
    }

    pub(crate) async fn too_large(&mut self) -> Reply {
        self.error(report::response_too_large()).await
    }
}

/// A caller that has left is no reason to disturb the function.
async fn send(sender: &mpsc::Sender<StreamPart>, part: StreamPart) {
    let _ = sender.send(part).await;
}

/// Metadata and the beginning of the body, once the delimiter has arrived. Metadata beyond the
/// limit is treated as absent.
fn split_prelude(received: &mut BytesMut) -> Option<(Bytes, Bytes)> {
    match received.windows(PRELUDE_END.len()).position(|window| window == PRELUDE_END) {
        Some(end) => {
            let prelude = received.split_to(end).freeze();
            let body = received.split_off(PRELUDE_END.len()).freeze();
            Some((prelude, body))
        }
        None if received.len() > PRELUDE_BYTES_MAX => Some((Bytes::new(), received.split().freeze())),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn parts(content_type: &str, chunks: &[&'static [u8]]) -> Vec<StreamPart> {
        let (sender, mut receiver) = mpsc::channel(32);
        let mut delivery = Delivery::new(ResponseMode::Streaming(sender));
        delivery.begin(content_type.into()).await;
        for chunk in chunks {
            delivery.chunk(Bytes::from_static(chunk)).await;
        }
        assert_eq!(delivery.end().await, Reply::Streamed);
        drop(delivery);
        let mut parts = Vec::new();
        while let Some(part) = receiver.recv().await {
            parts.push(part);
        }
        parts
    }

    fn chunk(bytes: &'static [u8]) -> StreamPart {
        StreamPart::Chunk(Bytes::from_static(bytes))
    }

    #[tokio::test]
    async fn metadata_is_cut_off_wherever_the_delimiter_falls() {
        let head = StreamPart::Head {
            content_type: HTTP_RESPONSE.into(),
            prelude: Some(Bytes::from_static(br#"{"statusCode":201}"#)),
        };
        for chunks in [
            vec![&b"{\"statusCode\":201}\0\0\0\0\0\0\0\0body"[..]],
            vec![b"{\"statusCode\":201}", b"\0\0\0\0\0\0\0\0", b"body"],
            vec![b"{\"statusCode\":", b"201}\0\0\0\0", b"\0\0\0\0body"],
        ] {
            assert_eq!(parts(HTTP_RESPONSE, &chunks).await, [head.clone(), chunk(b"body"), StreamPart::End]);
        }
    }

    #[tokio::test]
    async fn another_content_type_has_no_metadata() {
        let head = StreamPart::Head { content_type: "text/plain".into(), prelude: None };
        assert_eq!(
            parts("text/plain", &[b"a", b"b"]).await,
            [head, chunk(b"a"), chunk(b"b"), StreamPart::End]
        );
    }

    #[tokio::test]
    async fn a_buffered_response_is_bounded_at_the_byte() {
        for (length, fits) in [(5, true), (6, false)] {
            let mut delivery = Delivery::new(ResponseMode::Buffered { bytes_max: 5 });
            let reply = delivery.whole("application/json".into(), vec![b'1'; length].into()).await;
            assert_eq!(matches!(reply, Reply::Success { .. }), fits, "{reply:?}");
            let mut delivery = Delivery::new(ResponseMode::Buffered { bytes_max: 5 });
            delivery.begin("text/plain".into()).await;
            for _ in 0..length {
                delivery.chunk(Bytes::from_static(b"1")).await;
            }
            assert_eq!(matches!(delivery.end().await, Reply::Success { .. }), fits);
        }
    }
}
