//! A mapping: its row, its states, and how the API shows it.

use serde::{Deserialize, Serialize};
use service::{Scope, Table};
use wire::Timestamp;

use super::Settings;
use super::settings::{DestinationConfig, FilterCriteria};

/// By account, region and id: one list of all for the supervisor.
pub(crate) static MAPPINGS: Table<Mapping> = Table::installation("lambda", "event-source-mappings");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Mapping {
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) source_arn: String,
    /// With its qualifier, where it was given one.
    pub(crate) function_arn: String,
    pub(crate) starting_position: Option<String>,
    pub(crate) settings: Settings,
    pub(crate) state: State,
    pub(crate) modified: Timestamp,
}

/// States as the API names them. The names that end in -ing are left by the supervisor, the others by a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    Creating,
    /// Created, or changed, to be disabled.
    Disabling,
    Disabled,
    Enabling,
    Enabled,
    Updating,
    Deleting,
}

impl State {
    pub(crate) fn is_settled(self) -> bool {
        matches!(self, State::Enabled | State::Disabled)
    }

    /// Whether a runner belongs to the mapping.
    pub(crate) fn wants_runner(self) -> bool {
        matches!(self, State::Creating | State::Enabling | State::Enabled | State::Updating)
    }

    /// What comes after the supervisor did its part; `None` for the end of the row.
    pub(crate) fn settled(self) -> Option<State> {
        match self {
            State::Creating | State::Enabling | State::Enabled | State::Updating => Some(State::Enabled),
            State::Disabling | State::Disabled => Some(State::Disabled),
            State::Deleting => None,
        }
    }
}

pub(crate) fn key(scope: &Scope, id: &str) -> String {
    format!("{}{id}", scope_prefix(scope))
}

pub(crate) fn scope_prefix(scope: &Scope) -> String {
    format!("{}/{}/", scope.account, scope.region)
}

impl Mapping {
    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:lambda:{}:{}:event-source-mapping:{}", self.region, self.account, self.id)
    }

    pub(crate) fn key(&self) -> String {
        format!("{}/{}/{}", self.account, self.region, self.id)
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MappingView {
    #[serde(rename = "UUID")]
    id: String,
    starting_position: Option<String>,
    batch_size: u32,
    maximum_batching_window_in_seconds: u32,
    parallelization_factor: u32,
    event_source_arn: String,
    filter_criteria: Option<FilterCriteria>,
    function_arn: String,
    last_modified: Timestamp,
    last_processing_result: &'static str,
    state: State,
    state_transition_reason: &'static str,
    destination_config: DestinationConfig,
    maximum_record_age_in_seconds: i64,
    bisect_batch_on_function_error: bool,
    maximum_retry_attempts: i64,
    tumbling_window_in_seconds: u32,
    function_response_types: Vec<String>,
    event_source_mapping_arn: String,
}

impl MappingView {
    pub(crate) fn new(mapping: &Mapping, last_processing_result: &'static str) -> Self {
        let settings = &mapping.settings;
        MappingView {
            id: mapping.id.clone(),
            starting_position: mapping.starting_position.clone(),
            batch_size: settings.batch_size,
            maximum_batching_window_in_seconds: settings.batching_window_seconds,
            parallelization_factor: settings.parallelization_factor,
            event_source_arn: mapping.source_arn.clone(),
            filter_criteria: settings.filters.clone(),
            function_arn: mapping.function_arn.clone(),
            last_modified: mapping.modified,
            last_processing_result,
            state: mapping.state,
            state_transition_reason: "User action",
            destination_config: settings.destinations.clone(),
            maximum_record_age_in_seconds: settings.record_age_seconds_max.map_or(-1, i64::from),
            bisect_batch_on_function_error: settings.bisect_on_error,
            maximum_retry_attempts: settings.retries_max.map_or(-1, i64::from),
            tumbling_window_in_seconds: settings.tumbling_window_seconds,
            function_response_types: settings.response_types.clone(),
            event_source_mapping_arn: mapping.arn(),
        }
    }
}
