//! A log group named by its name or by its ARN.

use service::{Arn, Context};

use crate::error::{Error, Missing};

/// The group that an operation acts on, from the two members by which it can be given.
pub(crate) fn group_of(
    cx: &Context,
    log_group_name: Option<&str>,
    log_group_identifier: Option<&str>,
) -> Result<String, Error> {
    match (log_group_name, log_group_identifier) {
        (Some(name), None) => Ok(name.to_owned()),
        (None, Some(identifier)) => from_identifier(cx, identifier),
        (None, None) => Err(Error::invalid("Either logGroupName or logGroupIdentifier must be specified.")),
        (Some(_), Some(_)) => {
            Err(Error::invalid("logGroupName and logGroupIdentifier cannot be specified together."))
        }
    }
}

/// The group for a policy decision; what cannot be read names none.
pub(crate) fn policy_resource(
    cx: &Context,
    log_group_name: Option<&str>,
    log_group_identifier: Option<&str>,
) -> Arn {
    match group_of(cx, log_group_name, log_group_identifier) {
        Ok(name) => crate::group::policy_resource(cx.scope(), &name),
        Err(_) => Arn::any(),
    }
}

/// Name or ARN; groups of other accounts and regions are not reached from here.
pub(crate) fn from_identifier(cx: &Context, identifier: &str) -> Result<String, Error> {
    if identifier.starts_with("arn:") {
        from_arn(cx, identifier, Error::no_group)
    } else {
        Ok(identifier.into())
    }
}

/// The group of the ARN of a taggable resource.
pub(crate) fn from_resource_arn(cx: &Context, arn: &str) -> Result<String, Error> {
    from_arn(cx, arn, || Error::ResourceNotFoundException(Missing::Resource))
}

fn from_arn(cx: &Context, text: &str, absent: fn() -> Error) -> Result<String, Error> {
    let invalid = || Error::invalid(format!("Invalid log group ARN: {text}"));
    let arn: Arn = text.parse().map_err(|_| invalid())?;
    let name = arn.resource().strip_prefix("log-group:").ok_or_else(invalid)?;
    let name = name.strip_suffix(":*").unwrap_or(name);
    if arn.service() != "logs" || name.is_empty() || name.contains(':') {
        return Err(invalid());
    }
    if arn.account() != cx.account().as_str() || arn.region() != cx.region().as_str() {
        return Err(absent());
    }
    Ok(name.to_owned())
}
