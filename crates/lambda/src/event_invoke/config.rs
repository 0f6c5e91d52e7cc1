//! How the events of a function, a version or an alias are treated.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use service::{Context, Result};
use wire::Timestamp;

use super::destination;
use super::schedule::{AGE_SECONDS_DEFAULT, Limits, RETRIES_DEFAULT};
use crate::error::Error;
use crate::functions::{function, rows};
use crate::name::{LATEST, Target, qualified_arn, version_number};
use crate::tables::{ALIASES, VERSIONS, member_key, version_key};

/// The row; what is `None` was not configured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct EventInvokeConfig {
    pub(crate) modified_epoch_millis: i64,
    pub(crate) retries_max: Option<u32>,
    pub(crate) age_seconds_max: Option<u32>,
    pub(crate) on_success: Option<String>,
    pub(crate) on_failure: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DestinationConfig {
    on_success: Option<Side>,
    on_failure: Option<Side>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Side {
    destination: Option<String>,
}

/// What a request asks for; the model has checked the ranges.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) maximum_retry_attempts: Option<u32>,
    pub(crate) maximum_event_age_in_seconds: Option<u32>,
    pub(crate) destination_config: Option<DestinationConfig>,
}

/// The configuration as the API shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ConfigView {
    last_modified: Timestamp,
    function_arn: String,
    maximum_retry_attempts: Option<u32>,
    maximum_event_age_in_seconds: Option<u32>,
    destination_config: DestinationConfig,
}

impl EventInvokeConfig {
    pub(crate) fn limits(&self) -> Limits {
        let seconds = self.age_seconds_max.unwrap_or(AGE_SECONDS_DEFAULT);
        Limits {
            retries_max: self.retries_max.unwrap_or(RETRIES_DEFAULT),
            age_max: Duration::from_secs(seconds.into()),
        }
    }

    /// Replaces what is wanted and leaves the rest.
    pub(crate) fn apply(&mut self, cx: &Context, wanted: &Wanted) {
        self.modified_epoch_millis = cx.now().epoch_millis();
        self.retries_max = wanted.maximum_retry_attempts.or(self.retries_max);
        self.age_seconds_max = wanted.maximum_event_age_in_seconds.or(self.age_seconds_max);
        if let Some(destinations) = &wanted.destination_config {
            if let Some(side) = &destinations.on_success {
                self.on_success = side.named().map(str::to_owned);
            }
            if let Some(side) = &destinations.on_failure {
                self.on_failure = side.named().map(str::to_owned);
            }
        }
    }

    pub(crate) fn view(self, target: &Target) -> ConfigView {
        let side = |destination| Some(Side { destination });
        ConfigView {
            last_modified: Timestamp::from_epoch_millis(self.modified_epoch_millis),
            function_arn: arn_of(target),
            maximum_retry_attempts: self.retries_max,
            maximum_event_age_in_seconds: self.age_seconds_max,
            destination_config: DestinationConfig {
                on_success: side(self.on_success),
                on_failure: side(self.on_failure),
            },
        }
    }
}

impl Side {
    /// An empty ARN takes the destination away.
    fn named(&self) -> Option<&str> {
        self.destination.as_deref().filter(|arn| !arn.is_empty())
    }
}

impl Wanted {
    /// Refuses a request that asks for nothing, and destinations that are not there.
    pub(crate) async fn check(&self, cx: &Context, target: &Target) -> Result<()> {
        let nothing = self.maximum_retry_attempts.is_none()
            && self.maximum_event_age_in_seconds.is_none()
            && self.destination_config.is_none();
        if nothing {
            let text = "You must specify at least one of error handling or destination setting.";
            return Err(Error::parameter(text).into());
        }
        require(cx, target).await?;
        let Some(destinations) = &self.destination_config else { return Ok(()) };
        for side in [&destinations.on_success, &destinations.on_failure].into_iter().flatten() {
            if let Some(arn) = side.named() {
                destination::check(cx, target, arn).await?;
            }
        }
        Ok(())
    }
}

/// Checks that the function and its qualifier are there.
pub(crate) async fn require(cx: &Context, target: &Target) -> Result<()> {
    let missing = || Error::not_found("The function doesn't exist.");
    if let Err(failure) = function(cx, target).await {
        return Err(if failure.code() == "ResourceNotFoundException" { missing().into() } else { failure });
    }
    let found = match target.qualifier_or_latest() {
        LATEST => true,
        qualifier => match version_number(qualifier) {
            Some(number) => {
                let key = version_key(&target.name, number);
                rows(cx, &target.scope, &VERSIONS).get(&key).await?.is_some()
            }
            None => {
                let key = member_key(&target.name, qualifier);
                rows(cx, &target.scope, &ALIASES).get(&key).await?.is_some()
            }
        },
    };
    if found { Ok(()) } else { Err(missing().into()) }
}

/// The ARN that the API shows: always with a qualifier.
pub(crate) fn arn_of(target: &Target) -> String {
    qualified_arn(&target.scope, &target.name, target.qualifier_or_latest()).to_string()
}

pub(crate) fn missing(target: &Target) -> Error {
    Error::not_found(format!("The function {} doesn't have an EventInvokeConfig", arn_of(target)))
}
