//! A record as the store keeps it.
//!
//! One byte of format, one of the event, one of who made the change, eight of the time; then keys, old and new image, each
//! after four bytes of its length (all ones: there is none). Images are items in their stored form.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use service::Result;

const FORMAT: u8 = 1;
const ABSENT: u32 = u32::MAX;

/// What happened to the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventName {
    Insert,
    Modify,
    Remove,
}

impl EventName {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            EventName::Insert => "INSERT",
            EventName::Modify => "MODIFY",
            EventName::Remove => "REMOVE",
        }
    }
}

/// Who changed the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangedBy {
    Client,
    /// The service itself, because the item had expired.
    TimeToLive,
}

/// One change; its sequence is that of its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) event: EventName,
    pub(crate) by: ChangedBy,
    pub(crate) at_epoch_millis: i64,
    pub(crate) keys: Bytes,
    pub(crate) old: Option<Bytes>,
    pub(crate) new: Option<Bytes>,
}

impl Entry {
    pub(crate) fn encode(&self) -> Bytes {
        let parts = [Some(&self.keys), self.old.as_ref(), self.new.as_ref()];
        let length: usize = parts.iter().map(|part| 4 + part.map_or(0, |part| part.len())).sum();
        let mut bytes = BytesMut::with_capacity(11 + length);
        bytes.put_u8(FORMAT);
        bytes.put_u8(match self.event {
            EventName::Insert => 0,
            EventName::Modify => 1,
            EventName::Remove => 2,
        });
        bytes.put_u8(match self.by {
            ChangedBy::Client => 0,
            ChangedBy::TimeToLive => 1,
        });
        bytes.put_i64(self.at_epoch_millis);
        for part in parts {
            match part {
                // A value of the store is far below four gigabytes.
                Some(part) => {
                    bytes.put_u32(part.len() as u32);
                    bytes.put_slice(part);
                }
                None => bytes.put_u32(ABSENT),
            }
        }
        bytes.freeze()
    }

    pub(crate) fn decode(value: &Bytes) -> Result<Self> {
        Self::read(value.clone()).ok_or_else(|| anyhow::anyhow!("a record does not read").into())
    }

    /// When the change was made, without reading the rest.
    pub(crate) fn time(value: &[u8]) -> Option<i64> {
        Some(i64::from_be_bytes(value.get(3..11)?.try_into().ok()?))
    }

    fn read(mut bytes: Bytes) -> Option<Self> {
        if bytes.len() < 11 || bytes.get_u8() != FORMAT {
            return None;
        }
        let event = match bytes.get_u8() {
            0 => EventName::Insert,
            1 => EventName::Modify,
            2 => EventName::Remove,
            _ => return None,
        };
        let by = match bytes.get_u8() {
            0 => ChangedBy::Client,
            1 => ChangedBy::TimeToLive,
            _ => return None,
        };
        let at_epoch_millis = bytes.get_i64();
        let keys = part(&mut bytes)??;
        let old = part(&mut bytes)?;
        let new = part(&mut bytes)?;
        Some(Entry { event, by, at_epoch_millis, keys, old, new })
    }
}

fn part(bytes: &mut Bytes) -> Option<Option<Bytes>> {
    if bytes.len() < 4 {
        return None;
    }
    let length = bytes.get_u32();
    if length == ABSENT {
        return Some(None);
    }
    let length = usize::try_from(length).ok()?;
    (bytes.len() >= length).then(|| Some(bytes.split_to(length)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn entries_come_back(
            keys in proptest::collection::vec(any::<u8>(), 0..20),
            old in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20)),
            new in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20)),
            at in any::<i64>(),
        ) {
            let entry = Entry {
                event: EventName::Modify,
                by: ChangedBy::TimeToLive,
                at_epoch_millis: at,
                keys: keys.into(),
                old: old.map(Bytes::from),
                new: new.map(Bytes::from),
            };
            let bytes = entry.encode();
            prop_assert_eq!(Entry::time(&bytes), Some(at));
            prop_assert_eq!(Entry::decode(&bytes).unwrap(), entry);
        }

        #[test]
        fn nothing_else_is_taken_for_one(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Entry::decode(&Bytes::from(bytes));
        }
    }
}
