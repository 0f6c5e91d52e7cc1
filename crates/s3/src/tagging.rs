//! Tags of objects. Source: S3 user guide, "Categorizing your objects using tags".

use std::collections::HashSet;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use service::Result;

use crate::error::{Error, invalid_argument};

/// Tags of one object.
const TAGS_MAX: usize = 10;
/// Tags of one bucket.
const BUCKET_TAGS_MAX: usize = 50;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    pub(crate) key: String,
    pub(crate) value: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagSet {
    #[serde(default)]
    pub(crate) tag_set: Vec<Tag>,
}

/// The tags of a `x-amz-tagging` header.
pub(crate) fn parse_query(query: &str) -> Result<Vec<(String, String)>> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8().map(std::borrow::Cow::into_owned)
    };
    let mut tags = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Ok(key), Ok(value)) = (decoded(key), decoded(value)) else {
            let text = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without \
                        tag name duplicates.";
            return Err(invalid_argument(text, "x-amz-tagging", query).into());
        };
        tags.push((key, value));
    }
    check(tags)
}

/// The tags of a document.
pub(crate) fn read(tags: Vec<Tag>) -> Result<Vec<(String, String)>> {
    check(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

pub(crate) fn show(tags: &[(String, String)]) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}

/// The rules of PutBucketTagging.
pub(crate) fn check_bucket_tags(tags: &[Tag]) -> Result<()> {
    if tags.len() > BUCKET_TAGS_MAX {
        let text = format!("Bucket tag count cannot be greater than {BUCKET_TAGS_MAX}");
        return Err(Error::new("BadRequest", 400, text).into());
    }
    check_each(tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())))
}

fn check(tags: Vec<(String, String)>) -> Result<Vec<(String, String)>> {
    if tags.len() > TAGS_MAX {
        return Err(Error::new("BadRequest", 400, "Object tags cannot be greater than 10").into());
    }
    check_each(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))?;
    Ok(tags)
}

fn check_each<'a>(tags: impl Iterator<Item = (&'a str, &'a str)>) -> Result<()> {
    let invalid = |text: &str, key: &str| Err(Error::new("InvalidTag", 400, text).with("TagKey", key).into());
    let mut known = HashSet::new();
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > KEY_CHARS_MAX {
            return invalid("The TagKey you have provided is invalid", key);
        }
        if value.chars().count() > VALUE_CHARS_MAX {
            return invalid("The TagValue you have provided is invalid", key);
        }
        if key.starts_with("aws:") {
            return invalid("System tags cannot be added/updated by requester", key);
        }
        if !known.insert(key) {
            return invalid("Cannot provide multiple Tags with the same key", key);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read() {
        let tags = parse_query("a=1&b%20c=x+y&d").unwrap();
        let expected = [("a", "1"), ("b c", "x y"), ("d", "")];
        assert!(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).eq(expected));
    }

    #[test]
    fn limits_hold_at_their_edges() {
        let refused = |query: &str| parse_query(query).map_err(|failure| failure.code().to_owned()).err();
        let many = |count: usize| (0..count).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join("&");
        assert_eq!(refused(&many(10)), None);
        assert_eq!(refused(&many(11)).as_deref(), Some("BadRequest"));
        assert_eq!(refused(&format!("{}={}", "k".repeat(128), "v".repeat(256))), None);
        for query in [
            format!("{}=v", "k".repeat(129)),
            format!("k={}", "v".repeat(257)),
            "=v".into(),
            "a=1&a=2".into(),
            "aws:x=1".into(),
        ] {
            assert_eq!(refused(&query).as_deref(), Some("InvalidTag"), "{query}");
        }
    }
}
