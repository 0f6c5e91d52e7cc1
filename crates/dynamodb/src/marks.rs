//! Going round what the marks of one kind of background work name.

use bytes::Bytes;
use service::{Platform, Scope};
use store::Order;

use crate::keys::{self, Mark, just_after};

/// One mark after the other, again and again.
pub(crate) struct Round {
    kind: Mark,
    /// The last one that was given.
    at: Option<Bytes>,
    again: bool,
}

impl Round {
    pub(crate) fn new(kind: Mark) -> Self {
        Round { kind, at: None, again: false }
    }

    /// Gives the last one once more the next time.
    pub(crate) fn again(&mut self) {
        self.again = true;
    }

    /// The next mark's key, its scope and what it names; `None` at the end of a round, after which it begins anew.
    pub(crate) async fn next(
        &mut self,
        platform: &Platform,
    ) -> anyhow::Result<Option<(Bytes, Scope, String)>> {
        loop {
            let mut range = keys::marks(self.kind);
            if let Some(at) = &self.at {
                range.start = if std::mem::take(&mut self.again) { at.clone() } else { just_after(at) };
            }
            let rows = platform.kv().snapshot().await?.scan(range, Order::Forward, 1).await?;
            self.at = rows.into_iter().next().map(|(key, _)| key);
            let Some(at) = &self.at else { return Ok(None) };
            if let Some((scope, rest)) = keys::read_mark(self.kind, at) {
                return Ok(Some((at.clone(), scope, rest)));
            }
        }
    }
}
