//! Static websites: what a bucket's website configuration says, and what a visitor gets.
//!
//! [`Website`] is stored and answered as it was sent; [`routing`] decides redirects.
//! Sources: user guide, "Hosting a static website using Amazon S3" and "Configuring advanced conditional redirects".

pub(crate) mod routing;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::error::{Error, invalid_argument, invalid_request, malformed_xml};

const ROUTING_RULES_MAX: usize = 50;

/// The website configuration of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Website {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) redirect_all_requests_to: Option<RedirectAll>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) index_document: Option<IndexDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_document: Option<ErrorDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) routing_rules: Option<Vec<RoutingRule>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RedirectAll {
    pub(crate) host_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) protocol: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct IndexDocument {
    pub(crate) suffix: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ErrorDocument {
    pub(crate) key: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct RoutingRule {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) condition: Option<Condition>,
    pub(crate) redirect: Redirect,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Condition {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) http_error_code_returned_equals: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_prefix_equals: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Redirect {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) http_redirect_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) protocol: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) replace_key_prefix_with: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) replace_key_with: Option<String>,
}

impl Website {
    /// The rules of PutBucketWebsite.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if let Some(redirect) = &self.redirect_all_requests_to {
            if self.index_document.is_some() || self.error_document.is_some() || self.routing_rules.is_some()
            {
                return Err(invalid_argument(
                    "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
                    "RedirectAllRequestsTo",
                    "not null",
                ));
            }
            if redirect.host_name.is_empty() {
                return Err(malformed_xml());
            }
            return check_protocol(redirect.protocol.as_deref());
        }
        let Some(index) = &self.index_document else {
            return Err(invalid_argument(
                "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
                "IndexDocument",
                "null",
            ));
        };
        if index.suffix.is_empty() || index.suffix.contains('/') {
            return Err(invalid_argument(
                "The IndexDocument Suffix is not well formed",
                "IndexDocument",
                &index.suffix,
            ));
        }
        if self.error_document.as_ref().is_some_and(|error| error.key.is_empty()) {
            return Err(malformed_xml());
        }
        let Some(rules) = &self.routing_rules else { return Ok(()) };
        match rules.len() {
            0 => Err(malformed_xml()),
            1..=ROUTING_RULES_MAX => rules.iter().try_for_each(RoutingRule::check),
            count => Err(invalid_request(format!(
                "{count} routing rules provided, the number of routing rules in a website configuration is \
                 limited to {ROUTING_RULES_MAX}."
            ))),
        }
    }
}

impl RoutingRule {
    fn check(&self) -> Result<(), Error> {
        if let Some(condition) = &self.condition {
            if condition.http_error_code_returned_equals.is_none() && condition.key_prefix_equals.is_none() {
                return Err(invalid_request(
                    "Condition cannot be empty. To redirect all requests without a condition, the condition \
                     element shouldn't be present.",
                ));
            }
            if let Some(code) = &condition.http_error_code_returned_equals
                && !number_of(code).is_some_and(|code| (400..600).contains(&code))
            {
                return Err(invalid_request(format!(
                    "The provided HTTP error code ({code}) is not valid. Valid codes are 4XX or 5XX."
                )));
            }
        }
        let redirect = &self.redirect;
        if *redirect == Redirect::default() {
            return Err(malformed_xml());
        }
        if redirect.replace_key_with.is_some() && redirect.replace_key_prefix_with.is_some() {
            return Err(invalid_request("You can only define ReplaceKeyPrefix or ReplaceKey but not both."));
        }
        if let Some(code) = &redirect.http_redirect_code
            && !number_of(code).is_some_and(|code| (301..400).contains(&code))
        {
            return Err(invalid_request(format!(
                "The provided HTTP redirect code ({code}) is not valid. Valid codes are 3XX except 300."
            )));
        }
        check_protocol(redirect.protocol.as_deref())
    }
}

fn number_of(code: &str) -> Option<u16> {
    code.parse().ok().filter(|_| code.len() == 3)
}

fn check_protocol(protocol: Option<&str>) -> Result<(), Error> {
    match protocol {
        None | Some("http" | "https") => Ok(()),
        Some(_) => Err(invalid_request(
            "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected \
             automatically.",
        )),
    }
}

pub(crate) fn no_such_website(bucket: &str) -> Error {
    let text = "The specified bucket does not have a website configuration";
    Error::new("NoSuchWebsiteConfiguration", 404, text).with("BucketName", bucket)
}
