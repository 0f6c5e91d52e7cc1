//! Tumbling windows: a function sums up what happened in each interval, its state passed from call to call.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wire::Timestamp;

/// Largest state a function may hand back, in bytes of JSON.
pub(crate) const STATE_BYTES_MAX: usize = 1024 * 1024;

/// An interval that is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Window {
    pub(crate) start_epoch_millis: i64,
    pub(crate) end_epoch_millis: i64,
    pub(crate) state: Value,
}

impl Window {
    /// The interval that a time lies in.
    pub(crate) fn around(epoch_millis: i64, length_seconds: u32) -> Self {
        let length = i64::from(length_seconds.max(1)) * 1_000;
        let start = epoch_millis.div_euclid(length) * length;
        Window { start_epoch_millis: start, end_epoch_millis: start + length, state: json!({}) }
    }

    pub(crate) fn contains(&self, epoch_millis: i64) -> bool {
        // Records that come late belong to what is open.
        epoch_millis < self.end_epoch_millis
    }

    /// The members that an event has beside its records.
    pub(crate) fn add_to(&self, event: &mut Value, shard: &str, source_arn: &str, last: Last) {
        let time = |millis| Timestamp::from_epoch_millis(millis).to_rfc3339();
        event["window"] = json!({"start": time(self.start_epoch_millis), "end": time(self.end_epoch_millis)});
        event["state"] = self.state.clone();
        event["shardId"] = shard.into();
        event["eventSourceARN"] = source_arn.into();
        event["isFinalInvokeForWindow"] = (last == Last::Yes).into();
        event["isWindowTerminatedEarly"] = false.into();
    }
}

/// Whether a call is the last one of its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Last {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_lie_side_by_side() {
        let window = Window::around(125_500, 30);
        assert_eq!((window.start_epoch_millis, window.end_epoch_millis), (120_000, 150_000));
        assert!(window.contains(149_999) && window.contains(0) && !window.contains(150_000));
    }

    #[test]
    fn an_event_tells_its_window() {
        let mut event = json!({"Records": []});
        Window::around(0, 60).add_to(&mut event, "shard", "arn", Last::Yes);
        assert_eq!(event["window"]["end"], "1970-01-01T00:01:00Z");
        assert_eq!(event["isFinalInvokeForWindow"], true);
        assert_eq!(event["state"], json!({}));
    }
}
