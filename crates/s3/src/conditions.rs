//! `If-Match` and its kin. Source: RFC 9110, section 13; S3 user guide, "Conditional requests".

use service::Result;
use wire::Timestamp;

use crate::error::{self, Error};
use crate::object::Object;

/// Conditions under which a version is answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadConditions<'a> {
    pub(crate) if_match: Option<&'a str>,
    pub(crate) if_none_match: Option<&'a str>,
    pub(crate) if_modified_since: Option<Timestamp>,
    pub(crate) if_unmodified_since: Option<Timestamp>,
}

impl ReadConditions<'_> {
    /// 412 or 304 when the conditions say so. A condition on the ETag outweighs the one on time that says the same.
    pub(crate) fn check(&self, object: &Object) -> Result<()> {
        match (self.if_match, self.if_unmodified_since) {
            (Some(tags), _) if !matches(tags, object) => {
                return Err(error::precondition_failed("If-Match").into());
            }
            (None, Some(since)) if is_modified_since(object, since) => {
                return Err(error::precondition_failed("If-Unmodified-Since").into());
            }
            _ => {}
        }
        let unchanged = match (self.if_none_match, self.if_modified_since) {
            (Some(tags), _) => matches(tags, object),
            (None, Some(since)) => !is_modified_since(object, since),
            (None, None) => false,
        };
        if unchanged { Err(not_modified(object).into()) } else { Ok(()) }
    }

    /// The same for the source of a copy, where nothing is answered as 304.
    pub(crate) fn check_copy_source(&self, object: &Object) -> Result<()> {
        let refused = |condition: &str| Err(error::precondition_failed(condition).into());
        match (self.if_match, self.if_unmodified_since) {
            (Some(tags), _) if !matches(tags, object) => return refused("x-amz-copy-source-If-Match"),
            (None, Some(since)) if is_modified_since(object, since) => {
                return refused("x-amz-copy-source-If-Unmodified-Since");
            }
            _ => {}
        }
        match (self.if_none_match, self.if_modified_since) {
            (Some(tags), _) if matches(tags, object) => refused("x-amz-copy-source-If-None-Match"),
            (None, Some(since)) if !is_modified_since(object, since) => {
                refused("x-amz-copy-source-If-Modified-Since")
            }
            _ => Ok(()),
        }
    }
}

/// Conditions under which a version is written or removed.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteConditions<'a> {
    pub(crate) if_match: Option<&'a str>,
    pub(crate) if_none_match: Option<&'a str>,
    pub(crate) if_match_modified: Option<Timestamp>,
    pub(crate) if_match_size: Option<i64>,
}

impl WriteConditions<'_> {
    /// `present` is the latest version, unless it is a delete marker.
    pub(crate) fn check(&self, key: &str, present: Option<&Object>) -> Result<()> {
        if let Some(tags) = self.if_none_match
            && present.is_some_and(|object| matches(tags, object))
        {
            return Err(error::precondition_failed("If-None-Match").into());
        }
        if let Some(object) = present {
            let other_time = |time: Timestamp| {
                time.epoch_millis().div_euclid(1_000) != object.modified_epoch_millis.div_euclid(1_000)
            };
            if self.if_match_modified.is_some_and(other_time) {
                return Err(error::precondition_failed("x-amz-if-match-last-modified-time").into());
            }
            if self.if_match_size.is_some_and(|size| u64::try_from(size) != Ok(object.size)) {
                return Err(error::precondition_failed("x-amz-if-match-size").into());
            }
        }
        match (self.if_match, present) {
            (Some(_), None) => Err(error::no_such_key(key).into()),
            (Some(tags), Some(object)) if !matches(tags, object) => {
                Err(error::precondition_failed("If-Match").into())
            }
            _ => Ok(()),
        }
    }
}

/// Whether a list of entity tags, or `*`, names the object's.
pub(crate) fn matches(tags: &str, object: &Object) -> bool {
    tags.split(',').map(str::trim).any(|tag| {
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        tag == "*" || tag.trim_matches('"') == object.etag
    })
}

/// HTTP dates have whole seconds.
fn is_modified_since(object: &Object, since: Timestamp) -> bool {
    object.modified_epoch_millis.div_euclid(1_000) > since.epoch_millis().div_euclid(1_000)
}

fn not_modified(object: &Object) -> Error {
    Error::new("NotModified", 304, "Not Modified")
        .with("ETag", object.quoted_etag())
        .with("LastModified", Timestamp::from_epoch_millis(object.modified_epoch_millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object() -> Object {
        Object { etag: "abc".into(), modified_epoch_millis: 10_500, ..Object::default() }
    }

    fn outcome(conditions: &ReadConditions<'_>) -> String {
        match conditions.check(&object()) {
            Ok(()) => "200".into(),
            Err(failure) => failure.code().to_owned(),
        }
    }

    #[test]
    fn tags_outweigh_times() {
        let at = |seconds: i64| Some(Timestamp::from_epoch_millis(seconds * 1_000));
        let none = ReadConditions::default();
        assert_eq!(outcome(&none), "200");
        assert_eq!(outcome(&ReadConditions { if_match: Some("\"abc\""), ..none }), "200");
        assert_eq!(
            outcome(&ReadConditions { if_match: Some("abc"), if_unmodified_since: at(1), ..none }),
            "200"
        );
        assert_eq!(outcome(&ReadConditions { if_match: Some("\"x\""), ..none }), "PreconditionFailed");
        assert_eq!(outcome(&ReadConditions { if_unmodified_since: at(9), ..none }), "PreconditionFailed");
        assert_eq!(outcome(&ReadConditions { if_unmodified_since: at(10), ..none }), "200");
        assert_eq!(outcome(&ReadConditions { if_none_match: Some("\"abc\""), ..none }), "NotModified");
        assert_eq!(outcome(&ReadConditions { if_none_match: Some("x, \"abc\""), ..none }), "NotModified");
        assert_eq!(
            outcome(&ReadConditions { if_none_match: Some("x"), if_modified_since: at(99), ..none }),
            "200"
        );
        assert_eq!(outcome(&ReadConditions { if_modified_since: at(10), ..none }), "NotModified");
        assert_eq!(outcome(&ReadConditions { if_modified_since: at(9), ..none }), "200");
    }

    #[test]
    fn writes_ask_for_what_is_present() {
        let check = |if_match, if_none_match, present: Option<&Object>| {
            let conditions = WriteConditions { if_match, if_none_match, ..WriteConditions::default() };
            conditions.check("k", present).map_err(|failure| failure.code().to_owned())
        };
        let object = object();
        assert_eq!(check(None, Some("*"), None), Ok(()));
        assert_eq!(check(None, Some("*"), Some(&object)), Err("PreconditionFailed".into()));
        assert_eq!(check(Some("\"abc\""), None, Some(&object)), Ok(()));
        assert_eq!(check(Some("\"x\""), None, Some(&object)), Err("PreconditionFailed".into()));
        assert_eq!(check(Some("\"abc\""), None, None), Err("NoSuchKey".into()));
    }
}
