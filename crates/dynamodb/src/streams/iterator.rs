//! Shard iterators: a place in a stream, for fifteen minutes.

use service::{Arn, Context, Result, Scope};
use wire::Timestamp;

use super::Stream;
use crate::error::{Error, invalid};
use crate::keys::Keys;
use crate::tables::decode;

/// How long an iterator is good for (GetShardIterator in the API reference).
const VALID_MILLIS: i64 = 15 * 60 * 1_000;

/// Where GetRecords goes on. On the wire `ARN|1|sequence|time`, numbers in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShardIterator {
    pub(crate) stream_arn: String,
    /// The next record to read; 0 for the oldest there is, whichever that is.
    pub(crate) next: u64,
    pub(crate) issued_epoch_millis: i64,
}

impl ShardIterator {
    pub(crate) fn new(stream: &Stream, cx: &Context, next: u64) -> Self {
        ShardIterator {
            stream_arn: stream.arn(cx.scope()).to_string(),
            next,
            issued_epoch_millis: cx.now().epoch_millis(),
        }
    }

    pub(crate) fn encode(&self) -> String {
        format!("{}|1|{:016x}|{:016x}", self.stream_arn, self.next, self.issued_epoch_millis)
    }

    pub(crate) fn decode(text: &str, now: Timestamp) -> Result<Self> {
        let iterator = Self::read(text).ok_or_else(|| invalid("Invalid ShardIterator"))?;
        let age = now.epoch_millis() - iterator.issued_epoch_millis;
        if age > VALID_MILLIS {
            return Err(Error::ExpiredIteratorException(format!(
                "Iterator expired. The iterator was created at time {} while right now it is {} which is further in the \
                 future than the tolerated delay of {VALID_MILLIS} milliseconds.",
                Timestamp::from_epoch_millis(iterator.issued_epoch_millis).to_rfc3339(),
                now.to_rfc3339()
            ))
            .into());
        }
        Ok(iterator)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(4, '|');
        let issued = i64::from_str_radix(parts.next()?, 16).ok()?;
        let next = u64::from_str_radix(parts.next()?, 16).ok()?;
        if parts.next()? != "1" {
            return None;
        }
        Some(ShardIterator { stream_arn: parts.next()?.to_owned(), next, issued_epoch_millis: issued })
    }
}

/// Table and label of a stream's ARN.
pub(crate) fn read_arn(scope: &Scope, text: &str) -> Option<(String, String)> {
    let arn: Arn = text.parse().ok()?;
    let here = arn.service() == "dynamodb"
        && arn.region() == scope.region.as_str()
        && arn.account() == scope.account.as_str();
    let (table, label) = arn.resource().strip_prefix("table/")?.split_once("/stream/")?;
    here.then(|| (table.to_owned(), label.to_owned()))
}

/// The stream of this ARN, enabled or not.
pub(crate) async fn find(cx: &Context, arn: &str) -> Result<Stream> {
    let missing =
        || Error::ResourceNotFoundException(format!("Requested resource not found: Stream: {arn} not found"));
    let (table, label) = read_arn(cx.scope(), arn).ok_or_else(missing)?;
    let snapshot = cx.platform().kv().snapshot().await?;
    let row = snapshot.get(&Keys::new(cx.scope()).stream(&table, &label)).await?;
    decode(&row.ok_or_else(missing)?.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iterators_come_back_until_they_expire() {
        let iterator =
            ShardIterator { stream_arn: "arn:aws:x|y".into(), next: 7, issued_epoch_millis: 1_000 };
        let text = iterator.encode();
        let at = |millis| ShardIterator::decode(&text, Timestamp::from_epoch_millis(millis));
        assert_eq!(at(1_000 + VALID_MILLIS).unwrap(), iterator);
        assert_eq!(at(1_001 + VALID_MILLIS).unwrap_err().code(), "ExpiredIteratorException");
        for text in ["", "a|b|c|d", "arn|2|0|0", "1|0|0"] {
            let refused = ShardIterator::decode(text, Timestamp::default());
            assert_eq!(refused.unwrap_err().code(), "ValidationException", "{text}");
        }
    }
}
