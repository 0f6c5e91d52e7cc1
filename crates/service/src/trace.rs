//! The trace id that a request keeps through every service it touches (X-Ray tracing header form).

use std::fmt;

use wire::Timestamp;

use crate::Ids;

/// `Root=1-{epoch seconds, 8 hex}-{24 hex};Parent={16 hex};Sampled=0|1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    text: String,
}

impl Trace {
    const BYTES_MAX: usize = 256;

    pub fn new(now: Timestamp, ids: &Ids) -> Self {
        let seconds = now.epoch_millis() / 1_000;
        Trace {
            text: format!("Root=1-{seconds:08x}-{};Parent={};Sampled=0", ids.hex::<12>(), ids.hex::<8>()),
        }
    }

    /// A header sent by the client; `None` when it is too long or names no root.
    pub fn from_header(header: &str) -> Option<Self> {
        let plain = header.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        (header.len() <= Self::BYTES_MAX && plain && header.contains("Root="))
            .then(|| Trace { text: header.into() })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
