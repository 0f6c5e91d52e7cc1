//! Which service a request means.
//!
//! Clients say it in up to seven ways; the first that is there decides: the target header, the signature's scope,
//! the RPC path, the version of a query action, the host, the path, the action alone.

mod bucket;
mod names;
mod path;

use std::borrow::Cow;

use http::{HeaderMap, Method};
use names::{NAMES, Names, OTHER_HOSTS};

pub(crate) use bucket::bucket_of_host;

use crate::credential::Credential;
use crate::endpoint::name_of;
use crate::request::header_named;

/// What is looked at. `form` is the body where the body is a form, else empty.
pub(crate) struct Evidence<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) host: &'a str,
    pub(crate) form: &'a str,
    pub(crate) credential: Option<&'a Credential>,
}

/// The name of a model, or, for services nobody here has heard of, what the client calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceName(pub(crate) Cow<'static, str>);

/// `None` when nothing about the request names a service.
pub(crate) fn service(evidence: &Evidence<'_>) -> Option<ServiceName> {
    by_target(evidence)
        .or_else(|| by_scope(evidence))
        .or_else(|| by_rpc_path(evidence))
        .or_else(|| by_action(evidence))
        .or_else(|| by_host(evidence))
        .or_else(|| path::service(evidence.method, evidence.path).map(known))
        .or_else(|| unknown_target(evidence))
}

/// The operation as the client names it, to name it back where it cannot be found in a model.
pub(crate) fn operation_text(evidence: &Evidence<'_>) -> String {
    let target = header_named(evidence.headers, "x-amz-target");
    if let Some((_, operation)) = target.rsplit_once('.') {
        return operation.to_owned();
    }
    if let Some((_, operation)) = rpc_path(evidence.path) {
        return operation.to_owned();
    }
    match action(evidence) {
        Some(action) => action,
        None => format!("{} {}", evidence.method, evidence.path),
    }
}

fn known(model: &'static str) -> ServiceName {
    ServiceName(Cow::Borrowed(model))
}

fn by_target(evidence: &Evidence<'_>) -> Option<ServiceName> {
    let (prefix, operation) = header_named(evidence.headers, "x-amz-target").rsplit_once('.')?;
    let found =
        NAMES.iter().find(|names| !names.target.is_empty() && names.target.eq_ignore_ascii_case(prefix))?;
    Some(known(refined(found, evidence, operation)))
}

fn unknown_target(evidence: &Evidence<'_>) -> Option<ServiceName> {
    let (prefix, _) = header_named(evidence.headers, "x-amz-target").rsplit_once('.')?;
    Some(ServiceName(Cow::Owned(prefix.to_owned())))
}

fn by_scope(evidence: &Evidence<'_>) -> Option<ServiceName> {
    let signing = evidence.credential?.service.as_str();
    match NAMES.iter().find(|names| names.signing == signing) {
        Some(found) => Some(known(refined(found, evidence, ""))),
        None => Some(match names::by_model(signing) {
            Some(found) => known(found.model),
            None => ServiceName(Cow::Owned(signing.to_owned())),
        }),
    }
}

/// Services that share a signing name or a target are told apart by path, target, host or operation.
fn refined(found: &'static Names, evidence: &Evidence<'_>, operation: &str) -> &'static str {
    let path = evidence.path;
    match found.signing {
        "apigateway" if path.starts_with("/v2/") => "apigatewayv2",
        "apigateway" => "apigateway",
        "ses" if path.starts_with("/v2/") => "sesv2",
        "ses" => "ses",
        "s3" if path.starts_with("/v20180820/") => "s3control",
        "s3" => "s3",
        "timestream" if is_timestream_query(operation) || evidence.host.starts_with("query.") => {
            "timestream-query"
        }
        "timestream" => "timestream-write",
        _ => found.model,
    }
}

/// Both Timestream APIs share target prefix and signing name; these operations exist in the query API only.
fn is_timestream_query(operation: &str) -> bool {
    operation == "Query"
        || operation.ends_with("Query")
        || operation.contains("ScheduledQuer")
        || operation.ends_with("AccountSettings")
}

/// `/service/{name}/operation/{operation}` of RPC v2; the name is the target prefix.
fn by_rpc_path(evidence: &Evidence<'_>) -> Option<ServiceName> {
    let (service, operation) = rpc_path(evidence.path)?;
    let found = NAMES.iter().find(|names| !names.target.is_empty() && names.target == service);
    Some(match found {
        Some(found) => known(refined(found, evidence, operation)),
        None => ServiceName(Cow::Owned(service.to_owned())),
    })
}

fn rpc_path(path: &str) -> Option<(&str, &str)> {
    // A prefix before `/service/` is allowed by the protocol.
    let (_, rest) = path.split_once("/service/")?;
    let (service, rest) = rest.split_once('/')?;
    let operation = rest.strip_prefix("operation/")?;
    (!operation.contains('/')).then_some((service, operation))
}

fn by_action(evidence: &Evidence<'_>) -> Option<ServiceName> {
    let _ = action(evidence)?;
    let version = parameter(evidence, "Version")?;
    NAMES
        .iter()
        .find(|names| !names.version.is_empty() && names.version == version)
        .map(|names| known(names.model))
}

fn action(evidence: &Evidence<'_>) -> Option<String> {
    parameter(evidence, "Action").filter(|action| !action.is_empty())
}

fn parameter(evidence: &Evidence<'_>, name: &str) -> Option<String> {
    [evidence.query, evidence.form]
        .into_iter()
        .flat_map(crate::request::parameters)
        .find_map(|(found, value)| (found == name).then_some(value))
}

/// `lambda.us-east-1.amazonaws.com`, `sqs.eu-west-1.localhost.localstack.cloud:4566`, `s3.localhost:4566`.
fn by_host(evidence: &Evidence<'_>) -> Option<ServiceName> {
    let name = name_of(evidence.host);
    let local = name.strip_suffix(".localhost.localstack.cloud").or_else(|| name.strip_suffix(".localhost"));
    let front = local
        .or_else(|| name.strip_suffix(".amazonaws.com"))
        .or_else(|| name.strip_suffix(".amazonaws.com.cn"))?;
    let is_front =
        |host: &str| front == host || front.strip_prefix(host).is_some_and(|rest| rest.starts_with('.'));
    // `bucket.s3.amazonaws.com`, `bucket.s3.eu-west-1.amazonaws.com`, `bucket.s3-website.…`; buckets may be named as
    // services.
    if front.ends_with(".s3") || front.contains(".s3.") || front.contains(".s3-") {
        return Some(known("s3"));
    }
    // The longest match: `streams.dynamodb` before `dynamodb`.
    let ours = NAMES.iter().filter(|names| is_front(names.host)).max_by_key(|names| names.host.len());
    if let Some(found) = ours {
        return Some(known(refined(found, evidence, "")));
    }
    OTHER_HOSTS.iter().find(|(host, _)| is_front(host)).map(|(_, model)| known(model))
}

#[cfg(test)]
mod tests;
