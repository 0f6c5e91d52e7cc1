//! Standard output and error of a worker, cut into log events: a line each, or several lines where the
//! runtime client marked them as belonging together.

use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::task::{Context, Poll};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::policy::{LOG_EVENT_BYTES_MAX, OUTPUT_BURST_BYTES_MAX};

/// On the stack and set to zero for each look, so small: most looks find nothing.
const READ_BYTES: usize = 4 * 1024;

/// ASCII's unit separator. In front of a newline it says that the event goes on in the next line: so
/// the runtime clients keep a stack trace one event, as AWS's do. `clients/node/console.cjs` and
/// `clients/python/logs.py` write it.
const LINE_CONTINUES: u8 = 0x1f;

/// Both pipes of one worker.
#[derive(Debug)]
pub(crate) struct Output {
    pipes: [Pipe; 2],
}

#[derive(Debug)]
struct Pipe {
    /// `None` once the other end is closed.
    descriptor: Option<AsyncFd<OwnedFd>>,
    lines: LineCutter,
}

impl Output {
    pub(crate) fn new(stdout: OwnedFd, stderr: OwnedFd) -> io::Result<Self> {
        let pipe = |descriptor| {
            // SAFETY: the `AsyncFd` owns the descriptor and never gives it away, so it stays open
            // and the same for as long as it is registered.
            let descriptor = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }?;
            io::Result::Ok(Pipe { descriptor: Some(descriptor), lines: LineCutter::default() })
        };
        Ok(Self { pipes: [pipe(stdout)?, pipe(stderr)?] })
    }

    /// Waits until there may be output. Never returns when both pipes are closed.
    pub(crate) async fn ready(&self) {
        poll_fn(|context| self.poll_ready(context)).await;
    }

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        for pipe in &self.pipes {
            let Some(descriptor) = &pipe.descriptor else { continue };
            while let Poll::Ready(Ok(mut guard)) = descriptor.poll_read_ready(context) {
                if has_input(descriptor) {
                    return Poll::Ready(());
                }
                guard.clear_ready();
            }
        }
        Poll::Pending
    }

    /// Takes what is in the pipes now. Asks the kernel and not the event loop, which may not have
    /// heard yet of what was written before the response. Returns whether both pipes are closed.
    pub(crate) fn drain(&mut self, mut line: impl FnMut(String)) -> bool {
        let mut left = OUTPUT_BURST_BYTES_MAX;
        for pipe in &mut self.pipes {
            pipe.drain(&mut left, &mut line);
        }
        self.pipes.iter().all(|pipe| pipe.descriptor.is_none())
    }

    /// Ends lines that have no newline yet.
    pub(crate) fn finish_lines(&mut self, mut line: impl FnMut(String)) {
        for pipe in &mut self.pipes {
            pipe.lines.finish(&mut line);
        }
    }
}

/// Whether a read would give data or the end right now.
fn has_input(descriptor: &AsyncFd<OwnedFd>) -> bool {
    let mut poll = libc::pollfd { fd: descriptor.get_ref().as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: `poll` is one valid entry and the call does not wait.
    unsafe { libc::poll(&mut poll, 1, 0) > 0 }
}

impl Pipe {
    fn drain(&mut self, left: &mut usize, line: &mut impl FnMut(String)) {
        let Some(descriptor) = &self.descriptor else { return };
        let mut buffer = [0_u8; READ_BYTES];
        while *left > 0 {
            match nix::unistd::read(descriptor.get_ref().as_fd(), &mut buffer) {
                Ok(0) => {
                    self.descriptor = None;
                    return;
                }
                Ok(read) => {
                    *left = left.saturating_sub(read);
                    self.lines.push(&buffer[..read], line);
                }
                Err(nix::errno::Errno::EINTR) => {}
                Err(nix::errno::Errno::EAGAIN) => return,
                Err(_) => {
                    self.descriptor = None;
                    return;
                }
            }
        }
    }
}

/// Cuts bytes at newlines that end an event. What is longer than a log event may be is cut off.
#[derive(Debug, Default)]
struct LineCutter {
    line: Vec<u8>,
    /// The byte seen last in this event, kept or cut off.
    last: Option<u8>,
}

impl LineCutter {
    fn push(&mut self, mut bytes: &[u8], line: &mut impl FnMut(String)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.keep(&bytes[..end]);
            if self.last == Some(LINE_CONTINUES) {
                self.line.pop_if(|last| *last == LINE_CONTINUES);
                self.keep(b"\n");
            } else {
                self.emit(line);
            }
            bytes = &bytes[end + 1..];
        }
        self.keep(bytes);
    }

    fn finish(&mut self, line: &mut impl FnMut(String)) {
        if !self.line.is_empty() {
            self.emit(line);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LOG_EVENT_BYTES_MAX - self.line.len();
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.last = bytes.last().copied().or(self.last);
    }

    fn emit(&mut self, line: &mut impl FnMut(String)) {
        let bytes = std::mem::take(&mut self.line);
        self.last = None;
        line(
            String::from_utf8(bytes)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(parts: &[&[u8]]) -> Vec<String> {
        let mut cutter = LineCutter::default();
        let mut lines = Vec::new();
        for part in parts {
            cutter.push(part, &mut |line| lines.push(line));
        }
        cutter.finish(&mut |line| lines.push(line));
        lines
    }

    #[test]
    fn lines_end_at_newlines_and_at_the_end() {
        assert_eq!(cut(&[b"a\nb", b"c\n\n", b"d"]), ["a", "bc", "", "d"]);
        assert_eq!(cut(&[]), Vec::<String>::new());
        assert_eq!(cut(&[b"one\rtwo\n"]), ["one\rtwo"]);
    }

    #[test]
    fn marked_newlines_do_not_end_an_event() {
        assert_eq!(cut(&[b"a\x1f\nb\x1f\n\x1f\nc\nd"]), ["a\nb\n\nc", "d"]);
        assert_eq!(cut(&[b"a\x1f", b"\n", b"b\n\nc"]), ["a\nb", "", "c"]);
        assert_eq!(cut(&[b"a\x1fb\n"]), ["a\x1fb"]);
        let whole = vec![b'x'; LOG_EVENT_BYTES_MAX];
        let lines = cut(&[&whole, b"y\x1f\nz\nnext\n"]);
        assert_eq!(lines, [String::from_utf8(whole).unwrap(), "next".into()]);
    }

    #[test]
    fn a_line_is_cut_at_the_largest_event() {
        let whole = vec![b'x'; LOG_EVENT_BYTES_MAX];
        assert_eq!(cut(&[&whole, b"\nnext"]), [String::from_utf8(whole.clone()).unwrap(), "next".into()]);
        let lines = cut(&[&whole, b"y", b"zzz\nnext\n"]);
        assert_eq!(lines[0].len(), LOG_EVENT_BYTES_MAX);
        assert_eq!(lines[1], "next");
    }

    proptest! {
        #[test]
        fn cutting_does_not_depend_on_how_it_arrives(text in "[a-c\n\x1f]{0,80}", step in 1..9_usize) {
            let parts: Vec<&[u8]> = text.as_bytes().chunks(step).collect();
            prop_assert_eq!(cut(&parts), cut(&[text.as_bytes()]));
        }
    }
}
