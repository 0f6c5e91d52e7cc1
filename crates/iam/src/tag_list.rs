//! Tags in the form of IAM: a list of keys and values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use service::{TagError, Tags};

use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    pub key: String,
    pub value: String,
}

/// Adds tags; nothing changes when a rule is broken.
pub(crate) fn add(tags: &mut Tags, added: Vec<Tag>) -> Result<(), Error> {
    let mut fresh = BTreeMap::new();
    for tag in added {
        let same = |key: &String| key.to_lowercase() == tag.key.to_lowercase();
        if fresh.keys().any(same) {
            return Err(Error::InvalidInputException(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.".into(),
            ));
        }
        fresh.insert(tag.key, tag.value);
    }
    tags.merge(fresh).map_err(|error| match error {
        TagError::TooMany => Error::over_quota("TagsPerResource", 50),
        other => Error::InvalidInputException(other.to_string()),
    })
}

pub(crate) fn list(tags: &Tags) -> Vec<Tag> {
    tags.0.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}
