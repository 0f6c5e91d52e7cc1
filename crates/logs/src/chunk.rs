//! Chunks: many events in one value.
//!
//! A chunk holds events of one batch, in the order of their times, all within one aligned interval of
//! [`CHUNK_SPAN_MILLIS`]. Its key holds the time of its first event and its sequence in the stream. Its value:
//! the version byte, the time of ingestion (8 bytes, big-endian), then for each event the milliseconds since the
//! first one and the length of the message, both as LEB128, and the message.

use bytes::{BufMut, Bytes, BytesMut};

use crate::limits::{CHUNK_BYTES_MAX, CHUNK_SPAN_MILLIS, EVENT_OVERHEAD_BYTES};

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 9;

/// One event on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub timestamp: i64,
    pub message: String,
}

impl Event {
    /// What the event counts against quotas.
    pub(crate) fn counted_bytes(&self) -> usize {
        self.message.len() + EVENT_OVERHEAD_BYTES
    }
}

/// A chunk ready to be stored.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    pub first_event: i64,
    pub value: Bytes,
}

/// An event of a stored chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredEvent<'a> {
    pub timestamp: i64,
    pub ingestion_time: i64,
    /// Its place in the chunk.
    pub index: u32,
    pub message: &'a str,
}

/// The value of a chunk is not one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a chunk of log events is damaged: {0}")]
pub(crate) struct DamagedChunk(&'static str);

/// Packs events, sorted by time, into chunks.
pub(crate) fn pack(events: &[Event], ingestion_time: i64) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut value = BytesMut::new();
    let mut first_event = 0;
    for event in events {
        let timestamp = event.timestamp.max(0);
        let too_large = value.len() + event.message.len() > CHUNK_BYTES_MAX;
        let elsewhere = interval(timestamp) != interval(first_event) || timestamp < first_event;
        if !value.is_empty() && (too_large || elsewhere) {
            chunks.push(Chunk { first_event, value: value.split().freeze() });
        }
        if value.is_empty() {
            first_event = timestamp;
            value.put_u8(VERSION);
            value.put_i64(ingestion_time);
        }
        put_number(&mut value, timestamp.abs_diff(first_event));
        put_number(&mut value, event.message.len() as u64);
        value.put_slice(event.message.as_bytes());
    }
    if !value.is_empty() {
        chunks.push(Chunk { first_event, value: value.freeze() });
    }
    chunks
}

/// The earliest time at which a chunk with an event at this time can begin.
pub(crate) fn earliest_chunk(timestamp: i64) -> i64 {
    interval(timestamp).saturating_mul(CHUNK_SPAN_MILLIS)
}

/// The time that all events of a chunk that begins at this time are before.
pub(crate) fn chunk_end(first_event: i64) -> i64 {
    earliest_chunk(first_event).saturating_add(CHUNK_SPAN_MILLIS)
}

/// Calls `each` with the events of a chunk, in their order.
pub(crate) fn unpack<'a>(
    first_event: i64,
    value: &'a [u8],
    mut each: impl FnMut(StoredEvent<'a>),
) -> Result<(), DamagedChunk> {
    let (header, mut rest) = value.split_at_checked(HEADER_BYTES).ok_or(DamagedChunk("no header"))?;
    if header[0] != VERSION {
        return Err(DamagedChunk("unknown version"));
    }
    let ingestion_time = i64::from_be_bytes(*header.last_chunk().ok_or(DamagedChunk("no header"))?);
    let mut index = 0;
    while !rest.is_empty() {
        let since = take_number(&mut rest)?;
        let length = usize::try_from(take_number(&mut rest)?).map_err(|_| DamagedChunk("length"))?;
        let (message, after) = rest.split_at_checked(length).ok_or(DamagedChunk("cut off"))?;
        rest = after;
        let message = std::str::from_utf8(message).map_err(|_| DamagedChunk("not UTF-8"))?;
        let timestamp = first_event.saturating_add_unsigned(since);
        each(StoredEvent { timestamp, ingestion_time, index, message });
        index += 1;
    }
    Ok(())
}

fn interval(timestamp: i64) -> i64 {
    timestamp.max(0) / CHUNK_SPAN_MILLIS
}

fn put_number(value: &mut BytesMut, mut number: u64) {
    while number >= 0x80 {
        value.put_u8((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    value.put_u8(number as u8);
}

fn take_number(rest: &mut &[u8]) -> Result<u64, DamagedChunk> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first().ok_or(DamagedChunk("cut off"))?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(DamagedChunk("number"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unpacked(chunks: &[Chunk]) -> Vec<Event> {
        let mut events = Vec::new();
        for chunk in chunks {
            unpack(chunk.first_event, &chunk.value, |event| {
                assert_eq!(event.ingestion_time, 5);
                events.push(Event { timestamp: event.timestamp, message: event.message.into() });
            })
            .unwrap();
        }
        events
    }

    #[test]
    fn a_chunk_ends_with_its_interval_and_with_its_size() {
        let event = |timestamp, bytes| Event { timestamp, message: "x".repeat(bytes) };
        let firsts = |events: &[Event]| -> Vec<i64> {
            pack(events, 5).iter().map(|chunk| chunk.first_event).collect()
        };
        assert_eq!(firsts(&[event(59_998, 1), event(59_999, 1), event(60_000, 1)]), [59_998, 60_000]);
        assert_eq!(firsts(&[event(1, 40_000), event(2, 20_000), event(3, 20_000)]), [1, 3]);
        assert_eq!(firsts(&[event(1, 1_000_000), event(2, 1)]), [1, 2]);
        assert_eq!(firsts(&[]), [0_i64; 0]);
    }

    #[test]
    fn the_largest_event_fits_a_value_of_the_store() {
        let message = "x".repeat(crate::limits::EVENT_BYTES_MAX - EVENT_OVERHEAD_BYTES);
        let chunks = pack(&[Event { timestamp: i64::MAX, message }], 5);
        assert!(chunks[0].value.len() <= store::VALUE_BYTES_MAX);
    }

    proptest! {
        #[test]
        fn events_come_back(mut events in prop::collection::vec((0_i64..200_000, ".{0,40}"), 0..60)) {
            events.sort_by_key(|(time, _)| *time);
            let events: Vec<Event> =
                events.into_iter().map(|(timestamp, message)| Event { timestamp, message }).collect();
            prop_assert_eq!(unpacked(&pack(&events, 5)), events);
        }

        #[test]
        fn damaged_chunks_are_refused_or_read_but_never_panic(value in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = unpack(0, &value, |_| {});
        }
    }
}
