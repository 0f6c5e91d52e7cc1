//! The errors of the API, with the texts that clients match.

use serde::Serialize;
use service::WireError;

#[derive(Debug, thiserror::Error, Serialize)]
#[expect(clippy::enum_variant_names, reason = "variants are named as the error shapes of the model")]
pub(crate) enum Error {
    #[error("{0}")]
    InvalidLookupAttributesException(#[serde(skip)] &'static str),
    #[error("A maximum of {0} results can be requested at a time.")]
    InvalidMaxResultsException(#[serde(skip)] usize),
    #[error("The NextToken that you specified is not valid.")]
    InvalidNextTokenException,
    #[error("The start time must be earlier than the end time.")]
    InvalidTimeRangeException,
    #[error("A valid value for EventCategory is insight.")]
    InvalidEventCategoryException,
}

impl WireError for Error {}
