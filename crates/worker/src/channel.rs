//! The socket to one of our runtime clients.

use std::io::{self, IoSlice};

use bytes::{Buf, Bytes};
use tokio::net::UnixStream;

use crate::frame::{self, Decoder, Frame, FrameError, Kind};

/// Memory kept for the next frame between two of them.
const READ_BYTES: usize = 16 * 1024;

#[derive(Debug)]
pub(crate) struct Channel {
    stream: UnixStream,
    decoder: Decoder,
}

/// Why no frame can be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReceiveError {
    /// The process ended or closed its end.
    #[error("the runtime closed its connection")]
    Closed,
    #[error(transparent)]
    Frame(#[from] FrameError),
}

impl Channel {
    pub(crate) fn new(control: std::os::unix::net::UnixStream) -> io::Result<Self> {
        control.set_nonblocking(true)?;
        Ok(Self { stream: UnixStream::from_std(control)?, decoder: Decoder::default() })
    }

    /// The next frame. May be dropped while waiting: what was read stays.
    pub(crate) async fn receive(&mut self) -> Result<Frame, ReceiveError> {
        loop {
            if let Some(frame) = self.decoder.next()? {
                return Ok(frame);
            }
            self.decoder.buffer.reserve(READ_BYTES);
            match self.stream.try_read_buf(&mut self.decoder.buffer) {
                Ok(0) => return Err(ReceiveError::Closed),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stream.readable().await.map_err(|_| ReceiveError::Closed)?;
                }
                Err(_) => return Err(ReceiveError::Closed),
            }
        }
    }

    /// Sends one frame whose body is `prefix` followed by `body`, in one system call if it fits.
    pub(crate) async fn send(&mut self, kind: Kind, prefix: &[u8], mut body: Bytes) -> io::Result<()> {
        let mut first = Vec::with_capacity(frame::HEAD_BYTES + prefix.len());
        first.extend_from_slice(&frame::head(kind, prefix.len() + body.len()));
        first.extend_from_slice(prefix);
        let mut first = Bytes::from(first);
        while first.has_remaining() || body.has_remaining() {
            match self.stream.try_write_vectored(&[IoSlice::new(&first), IoSlice::new(&body)]) {
                Ok(written) => {
                    let of_first = written.min(first.len());
                    first.advance(of_first);
                    body.advance(written - of_first);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.stream.writable().await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether the process can still be talked to, as far as is known without waiting.
    pub(crate) fn is_open(&mut self) -> bool {
        match self.stream.try_read_buf(&mut self.decoder.buffer) {
            _ if !self.decoder.buffer.is_empty() => false,
            // A client that speaks unasked has broken the rules and cannot be trusted with a call.
            Ok(_) => false,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }
}
