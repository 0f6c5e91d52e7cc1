//! Notifications: who is told of which events of a bucket.
//!
//! Source: user guide, "Amazon S3 Event Notifications" and "Configuring event notifications using object key name
//! filtering".

pub(crate) mod event;
mod filter;
mod permission;
pub(crate) mod record;
pub(crate) mod target;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use service::Ids;

use crate::error::{Error, invalid_argument};
use crate::events::Cause;

pub(crate) use filter::Filter;

const CONFIGURATIONS_MAX: usize = 100;
const ID_CHARS_MAX: usize = 255;

/// The notification configuration of a bucket. An empty one switches notifications off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Notification {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) topic_configurations: Vec<ToTopic>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) queue_configurations: Vec<ToQueue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) lambda_function_configurations: Vec<ToFunction>,
    /// Present when all events go to EventBridge, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event_bridge_configuration: Option<Switch>,
}

/// A structure without members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Switch {}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ToTopic {
    pub(crate) topic_arn: String,
    #[serde(flatten)]
    pub(crate) rule: Rule,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ToQueue {
    pub(crate) queue_arn: String,
    #[serde(flatten)]
    pub(crate) rule: Rule,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ToFunction {
    pub(crate) lambda_function_arn: String,
    #[serde(flatten)]
    pub(crate) rule: Rule,
}

/// Which events one target is told of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Rule {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    pub(crate) events: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) filter: Option<Filter>,
}

impl Notification {
    pub(crate) fn rules(&self) -> impl Iterator<Item = &Rule> {
        let topics = self.topic_configurations.iter().map(|to| &to.rule);
        let queues = self.queue_configurations.iter().map(|to| &to.rule);
        topics.chain(queues).chain(self.lambda_function_configurations.iter().map(|to| &to.rule))
    }

    fn rules_mut(&mut self) -> impl Iterator<Item = &mut Rule> {
        let topics = self.topic_configurations.iter_mut().map(|to| &mut to.rule);
        let queues = self.queue_configurations.iter_mut().map(|to| &mut to.rule);
        topics.chain(queues).chain(self.lambda_function_configurations.iter_mut().map(|to| &mut to.rule))
    }

    /// Checks everything but the targets, names the rules that have no id, and writes filters as S3 answers them.
    pub(crate) fn check(&mut self, ids: &Ids) -> Result<(), Error> {
        let mut known = HashSet::new();
        for rule in self.rules_mut() {
            rule.check()?;
            let id = rule.id.get_or_insert_with(|| ids.uuid());
            if id.chars().count() > ID_CHARS_MAX {
                return Err(invalid_argument(
                    format!("Notification configuration id cannot be longer than {ID_CHARS_MAX} characters"),
                    "Id",
                    id,
                ));
            }
            if !known.insert(id.clone()) {
                return Err(Error::new(
                    "InvalidArgument",
                    400,
                    "Same ID used for multiple configurations. IDs must be unique",
                ));
            }
        }
        if known.len() > CONFIGURATIONS_MAX {
            return Err(Error::new(
                "InvalidArgument",
                400,
                format!(
                    "You cannot have more than {CONFIGURATIONS_MAX} notification configurations in a bucket."
                ),
            ));
        }
        self.check_overlaps()
    }

    /// An event reaches at most one rule.
    fn check_overlaps(&self) -> Result<(), Error> {
        let rules: Vec<&Rule> = self.rules().collect();
        for (index, one) in rules.iter().enumerate() {
            for other in &rules[index + 1..] {
                let Some((event, its)) = one.shared_event(other) else { continue };
                let none = Filter::default();
                let (filter, others) =
                    (one.filter.as_ref().unwrap_or(&none), other.filter.as_ref().unwrap_or(&none));
                if !filter.overlaps(others) {
                    continue;
                }
                if filter.is_empty() && others.is_empty() {
                    return Err(invalid_argument(
                        "Configurations overlap. Configurations on the same bucket cannot share a common event \
                         type.",
                        "Event",
                        &format!("{event}, {its}"),
                    ));
                }
                return Err(Error::new(
                    "InvalidArgument",
                    400,
                    "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the \
                     prefixes are overlapping for the same event type.",
                ));
            }
        }
        Ok(())
    }
}

impl Rule {
    fn check(&mut self) -> Result<(), Error> {
        if self.events.is_empty() {
            return Err(crate::error::malformed_xml());
        }
        if let Some(event) = self.events.iter().find(|event| !event::is_configurable(event)) {
            return Err(invalid_argument(
                "A specified event is not supported for notifications.",
                "Event",
                event,
            ));
        }
        self.filter.as_mut().map_or(Ok(()), Filter::check)
    }

    /// Two names, one of each rule, that cover a common event.
    fn shared_event<'a>(&'a self, other: &'a Rule) -> Option<(&'a str, &'a str)> {
        self.events.iter().find_map(|event| {
            let its = other.events.iter().find(|its| event::share(event, its))?;
            Some((event.as_str(), its.as_str()))
        })
    }

    /// Whether the target is told of this event.
    pub(crate) fn covers(&self, event: Cause, key: &str) -> bool {
        self.events.iter().any(|name| event::covers(name, event))
            && self.filter.as_ref().is_none_or(|filter| filter.covers(key))
    }
}
