//! POST policies: what a signed browser form may upload.
//!
//! Source: developer guide, "POST Policy" and "POST Object"; texts of errors as S3 sends them.

mod condition;
#[cfg(test)]
mod tests;

use serde_json::Value;
use wire::Timestamp;

use crate::error::Error;
use condition::Condition;

/// Fields that no condition needs to cover.
const FREE_FIELDS: [&str; 5] = ["awsaccesskeyid", "file", "policy", "signature", "x-amz-signature"];
const FREE_PREFIX: &str = "x-ignore-";

/// A form's fields, names in lower case, in the order they came.
pub(crate) type Fields = [(String, String)];

/// A policy, read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PostPolicy {
    expiration: Timestamp,
    conditions: Vec<Condition>,
}

/// How many bytes the file may have, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByteRange {
    pub(crate) min: u64,
    pub(crate) max: u64,
}

impl PostPolicy {
    /// Reads the decoded document.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let json: Value = serde_json::from_str(text).map_err(|_| invalid("Invalid JSON."))?;
        let Value::Object(members) = &json else { return Err(invalid("Invalid JSON.")) };
        let (mut expiration, mut conditions) = (None, None);
        for (name, value) in members {
            match name.to_ascii_lowercase().as_str() {
                "expiration" => expiration = Some(value),
                "conditions" => conditions = Some(value),
                other => return Err(invalid(format!("Unexpected: '{other}'"))),
            }
        }
        let expiration = expiration.ok_or_else(|| invalid("Policy missing expiration."))?;
        let conditions = conditions.ok_or_else(|| invalid("Policy missing conditions."))?;
        let Value::Array(conditions) = conditions else {
            return Err(invalid("Invalid 'conditions' value: must be a List."));
        };
        let said = expiration.as_str().unwrap_or("");
        // Only UTC is taken, as on AWS.
        let expiration = Some(said).filter(|text| text.ends_with('Z')).and_then(Timestamp::parse_rfc3339);
        Ok(PostPolicy {
            expiration: expiration.ok_or_else(|| invalid(format!("Invalid 'expiration' value: '{said}'")))?,
            conditions: conditions.iter().map(Condition::parse).collect::<Result<_, _>>()?,
        })
    }

    /// Whether the form may be sent now to this bucket with these fields.
    pub(crate) fn check(&self, bucket: &str, fields: &Fields, now: Timestamp) -> Result<(), Error> {
        if self.expiration.epoch_millis() <= now.epoch_millis() {
            return Err(refused("Policy expired."));
        }
        for condition in &self.conditions {
            let is_met = match condition.field() {
                Some("bucket") => condition.is_met_by(Some(bucket)),
                Some(name) => condition.is_met_by(value(fields, name).as_deref()),
                None => condition.is_met_by(None),
            };
            if !is_met {
                return Err(refused(format!("Policy Condition failed: {}", condition.text())));
            }
        }
        let covered = |name: &str| {
            FREE_FIELDS.contains(&name)
                || name.starts_with(FREE_PREFIX)
                || self.conditions.iter().any(|condition| condition.field() == Some(name))
        };
        match fields.iter().find(|(name, _)| !covered(name)) {
            Some((name, _)) => Err(refused(format!("Extra input fields: {name}"))),
            None => Ok(()),
        }
    }

    /// The sizes that all conditions allow.
    pub(crate) fn bytes(&self) -> ByteRange {
        let whole = ByteRange { min: 0, max: u64::MAX };
        self.conditions.iter().filter_map(Condition::range).fold(whole, |range, next| ByteRange {
            min: range.min.max(next.min),
            max: range.max.min(next.max),
        })
    }
}

impl ByteRange {
    /// A file with more bytes than this is not read to its end.
    pub(crate) fn check(self, bytes: u64) -> Result<(), Error> {
        if bytes > self.max {
            let text = "Your proposed upload exceeds the maximum allowed size";
            return Err(Error::new("EntityTooLarge", 400, text)
                .with("ProposedSize", bytes.to_string())
                .with("MaxSizeAllowed", self.max.to_string()));
        }
        if bytes < self.min {
            let text = "Your proposed upload is smaller than the minimum allowed size";
            return Err(Error::new("EntityTooSmall", 400, text)
                .with("ProposedSize", bytes.to_string())
                .with("MinSizeAllowed", self.min.to_string()));
        }
        Ok(())
    }
}

/// The value of a field; several of a name are one, separated by commas.
fn value(fields: &Fields, name: &str) -> Option<String> {
    let values: Vec<&str> =
        fields.iter().filter(|(its, _)| its == name).map(|(_, value)| value.as_str()).collect();
    (!values.is_empty()).then(|| values.join(","))
}

fn invalid(what: impl std::fmt::Display) -> Error {
    Error::new("InvalidPolicyDocument", 400, format!("Invalid Policy: {what}"))
}

fn refused(why: impl std::fmt::Display) -> Error {
    Error::new("AccessDenied", 403, format!("Invalid according to Policy: {why}"))
}
