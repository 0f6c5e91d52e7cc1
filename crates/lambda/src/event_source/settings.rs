//! What can be set on a mapping, with AWS's defaults and words.

use serde::{Deserialize, Serialize};
use service::{EventPattern, Failure, Result};

use crate::error::Error;

/// Records of one batch of a stream unless asked otherwise.
const BATCH_RECORDS_DEFAULT: u32 = 100;
/// Filters of one mapping (Lambda quotas, the raised limit).
const FILTERS_MAX: usize = 10;
/// The youngest age at which records can be given up.
const RECORD_AGE_SECONDS_MIN: i64 = 60;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) batch_size: u32,
    pub(crate) batching_window_seconds: u32,
    pub(crate) parallelization_factor: u32,
    pub(crate) filters: Option<FilterCriteria>,
    #[serde(default)]
    pub(crate) destinations: DestinationConfig,
    /// `None`: as long as the stream has the record.
    pub(crate) record_age_seconds_max: Option<u32>,
    pub(crate) bisect_on_error: bool,
    /// `None`: until the record is too old.
    pub(crate) retries_max: Option<u32>,
    pub(crate) tumbling_window_seconds: u32,
    pub(crate) response_types: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct FilterCriteria {
    #[serde(default)]
    pub(crate) filters: Vec<Filter>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Filter {
    pub(crate) pattern: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DestinationConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) on_success: Option<Destination>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) on_failure: Option<Destination>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Destination {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) destination: Option<String>,
}

/// What a request asks for; what it leaves out stays as it is.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Asked {
    pub(crate) batch_size: Option<u32>,
    pub(crate) batching_window_seconds: Option<u32>,
    pub(crate) parallelization_factor: Option<u32>,
    pub(crate) filters: Option<FilterCriteria>,
    pub(crate) destinations: Option<DestinationConfig>,
    pub(crate) record_age_seconds_max: Option<i64>,
    pub(crate) bisect_on_error: Option<bool>,
    pub(crate) retries_max: Option<i64>,
    pub(crate) tumbling_window_seconds: Option<u32>,
    pub(crate) response_types: Option<Vec<String>>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            batch_size: BATCH_RECORDS_DEFAULT,
            batching_window_seconds: 0,
            parallelization_factor: 1,
            filters: None,
            destinations: DestinationConfig { on_success: None, on_failure: Some(Destination::default()) },
            record_age_seconds_max: None,
            bisect_on_error: false,
            retries_max: None,
            tumbling_window_seconds: 0,
            response_types: Vec::new(),
        }
    }
}

impl Settings {
    /// These settings with what was asked for; nothing changes when a rule is broken.
    pub(crate) fn with(&self, asked: Asked) -> Result<Self> {
        let mut next = self.clone();
        set(&mut next.batch_size, asked.batch_size);
        set(&mut next.batching_window_seconds, asked.batching_window_seconds);
        set(&mut next.parallelization_factor, asked.parallelization_factor);
        set(&mut next.bisect_on_error, asked.bisect_on_error);
        set(&mut next.tumbling_window_seconds, asked.tumbling_window_seconds);
        set(&mut next.response_types, asked.response_types);
        if let Some(filters) = asked.filters {
            check_filters(&filters)?;
            next.filters = (!filters.filters.is_empty()).then_some(filters);
        }
        if let Some(destinations) = asked.destinations {
            next.destinations = checked_destinations(destinations)?;
        }
        if let Some(age) = asked.record_age_seconds_max {
            if (0..RECORD_AGE_SECONDS_MIN).contains(&age) {
                return Err(Error::parameter(format!(
                    "MaximumRecordAgeInSeconds must be -1, or at least {RECORD_AGE_SECONDS_MIN} seconds."
                ))
                .into());
            }
            next.record_age_seconds_max = u32::try_from(age).ok();
        }
        if let Some(retries) = asked.retries_max {
            next.retries_max = u32::try_from(retries).ok();
        }
        if next.tumbling_window_seconds > 0 && next.parallelization_factor > 1 {
            return Err(Failure::unsupported(
                "tumbling windows together with a parallelization factor above 1 of event source mappings",
            ));
        }
        Ok(next)
    }

    pub(crate) fn reports_item_failures(&self) -> bool {
        self.response_types.iter().any(|kind| kind == "ReportBatchItemFailures")
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn check_filters(filters: &FilterCriteria) -> Result<()> {
    if filters.filters.len() > FILTERS_MAX {
        return Err(Error::parameter(format!(
            "The maximum number of filters for an event source mapping is {FILTERS_MAX}."
        ))
        .into());
    }
    for filter in &filters.filters {
        let pattern = filter.pattern.as_deref().unwrap_or_default();
        // An empty pattern, also the empty object, wants everything.
        if !matches!(pattern.trim(), "" | "{}") && EventPattern::parse(pattern).is_err() {
            return Err(Error::parameter("Invalid filter pattern definition.").into());
        }
    }
    Ok(())
}

fn checked_destinations(asked: DestinationConfig) -> Result<DestinationConfig> {
    if asked.on_success.as_ref().is_some_and(|on_success| on_success.destination.is_some()) {
        return Err(Error::parameter(
            "Unsupported DestinationConfig parameter for given event source mapping type.",
        )
        .into());
    }
    let on_failure = asked.on_failure.unwrap_or_default();
    if let Some(destination) = on_failure.destination.as_deref().filter(|arn| !arn.is_empty()) {
        super::failure::check(destination)?;
    }
    let destination = on_failure.destination.filter(|arn| !arn.is_empty());
    Ok(DestinationConfig { on_success: None, on_failure: Some(Destination { destination }) })
}
