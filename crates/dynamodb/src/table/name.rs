//! Which table a request means: its name, or its ARN.

use service::{Arn, Context, Failure, Result};

use crate::error::{Error, invalid_parameters};
use crate::limits::{NAME_CHARS_MAX, NAME_CHARS_MIN};

/// The name of a table of the request's account and region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableName(String);

impl TableName {
    /// Reads a name or a table's ARN.
    pub(crate) fn parse(cx: &Context, text: &str) -> Result<Self> {
        if !text.starts_with("arn:") {
            check(text, "tableName")?;
            return Ok(TableName(text.into()));
        }
        let arn: Arn = text.parse().map_err(|_| not_an_arn(text))?;
        let name = arn.resource().strip_prefix("table/").ok_or_else(|| not_an_arn(text))?;
        if arn.service() != "dynamodb" || name.contains('/') {
            return Err(not_an_arn(text));
        }
        if arn.region() != cx.region().as_str() {
            return Err(Failure::validation(format!(
                "1 validation error detected: Invalid AWS region in '{text}'"
            )));
        }
        if arn.account() != cx.account().as_str() {
            return Err(Failure::new(
                "AccessDeniedException",
                400,
                format!("User: {} is not authorized to access {text}", cx.caller().principal.arn()),
            ));
        }
        check(name, "tableName")?;
        Ok(TableName(name.into()))
    }

    /// Reads the ARN of a table that tags or a policy belong to.
    pub(crate) fn of_resource(cx: &Context, text: &str) -> Result<Self> {
        let Ok(arn) = text.parse::<Arn>() else {
            return Err(invalid_parameters(format!("ARNs must start with 'arn:': {text}")));
        };
        if arn.service() != "dynamodb" {
            return Err(invalid_parameters(format!("Provided Arn is not a DynamoDB resource arn: {text}")));
        }
        if arn.region() != cx.region().as_str() || arn.account() != cx.account().as_str() {
            return Err(invalid_parameters(format!("Invalid resource Arn: {text}")));
        }
        match arn.resource().strip_prefix("table/") {
            Some(name) if !name.contains('/') => Self::plain(name),
            _ => Err(invalid_parameters(format!(
                "Invalid resource arn provided, only table or stream is accepted. Provided resource arn: {text}"
            ))),
        }
    }

    /// A missing table in the words of operations that take an ARN; other failures stay as they are.
    pub(crate) fn as_resource(&self, cx: &Context, failure: Failure) -> Failure {
        if failure.code() != "ResourceNotFoundException" {
            return failure;
        }
        let text = format!("Requested resource not found: ResourcArn: {} not found", self.arn(cx));
        Error::ResourceNotFoundException(text).into()
    }

    /// Reads a name; an ARN is none.
    pub(crate) fn plain(text: &str) -> Result<Self> {
        check(text, "tableName")?;
        Ok(TableName(text.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn arn(&self, cx: &Context) -> Arn {
        super::arn(cx.scope(), &self.0)
    }

    /// The resource of a policy decision: never fails, because the decision comes before the answer.
    pub(crate) fn resource(cx: &Context, text: &str) -> Arn {
        let name = text.rsplit_once(":table/").map_or(text, |(_, name)| name);
        super::arn(cx.scope(), name)
    }
}

fn not_an_arn(text: &str) -> Failure {
    Failure::validation(format!(
        "1 validation error detected: Value '{text}' at 'tableName' failed to satisfy constraint: Member must satisfy \
         regular expression pattern: [a-zA-Z0-9_.-]+"
    ))
}

/// What is wrong with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameProblem {
    TooShort,
    TooLong,
    Pattern,
}

impl NameProblem {
    pub(crate) fn constraint(self) -> &'static str {
        match self {
            NameProblem::TooShort => "Member must have length greater than or equal to 3",
            NameProblem::TooLong => "Member must have length less than or equal to 255",
            NameProblem::Pattern => "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
        }
    }
}

/// The rules of names that a name breaks; the model allows ARNs, and so checks less. Nothing for an ARN or an empty name.
pub(crate) fn name_problems(name: Option<&str>) -> Vec<NameProblem> {
    match name {
        None | Some("") => Vec::new(),
        Some(arn) if arn.starts_with("arn:") => Vec::new(),
        Some(name) => problems_of(name),
    }
}

fn problems_of(name: &str) -> Vec<NameProblem> {
    let mut problems = Vec::new();
    let chars = name.chars().count();
    if chars < NAME_CHARS_MIN {
        problems.push(NameProblem::TooShort);
    }
    if chars > NAME_CHARS_MAX {
        problems.push(NameProblem::TooLong);
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)) || name.is_empty() {
        problems.push(NameProblem::Pattern);
    }
    problems
}

fn check(name: &str, member: &str) -> Result<()> {
    let broken = problems_of(name);
    if broken.is_empty() {
        return Ok(());
    }
    let plural = if broken.len() == 1 { "" } else { "s" };
    let sentence = |problem: &NameProblem| {
        format!("Value '{name}' at '{member}' failed to satisfy constraint: {}", problem.constraint())
    };
    let each: Vec<String> = broken.iter().rev().map(sentence).collect();
    Err(Failure::validation(format!(
        "{} validation error{plural} detected: {}",
        broken.len(),
        each.join("; ")
    )))
}
