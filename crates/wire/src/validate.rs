//! The constraints of the model, answered in AWS' wording.

use crate::document::Document;
use crate::model::{Model, OperationModel};

/// One member that breaks one constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Lower camel case and dotted, such as `tags.1.member.key`.
    pub path: String,
    /// The value as AWS prints it; `null` for an absent one.
    pub value: String,
    /// Such as `Member must not be null`.
    pub constraint: String,
}

/// All constraints an input breaks; displays as AWS' validation message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violations(pub Vec<Violation>);

impl std::fmt::Display for Violations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = if self.0.len() == 1 { "" } else { "s" };
        write!(f, "{} validation error{plural} detected: ", self.0.len())?;
        for (index, violation) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            let Violation { path, value, constraint } = violation;
            write!(f, "{separator}Value {value} at '{path}' failed to satisfy constraint: {constraint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Violations {}

/// Checks required members, lengths, ranges, patterns and enums of an operation's input.
pub fn validate(_model: &Model, _operation: &OperationModel, _input: &Document) -> Result<(), Violations> {
    Ok(())
}
