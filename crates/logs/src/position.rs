//! The total order of events, and the tokens that name places in it.

use service::PageToken;

use crate::error::Error;

/// The place of one event among all events of a group: by time, then by ingestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Position {
    pub timestamp: i64,
    pub ingestion_time: i64,
    /// The stream's id.
    pub stream: u64,
    /// The chunk's sequence in its stream.
    pub sequence: u64,
    /// The event's place in its chunk.
    pub index: u32,
}

/// Which way a token leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Backward,
}

impl Position {
    /// Before all events of this time.
    pub(crate) fn at(timestamp: i64) -> Self {
        Position { timestamp, ingestion_time: 0, stream: 0, sequence: 0, index: 0 }
    }

    /// The first place after this one.
    pub(crate) fn next(self) -> Self {
        Position { index: self.index.saturating_add(1), ..self }
    }

    /// The 56 digits by which FilterLogEvents names an event; unique within the group.
    pub(crate) fn event_id(&self) -> String {
        let low = self.sequence.wrapping_mul(100_000) + u64::from(self.index);
        format!("3{:013}{:020}{:022}", self.timestamp, self.stream, low)
    }

    fn text(&self) -> String {
        let Position { timestamp, ingestion_time, stream, sequence, index } = self;
        format!("{timestamp}.{ingestion_time}.{stream}.{sequence}.{index}")
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let position = Position {
            timestamp: parts.next()?.parse().ok()?,
            ingestion_time: parts.next()?.parse().ok()?,
            stream: parts.next()?.parse().ok()?,
            sequence: parts.next()?.parse().ok()?,
            index: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(position)
    }
}

impl Direction {
    fn letter(self) -> &'static str {
        match self {
            Direction::Forward => "f",
            Direction::Backward => "b",
        }
    }
}

/// `f/…/s` or `b/…/s`, as GetLogEvents writes its tokens.
pub(crate) fn token(direction: Direction, position: Position) -> String {
    format!("{}/{}/s", direction.letter(), PageToken(position.text()).encode())
}

pub(crate) fn read_token(token: &str) -> Result<(Direction, Position), Error> {
    let (direction, rest) = match token.split_once('/') {
        Some(("f", rest)) => (Direction::Forward, rest),
        Some(("b", rest)) => (Direction::Backward, rest),
        _ => return Err(Error::invalid_token()),
    };
    let inner = rest.strip_suffix("/s").ok_or_else(Error::invalid_token)?;
    let PageToken(text) = PageToken::decode(inner).map_err(|_| Error::invalid_token())?;
    Position::read(&text).map(|position| (direction, position)).ok_or_else(Error::invalid_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back() {
        let position = Position { timestamp: 1, ingestion_time: 2, stream: 3, sequence: 4, index: 5 };
        for direction in [Direction::Forward, Direction::Backward] {
            assert_eq!(read_token(&token(direction, position)).unwrap(), (direction, position));
        }
        for text in ["", "f/", "f//s", "x/1aa/s", "f/131/s", "f/1zz/s"] {
            assert!(read_token(text).is_err(), "{text}");
        }
    }

    #[test]
    fn event_ids_have_56_digits() {
        let position = Position {
            timestamp: 1_700_000_000_000,
            ingestion_time: 0,
            stream: u64::MAX,
            sequence: 12,
            index: 9_999,
        };
        assert_eq!(position.event_id().len(), 56);
        assert_ne!(position.event_id(), position.next().event_id());
    }
}
