//! What is wrong with an expression that can be read, by the order in which the service reports it.

/// Kinds of problems; the one that is reported first comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    Parentheses,
    /// Of an update or a projection.
    Reserved,
    UnknownFunction,
    MisusedFunction,
    /// Of a condition.
    ReservedInCondition,
    Section,
    UndefinedName,
    UndefinedValue,
    Overlap,
    Conflict,
    /// An operand that the section of an update cannot take, or too many or few of them in a condition.
    Operand,
    Distinct,
    Function,
}

/// The most important problem found so far; of one rank the first.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: Option<(Rank, String)>,
    /// Of the condition that is being read.
    here: Option<(Rank, String)>,
    /// Once a condition had a problem of its own, those of later ones are not told.
    has_closed: bool,
}

impl Problems {
    /// A problem of the expression as a whole.
    pub(crate) fn add(&mut self, rank: Rank, text: impl FnOnce() -> String) {
        keep_first(&mut self.found, rank, text);
    }

    /// A problem of the condition that is being read.
    pub(crate) fn add_here(&mut self, rank: Rank, text: impl FnOnce() -> String) {
        if !self.has_closed {
            keep_first(&mut self.here, rank, text);
        }
    }

    /// The condition has been read.
    pub(crate) fn close(&mut self) {
        if let Some((rank, text)) = self.here.take() {
            self.has_closed = true;
            self.add(rank, || text);
        }
    }

    pub(crate) fn first(mut self) -> Option<String> {
        self.close();
        self.found.map(|(_, text)| text)
    }
}

fn keep_first(place: &mut Option<(Rank, String)>, rank: Rank, text: impl FnOnce() -> String) {
    if place.as_ref().is_none_or(|(known, _)| rank < *known) {
        *place = Some((rank, text()));
    }
}
