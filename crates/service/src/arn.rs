//! Amazon Resource Names: `arn:partition:service:region:account:resource`.
//!
//! Source of the form: IAM user guide, "Identify AWS resources with Amazon Resource Names".

use std::fmt;
use std::str::FromStr;

use crate::Scope;

/// The name of one resource, or of all of them (`*`) for operations that act on none in particular.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Arn {
    text: String,
}

impl Arn {
    /// `*`: the operation names no resource.
    pub fn any() -> Self {
        Arn { text: "*".into() }
    }

    /// A regional resource of the scope's account.
    pub fn regional(service: &str, scope: &Scope, resource: impl fmt::Display) -> Self {
        Arn { text: format!("arn:aws:{service}:{}:{}:{resource}", scope.region, scope.account) }
    }

    /// A resource without a region (IAM, STS).
    pub fn global(service: &str, scope: &Scope, resource: impl fmt::Display) -> Self {
        Arn { text: format!("arn:aws:{service}::{}:{resource}", scope.account) }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn service(&self) -> &str {
        self.field(2)
    }

    pub fn region(&self) -> &str {
        self.field(3)
    }

    pub fn account(&self) -> &str {
        self.field(4)
    }

    /// Everything after the fifth colon, colons included.
    pub fn resource(&self) -> &str {
        self.field(5)
    }

    fn field(&self, index: usize) -> &str {
        self.text.splitn(6, ':').nth(index).unwrap_or("")
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("not an ARN: {0}")]
pub struct ParseArnError(String);

impl FromStr for Arn {
    type Err = ParseArnError;

    fn from_str(text: &str) -> Result<Self, ParseArnError> {
        let mut fields = text.splitn(6, ':');
        let arn = fields.next() == Some("arn")
            && fields.next().is_some_and(|partition| !partition.is_empty())
            && fields.next().is_some_and(|service| !service.is_empty())
            && fields.next().is_some()
            && fields.next().is_some()
            && fields.next().is_some_and(|resource| !resource.is_empty());
        if arn { Ok(Arn { text: text.into() }) } else { Err(ParseArnError(text.into())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_field() {
        let arn: Arn = "arn:aws:lambda:eu-west-1:111122223333:function:hello:live".parse().unwrap();
        assert_eq!(arn.service(), "lambda");
        assert_eq!(arn.region(), "eu-west-1");
        assert_eq!(arn.account(), "111122223333");
        assert_eq!(arn.resource(), "function:hello:live");
    }

    #[test]
    fn refuses_what_is_no_arn() {
        for text in ["", "hello", "arn:aws:lambda", "arn:aws::::x", "arn:aws:s3:::"] {
            assert!(text.parse::<Arn>().is_err(), "{text}");
        }
    }
}
