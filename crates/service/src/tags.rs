//! Tags: the rules that all services share.
//!
//! Source: "Tag naming limits and requirements" of the tagging user guide.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) const TAGS_MAX: usize = 50;
pub(crate) const TAG_KEY_CHARS_MAX: usize = 128;
pub(crate) const TAG_VALUE_CHARS_MAX: usize = 256;

/// The tags of one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(pub BTreeMap<String, String>);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TagError {
    #[error("a resource has at most {TAGS_MAX} tags")]
    TooMany,
    #[error("tag keys have 1 to {TAG_KEY_CHARS_MAX} characters")]
    Key,
    #[error("tag values have at most {TAG_VALUE_CHARS_MAX} characters")]
    Value,
    #[error("tag keys must not begin with aws:")]
    Reserved,
}

impl Tags {
    /// Adds and overwrites; nothing changes when a rule is broken.
    pub fn merge(&mut self, added: BTreeMap<String, String>) -> Result<(), TagError> {
        for (key, value) in &added {
            if key.is_empty() || key.chars().count() > TAG_KEY_CHARS_MAX {
                return Err(TagError::Key);
            }
            if value.chars().count() > TAG_VALUE_CHARS_MAX {
                return Err(TagError::Value);
            }
            if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
                return Err(TagError::Reserved);
            }
        }
        let fresh = added.keys().filter(|key| !self.0.contains_key(*key)).count();
        if self.0.len() + fresh > TAGS_MAX {
            return Err(TagError::TooMany);
        }
        self.0.extend(added);
        Ok(())
    }

    pub fn remove<'a>(&mut self, keys: impl IntoIterator<Item = &'a String>) {
        for key in keys {
            self.0.remove(key);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merge(tags: &[(String, String)]) -> Result<(), TagError> {
        Tags::default().merge(tags.iter().cloned().collect())
    }

    #[test]
    fn limits_hold_at_their_edges() {
        let tag = |key: String, value: String| vec![(key, value)];
        assert_eq!(merge(&tag("k".repeat(128), "v".repeat(256))), Ok(()));
        assert_eq!(merge(&tag("k".repeat(129), String::new())), Err(TagError::Key));
        assert_eq!(merge(&tag(String::new(), String::new())), Err(TagError::Key));
        assert_eq!(merge(&tag("k".into(), "v".repeat(257))), Err(TagError::Value));
        assert_eq!(merge(&tag("AWS:k".into(), String::new())), Err(TagError::Reserved));
        let many = |count: usize| (0..count).map(|n| (format!("k{n}"), String::new())).collect::<Vec<_>>();
        assert_eq!(merge(&many(50)), Ok(()));
        assert_eq!(merge(&many(51)), Err(TagError::TooMany));
    }
}
