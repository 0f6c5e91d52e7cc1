use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use service::{Context, Operation, Result};

use crate::Logs;
use crate::error::Error;
use crate::pattern::Pattern;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TestMetricFilter {
    filter_pattern: String,
    log_event_messages: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct Output {
    matches: Vec<Match>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Match {
    /// Counted from 1.
    event_number: usize,
    event_message: String,
    extracted_values: BTreeMap<String, String>,
}

impl Operation for TestMetricFilter {
    type Service = Logs;
    type Output = Output;
    const NAME: &'static str = "TestMetricFilter";

    async fn run(self, _: &Logs, _: &Context) -> Result<Output> {
        let pattern =
            Pattern::parse(&self.filter_pattern).map_err(|error| Error::invalid(error.to_string()))?;
        let numbered = self.log_event_messages.into_iter().zip(1..);
        let matches = numbered
            .filter(|(message, _)| pattern.matches(message))
            .map(|(message, event_number)| Match {
                event_number,
                extracted_values: pattern.extract(&message),
                event_message: message,
            })
            .collect();
        Ok(Output { matches })
    }
}
