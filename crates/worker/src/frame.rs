//! Frames between the platform and our runtime clients: a 4 byte big-endian length of the body,
//! a 1 byte kind, the body. The client's side is untrusted: it runs beside the function's code.

use bytes::{Buf, Bytes, BytesMut};

use crate::policy::FRAME_BYTES_MAX;

/// Length and kind in front of every body.
pub(crate) const HEAD_BYTES: usize = 5;

/// What a frame means. Numbers below 16 go to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// JSON: the function this process now belongs to.
    Assign = 1,
    /// A length-prefixed JSON head, then the event as it came.
    Invoke = 2,
    /// The client runs and waits for `Assign`.
    Ready = 16,
    /// The function is loaded.
    Initialised = 17,
    /// JSON error; the process ends.
    InitError = 18,
    /// The JSON result.
    Response = 19,
    /// JSON error; the process goes on.
    Error = 20,
    /// JSON error; the process ends.
    FatalError = 21,
    /// JSON `{"content_type": …}`: a streamed response begins.
    StreamHead = 22,
    StreamChunk = 23,
    StreamEnd = 24,
    /// JSON error after the stream began.
    StreamError = 25,
}

impl Kind {
    fn from_client(byte: u8) -> Option<Self> {
        Some(match byte {
            16 => Self::Ready,
            17 => Self::Initialised,
            18 => Self::InitError,
            19 => Self::Response,
            20 => Self::Error,
            21 => Self::FatalError,
            22 => Self::StreamHead,
            23 => Self::StreamChunk,
            24 => Self::StreamEnd,
            25 => Self::StreamError,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) body: Bytes,
}

/// The peer broke the rules above; nothing after it can be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("a frame of {0} bytes is longer than {FRAME_BYTES_MAX} bytes")]
    TooLong(usize),
    #[error("a frame has the unknown kind {0}")]
    UnknownKind(u8),
}

/// Head of a frame whose body has `length` bytes. Bodies made here are bounded by their makers.
pub(crate) fn head(kind: Kind, length: usize) -> [u8; HEAD_BYTES] {
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    [length[0], length[1], length[2], length[3], kind as u8]
}

/// Cuts what was read into frames.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    pub(crate) buffer: BytesMut,
}

impl Decoder {
    /// The next complete frame, if it has arrived.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some((length, kind)) = self
            .buffer
            .first_chunk::<HEAD_BYTES>()
            .map(|head| (u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize, head[4]))
        else {
            return Ok(None);
        };
        let kind = Kind::from_client(kind).ok_or(FrameError::UnknownKind(kind))?;
        if length > FRAME_BYTES_MAX {
            return Err(FrameError::TooLong(length));
        }
        if self.buffer.len() < HEAD_BYTES + length {
            self.buffer.reserve(HEAD_BYTES + length - self.buffer.len());
            return Ok(None);
        }
        self.buffer.advance(HEAD_BYTES);
        Ok(Some(Frame { kind, body: self.buffer.split_to(length).freeze() }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CLIENT_KINDS: [Kind; 10] = [
        Kind::Ready,
        Kind::Initialised,
        Kind::InitError,
        Kind::Response,
        Kind::Error,
        Kind::FatalError,
        Kind::StreamHead,
        Kind::StreamChunk,
        Kind::StreamEnd,
        Kind::StreamError,
    ];

    proptest! {
        #[test]
        fn frames_survive_any_cutting(
            bodies in proptest::collection::vec((0..CLIENT_KINDS.len(), proptest::collection::vec(any::<u8>(), 0..200)), 0..20),
            step in 1..50_usize,
        ) {
            let mut bytes = Vec::new();
            for (kind, body) in &bodies {
                bytes.extend(head(CLIENT_KINDS[*kind], body.len()));
                bytes.extend(body);
            }
            let mut decoder = Decoder::default();
            let mut frames = Vec::new();
            for part in bytes.chunks(step) {
                decoder.buffer.extend_from_slice(part);
                while let Some(frame) = decoder.next().unwrap() {
                    frames.push((frame.kind, frame.body.to_vec()));
                }
            }
            let expected: Vec<_> = bodies.into_iter().map(|(kind, body)| (CLIENT_KINDS[kind], body)).collect();
            prop_assert_eq!(frames, expected);
            prop_assert!(decoder.buffer.is_empty());
        }

        #[test]
        fn any_bytes_are_frames_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
            let mut decoder = Decoder::default();
            decoder.buffer.extend_from_slice(&bytes);
            while let Ok(Some(_)) = decoder.next() {}
        }
    }

    #[test]
    fn a_length_above_the_limit_is_refused_before_memory_is_taken() {
        let mut decoder = Decoder::default();
        decoder.buffer.extend_from_slice(&head(Kind::Response, FRAME_BYTES_MAX));
        assert_eq!(decoder.next(), Ok(None));
        decoder.buffer.clear();
        decoder.buffer.extend_from_slice(&head(Kind::Response, FRAME_BYTES_MAX + 1));
        assert_eq!(decoder.next(), Err(FrameError::TooLong(FRAME_BYTES_MAX + 1)));
    }

    #[test]
    fn a_client_may_not_send_the_platforms_frames() {
        let mut decoder = Decoder::default();
        decoder.buffer.extend_from_slice(&head(Kind::Invoke, 0));
        assert_eq!(decoder.next(), Err(FrameError::UnknownKind(2)));
    }
}
