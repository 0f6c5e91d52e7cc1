//! The operations, one file each.

mod lookup_events;

pub(crate) use lookup_events::LookupEvents;
