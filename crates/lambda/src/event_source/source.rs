//! Where records come from. A new kind of source is a second implementation of [`Source`].

use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use service::{Arn, Context, Failure, Result};

use crate::error::Error;

/// The ARN of a source, by its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SourceArn {
    DynamoDbStream(Arn),
}

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StartingPosition {
    TrimHorizon,
    Latest,
}

/// A place in a shard: what comes next is what comes after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Position {
    /// The oldest record there is.
    Horizon,
    /// The record after the one with this sequence number.
    After(String),
}

/// One record, in the form in which functions see it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SourceRecord {
    pub(crate) sequence: String,
    /// Records that share it are delivered in order.
    pub(crate) partition: String,
    pub(crate) arrived_epoch_millis: i64,
    pub(crate) json: Value,
}

/// Some records of a shard.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) records: Vec<SourceRecord>,
    /// Behind the last of them.
    pub(crate) next: Position,
    /// Nothing comes any more.
    pub(crate) ended: bool,
}

/// A stream of records in shards.
pub(crate) trait Source: Send + Sync + 'static {
    /// The shards there are now, oldest first.
    fn shards(&self, cx: &Context) -> impl Future<Output = Result<Vec<String>>> + Send;

    /// A place that stays what it means: after it comes what is written from now on.
    fn latest(&self, cx: &Context, shard: &str) -> impl Future<Output = Result<Position>> + Send;

    /// Records after a place, at most so many. Begins at the oldest where the place is gone.
    fn read(
        &self,
        cx: &Context,
        shard: &str,
        after: &Position,
        records_max: usize,
    ) -> impl Future<Output = Result<Chunk>> + Send;

    /// Waits until there is something after a place, or so long.
    fn wait(
        &self,
        cx: &Context,
        shard: &str,
        after: &Position,
        at_most: Duration,
    ) -> impl Future<Output = Result<()>> + Send;

    /// The member under which a failure record tells which records failed.
    fn batch_info_name(&self) -> &'static str;
}

impl SourceArn {
    /// Reads the ARN of a source that there is.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let unrecognized = || Failure::from(Error::parameter("Unrecognized event source."));
        let arn: Arn = text.parse().map_err(|_| unrecognized())?;
        match arn.service() {
            "dynamodb" => {
                let parts: Vec<&str> = arn.resource().splitn(4, '/').collect();
                match parts.as_slice() {
                    ["table", _, "stream", _] => Ok(SourceArn::DynamoDbStream(arn)),
                    _ => Err(unrecognized()),
                }
            }
            "sqs" | "kinesis" | "kafka" | "mq" | "rds" => Err(Failure::unsupported(format!(
                "event source mappings of {} (lambda:CreateEventSourceMapping)",
                arn.service()
            ))),
            _ => Err(unrecognized()),
        }
    }

    pub(crate) fn arn(&self) -> &Arn {
        let SourceArn::DynamoDbStream(arn) = self;
        arn
    }

    /// Reads the starting position that streams need.
    pub(crate) fn starting_position(&self, asked: Option<&str>) -> Result<StartingPosition> {
        match asked {
            None => Err(Failure::validation(
                "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must \
                 not be null.",
            )),
            Some("TRIM_HORIZON") => Ok(StartingPosition::TrimHorizon),
            Some("LATEST") => Ok(StartingPosition::Latest),
            Some(_) => {
                Err(Error::parameter(format!("Unsupported starting position for arn type: {}", self.arn()))
                    .into())
            }
        }
    }
}

impl StartingPosition {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            StartingPosition::TrimHorizon => "TRIM_HORIZON",
            StartingPosition::Latest => "LATEST",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_apart_by_their_arn() {
        let stream = "arn:aws:dynamodb:us-east-1:111122223333:table/t/stream/2026-01-02T03:04:05.678";
        let source = SourceArn::parse(stream).unwrap();
        assert_eq!(source.arn().as_str(), stream);
        let code = |text: &str| SourceArn::parse(text).unwrap_err().code().to_owned();
        assert_eq!(code("arn:aws:sqs:us-east-1:111122223333:queue"), "NotImplemented");
        assert_eq!(code("arn:aws:kinesis:us-east-1:111122223333:stream/s"), "NotImplemented");
        for text in ["", "x", "arn:aws:dynamodb:us-east-1:1:table/t", "arn:aws:s3:::bucket"] {
            assert_eq!(code(text), "InvalidParameterValueException", "{text}");
        }
        assert_eq!(source.starting_position(None).unwrap_err().code(), "ValidationException");
        let timestamp = source.starting_position(Some("AT_TIMESTAMP")).unwrap_err();
        assert_eq!(
            timestamp.to_string(),
            format!("InvalidParameterValueException: Unsupported starting position for arn type: {stream}")
        );
    }
}
