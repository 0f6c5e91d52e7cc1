//! Reading events: any number of streams, merged in the order of their times, a page at a time.
//!
//! Streams are read one after the other, chunk by chunk, and only the best events are kept, so memory is bounded by
//! the page however much there is. Time is walked through in growing intervals, so that a search that finds little
//! ends with a token after [`SEARCH_BYTES_MAX`] instead of reading everything.

use std::collections::BTreeMap;

use service::Result;
use store::{Order, Snapshot};

use crate::chunk::{chunk_end, earliest_chunk, unpack};
use crate::keys::Keys;
use crate::limits::{
    CHUNKS_READ_AT_ONCE, EVENT_OVERHEAD_BYTES, PAGE_BYTES_MAX, SEARCH_BYTES_MAX, SEARCH_INTERVAL_MILLIS_FIRST,
};
use crate::pattern::Pattern;
use crate::position::{Direction, Position};

/// A stream that has events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub stream_id: String,
    pub stream_name: String,
    pub first_event: i64,
    pub last_event: i64,
}

/// An event that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub position: Position,
    /// The place of its stream among the sources.
    pub source: usize,
    pub message: String,
}

/// One page of events, in the order of their times whatever the direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub events: Vec<Found>,
    /// Where to go on: forward from this place, or backward to it, itself left out. `None`: that was all.
    pub rest: Option<Position>,
}

/// What to read.
pub(crate) struct Search<'a> {
    pub snapshot: &'a dyn Snapshot,
    pub keys: &'a Keys,
    pub group_id: &'a str,
    pub sources: &'a [Source],
    pub pattern: &'a Pattern,
    pub direction: Direction,
    pub events_max: usize,
}

impl Search<'_> {
    /// Reads a page of the events from `lower` up to but without `upper`.
    pub(crate) async fn page(&self, lower: Position, upper: Position) -> Result<Page> {
        let mut best = Best::new(self.direction, self.events_max);
        let mut bytes_read = 0;
        let mut interval = SEARCH_INTERVAL_MILLIS_FIRST;
        let first = self.sources.iter().map(|source| source.first_event).min();
        let last = self.sources.iter().map(|source| source.last_event).max();
        let (Some(first), Some(last)) = (first, last) else { return Ok(best.page(None)) };
        let mut lower = lower.max(Position::at(first));
        let mut upper = upper.min(Position::at(last.saturating_add(1)));
        while lower < upper {
            let part = match self.direction {
                Direction::Forward => {
                    lower..upper.min(Position::at(lower.timestamp.saturating_add(interval)))
                }
                Direction::Backward => {
                    lower.max(Position::at(upper.timestamp.saturating_sub(interval)))..upper
                }
            };
            for (index, source) in self.sources.iter().enumerate() {
                if source.first_event <= part.end.timestamp && source.last_event >= part.start.timestamp {
                    bytes_read += self.read(index, source, part.start, part.end, &mut best).await?;
                }
            }
            let rest = match self.direction {
                Direction::Forward => {
                    lower = part.end;
                    lower
                }
                Direction::Backward => {
                    upper = part.start;
                    upper
                }
            };
            if best.boundary.is_some() {
                return Ok(best.page(None));
            }
            if bytes_read >= SEARCH_BYTES_MAX && lower < upper {
                return Ok(best.page(Some(rest)));
            }
            interval = interval.saturating_mul(4);
        }
        Ok(best.page(None))
    }

    /// Reads one stream's part; gives the bytes it read.
    async fn read(
        &self,
        index: usize,
        source: &Source,
        lower: Position,
        upper: Position,
        best: &mut Best,
    ) -> Result<usize> {
        let stream = u64::from_str_radix(&source.stream_id, 16).unwrap_or(0);
        let from = earliest_chunk(lower.timestamp);
        let mut range = self.keys.chunks(self.group_id, &source.stream_id, from, upper.timestamp);
        let order = match self.direction {
            Direction::Forward => Order::Forward,
            Direction::Backward => Order::Backward,
        };
        let mut bytes_read = 0;
        loop {
            let rows = self.snapshot.scan(range.clone(), order, CHUNKS_READ_AT_ONCE).await?;
            for (key, row) in &rows {
                let Some((first_event, sequence)) = Keys::read_chunk(key) else { continue };
                if best.is_past(first_event) {
                    return Ok(bytes_read);
                }
                bytes_read += row.value.len();
                unpack(first_event, &row.value, |event| {
                    let position = Position {
                        timestamp: event.timestamp,
                        ingestion_time: event.ingestion_time,
                        stream,
                        sequence,
                        index: event.index,
                    };
                    let inside = lower <= position && position < upper;
                    if inside && best.wants(position) && self.pattern.matches(event.message) {
                        best.add(position, index, event.message);
                    }
                })
                .map_err(anyhow::Error::new)?;
            }
            let Some((last, _)) = rows.last().filter(|_| rows.len() == CHUNKS_READ_AT_ONCE) else {
                return Ok(bytes_read);
            };
            match order {
                Order::Forward => range.start = [&last[..], &[0]].concat().into(),
                Order::Backward => range.end = last.clone(),
            }
        }
    }
}

/// The events of a page while it is being found: those that come first in its direction, as many as fit.
struct Best {
    direction: Direction,
    events_max: usize,
    kept: BTreeMap<Position, (usize, String)>,
    bytes: usize,
    /// The first event that had to be left out: the page ends before it.
    boundary: Option<Position>,
}

impl Best {
    fn new(direction: Direction, events_max: usize) -> Self {
        Best { direction, events_max: events_max.max(1), kept: BTreeMap::new(), bytes: 0, boundary: None }
    }

    fn wants(&self, position: Position) -> bool {
        match (self.boundary, self.direction) {
            (None, _) => true,
            (Some(boundary), Direction::Forward) => position < boundary,
            (Some(boundary), Direction::Backward) => position > boundary,
        }
    }

    /// Whether neither a chunk that begins at this time nor those after it in the direction can add anything.
    fn is_past(&self, first_event: i64) -> bool {
        match (self.boundary, self.direction) {
            (None, _) => false,
            (Some(boundary), Direction::Forward) => first_event > boundary.timestamp,
            (Some(boundary), Direction::Backward) => chunk_end(first_event) <= boundary.timestamp,
        }
    }

    fn add(&mut self, position: Position, source: usize, message: &str) {
        self.bytes += message.len() + EVENT_OVERHEAD_BYTES;
        self.kept.insert(position, (source, message.to_owned()));
        while self.kept.len() > self.events_max || (self.bytes > PAGE_BYTES_MAX && self.kept.len() > 1) {
            let left_out = match self.direction {
                Direction::Forward => self.kept.pop_last(),
                Direction::Backward => self.kept.pop_first(),
            };
            let Some((position, (_, message))) = left_out else { return };
            self.bytes -= message.len() + EVENT_OVERHEAD_BYTES;
            self.boundary = Some(position);
        }
    }

    fn page(self, unread: Option<Position>) -> Page {
        let rest = match (self.boundary, self.direction) {
            (Some(boundary), Direction::Forward) => Some(boundary),
            (Some(boundary), Direction::Backward) => Some(boundary.next()),
            (None, _) => unread,
        };
        let found = |(position, (source, message))| Found { position, source, message };
        Page { events: self.kept.into_iter().map(found).collect(), rest }
    }
}
