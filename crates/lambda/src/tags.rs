//! Tags of functions, with Lambda's wording of the common rules.

use std::collections::BTreeMap;

use service::{TagError, Tags};

use crate::error::Error;

/// Adds tags; nothing changes when a rule is broken.
pub(crate) fn merge(tags: &mut Tags, added: BTreeMap<String, String>) -> Result<(), Error> {
    tags.merge(added).map_err(|error| match error {
        TagError::TooMany => Error::parameter("Number of tags exceeds resource tag limit."),
        TagError::Reserved => {
            Error::parameter("Tag keys starting with \"aws:\" are reserved for system use and cannot be set.")
        }
        rule @ (TagError::Key | TagError::Value) => Error::parameter(format!("Invalid tag: {rule}.")),
    })
}
