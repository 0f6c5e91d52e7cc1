//! Where a visitor is sent instead of getting the object asked for.

use super::{Redirect, RedirectAll, RoutingRule, Website};

/// What the visitor asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visit<'a> {
    /// The object key, decoded, without the slash before it.
    pub(crate) key: &'a str,
    /// As sent, without the question mark.
    pub(crate) query: &'a str,
    /// The name and port the visitor used.
    pub(crate) host: &'a str,
    /// `http` or `https`.
    pub(crate) protocol: &'a str,
}

/// An answer without a body of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Elsewhere {
    pub(crate) status: u16,
    pub(crate) location: String,
}

const MOVED_PERMANENTLY: u16 = 301;
const FOUND: u16 = 302;

/// A redirect that holds before the object is looked for.
pub(crate) fn before(website: &Website, visit: Visit<'_>) -> Option<Elsewhere> {
    if let Some(RedirectAll { host_name, protocol }) = &website.redirect_all_requests_to {
        let protocol = protocol.as_deref().unwrap_or(visit.protocol);
        let location = address(protocol, host_name, &escaped(visit.key), visit.query);
        return Some(Elsewhere { status: MOVED_PERMANENTLY, location });
    }
    let rule = rules(website).find(|rule| error_code(rule).is_none() && has_prefix(rule, visit.key))?;
    Some(follow(rule, visit))
}

/// A redirect because the object could not be answered.
pub(crate) fn after(website: &Website, visit: Visit<'_>, status: u16) -> Option<Elsewhere> {
    let is_for = |rule: &&RoutingRule| {
        error_code(rule).is_some_and(|code| code.parse() == Ok(status)) && has_prefix(rule, visit.key)
    };
    rules(website).find(is_for).map(|rule| follow(rule, visit))
}

/// To the folder whose index document exists.
pub(crate) fn to_folder(visit: Visit<'_>) -> Elsewhere {
    let mut location = format!("/{}/", escaped(visit.key));
    add_query(&mut location, visit.query);
    Elsewhere { status: FOUND, location }
}

/// The key a visitor means: of a folder, its index document.
pub(crate) fn key_of(website: &Website, asked: &str) -> String {
    match &website.index_document {
        Some(index) if asked.is_empty() || asked.ends_with('/') => format!("{asked}{}", index.suffix),
        _ => asked.to_owned(),
    }
}

/// The index document below a key that turned out not to be an object.
pub(crate) fn index_below(website: &Website, asked: &str) -> Option<String> {
    let index = website.index_document.as_ref()?;
    (!asked.is_empty() && !asked.ends_with('/')).then(|| format!("{asked}/{}", index.suffix))
}

fn rules(website: &Website) -> impl Iterator<Item = &RoutingRule> {
    website.routing_rules.iter().flatten()
}

fn error_code(rule: &RoutingRule) -> Option<&str> {
    rule.condition.as_ref()?.http_error_code_returned_equals.as_deref()
}

fn prefix(rule: &RoutingRule) -> &str {
    rule.condition.as_ref().and_then(|condition| condition.key_prefix_equals.as_deref()).unwrap_or("")
}

fn has_prefix(rule: &RoutingRule, key: &str) -> bool {
    key.starts_with(prefix(rule))
}

fn follow(rule: &RoutingRule, visit: Visit<'_>) -> Elsewhere {
    let Redirect { host_name, http_redirect_code, protocol, replace_key_prefix_with, replace_key_with } =
        &rule.redirect;
    // Replacements are the owner's text and may hold a query; what the visitor sent is escaped again.
    let path = match (replace_key_with, replace_key_prefix_with) {
        (Some(key), _) => key.clone(),
        (None, Some(replacement)) => {
            let rest = visit.key.strip_prefix(prefix(rule)).unwrap_or(visit.key);
            format!("{replacement}{}", escaped(rest))
        }
        (None, None) => escaped(visit.key),
    };
    let host = host_name.as_deref().unwrap_or(visit.host);
    let protocol = protocol.as_deref().unwrap_or(visit.protocol);
    let status = http_redirect_code.as_deref().and_then(|code| code.parse().ok());
    Elsewhere {
        status: status.unwrap_or(MOVED_PERMANENTLY),
        location: address(protocol, host, &path, visit.query),
    }
}

fn address(protocol: &str, host: &str, path: &str, query: &str) -> String {
    let slash = if path.starts_with('/') { "" } else { "/" };
    let mut address = format!("{protocol}://{host}{slash}{path}");
    add_query(&mut address, query);
    address
}

fn add_query(address: &mut String, query: &str) {
    if !query.is_empty() {
        address.push(if address.contains('?') { '&' } else { '?' });
        address.push_str(query);
    }
}

/// Percent-encodes a key for a path or a query value; slashes stay.
fn escaped(key: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');
    utf8_percent_encode(key, KEPT).to_string()
}
