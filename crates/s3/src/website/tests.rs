use proptest::prelude::*;

use super::routing::{Elsewhere, Visit, after, before, index_below, key_of, to_folder};
use super::*;

fn website(json: serde_json::Value) -> Website {
    serde_json::from_value(json).unwrap()
}

fn refusal(json: serde_json::Value) -> String {
    service::Failure::from(website(json).check().unwrap_err()).to_string()
}

fn visit<'a>(key: &'a str, query: &'a str) -> Visit<'a> {
    Visit { key, query, host: "site.s3-website.localhost:4566", protocol: "http" }
}

#[test]
fn what_aws_refuses_is_refused() {
    let rule = |rule: serde_json::Value| serde_json::json!({"IndexDocument": {"Suffix": "i"}, "RoutingRules": [rule]});
    let cases = [
        (serde_json::json!({}), "InvalidArgument: A value for IndexDocument Suffix must be provided if"),
        (
            serde_json::json!({"IndexDocument": {"Suffix": "a/b"}}),
            "InvalidArgument: The IndexDocument Suffix is not",
        ),
        (
            serde_json::json!({"IndexDocument": {"Suffix": ""}}),
            "InvalidArgument: The IndexDocument Suffix is not",
        ),
        (
            serde_json::json!({"RedirectAllRequestsTo": {"HostName": "a"}, "IndexDocument": {"Suffix": "i"}}),
            "InvalidArgument: RedirectAllRequestsTo cannot be provided in conjunction",
        ),
        (
            serde_json::json!({"RedirectAllRequestsTo": {"HostName": "a", "Protocol": "ftp"}}),
            "InvalidRequest: Invalid protocol, protocol can be http or https.",
        ),
        (serde_json::json!({"IndexDocument": {"Suffix": "i"}, "RoutingRules": []}), "MalformedXML: "),
        (rule(serde_json::json!({"Redirect": {}})), "MalformedXML: "),
        (
            rule(serde_json::json!({"Condition": {}, "Redirect": {"HostName": "a"}})),
            "InvalidRequest: Condition cannot",
        ),
        (
            rule(serde_json::json!({"Redirect": {"ReplaceKeyWith": "a", "ReplaceKeyPrefixWith": "b"}})),
            "InvalidRequest: You can only define ReplaceKeyPrefix or ReplaceKey but not both.",
        ),
        (
            rule(serde_json::json!({"Redirect": {"HttpRedirectCode": "300"}})),
            "InvalidRequest: The provided HTTP redirect code (300) is not valid.",
        ),
        (
            rule(
                serde_json::json!({"Condition": {"HttpErrorCodeReturnedEquals": "200"}, "Redirect": {"HostName": "a"}}),
            ),
            "InvalidRequest: The provided HTTP error code (200) is not valid.",
        ),
    ];
    for (json, expected) in cases {
        let said = refusal(json.clone());
        assert!(said.starts_with(expected), "{json}: {said}");
    }
}

#[test]
fn fifty_routing_rules_fit_and_one_more_does_not() {
    let rules = |count: usize| {
        let rule = serde_json::json!({"Redirect": {"HostName": "a"}});
        website(serde_json::json!({"IndexDocument": {"Suffix": "i"}, "RoutingRules": vec![rule; count]}))
    };
    assert!(rules(ROUTING_RULES_MAX).check().is_ok());
    let said = rules(ROUTING_RULES_MAX + 1).check().unwrap_err().message().to_owned();
    assert!(said.contains("51 routing rules provided"), "{said}");
}

#[test]
fn all_requests_go_to_the_other_host() {
    let site = website(
        serde_json::json!({"RedirectAllRequestsTo": {"HostName": "example.com", "Protocol": "https"}}),
    );
    let there = before(&site, visit("a b/c", "x=1")).unwrap();
    assert_eq!(there, Elsewhere { status: 301, location: "https://example.com/a%20b/c?x=1".into() });
}

#[test]
fn the_first_rule_that_fits_sends_the_visitor_on() {
    let site = website(serde_json::json!({"IndexDocument": {"Suffix": "index.html"}, "RoutingRules": [
        {"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": "documents/"}},
        {"Condition": {"KeyPrefixEquals": "one"}, "Redirect": {"ReplaceKeyWith": "two.html", "HttpRedirectCode": "302"}},
        {"Condition": {"HttpErrorCodeReturnedEquals": "404", "KeyPrefixEquals": "images/"},
         "Redirect": {"HostName": "fn.example", "Protocol": "https", "HttpRedirectCode": "307",
                      "ReplaceKeyPrefixWith": "resize?key="}},
        {"Condition": {"HttpErrorCodeReturnedEquals": "403"}, "Redirect": {"HostName": "login.example"}},
    ]}));
    let location = |found: Option<Elsewhere>| found.map(|there| (there.status, there.location));
    let host = "http://site.s3-website.localhost:4566";
    assert_eq!(location(before(&site, visit("docs/a", ""))), Some((301, format!("{host}/documents/a"))));
    assert_eq!(location(before(&site, visit("one/x", ""))), Some((302, format!("{host}/two.html"))));
    assert_eq!(location(before(&site, visit("images/a", ""))), None);
    assert_eq!(
        location(after(&site, visit("images/200x200/a b.png", ""), 404)),
        Some((307, "https://fn.example/resize?key=200x200/a%20b.png".into()))
    );
    assert_eq!(
        location(after(&site, visit("images/a", "v=1"), 404)),
        Some((307, "https://fn.example/resize?key=a&v=1".into()))
    );
    assert_eq!(location(after(&site, visit("other", ""), 404)), None);
    assert_eq!(location(after(&site, visit("x", ""), 403)), Some((301, "http://login.example/x".into())));
}

#[test]
fn folders_have_index_documents() {
    let site = website(serde_json::json!({"IndexDocument": {"Suffix": "index.html"}}));
    for (asked, key) in [("", "index.html"), ("a/", "a/index.html"), ("a", "a"), ("a/b.html", "a/b.html")] {
        assert_eq!(key_of(&site, asked), key);
    }
    assert_eq!(index_below(&site, "a").as_deref(), Some("a/index.html"));
    assert_eq!(index_below(&site, "a/"), None);
    assert_eq!(index_below(&site, ""), None);
    assert_eq!(to_folder(visit("a", "")), Elsewhere { status: 302, location: "/a/".into() });
}

proptest! {
    /// Whatever the visitor asks for, the location is one line of ASCII below the owner's host.
    #[test]
    fn visitors_do_not_write_headers(key in ".*", prefix in "[a-z]{0,3}") {
        let site = website(serde_json::json!({"IndexDocument": {"Suffix": "i"}, "RoutingRules": [
            {"Condition": {"HttpErrorCodeReturnedEquals": "404", "KeyPrefixEquals": prefix},
             "Redirect": {"HostName": "fn.example", "ReplaceKeyPrefixWith": "r?k="}},
        ]}));
        if let Some(there) = after(&site, visit(&key, ""), 404) {
            prop_assert!(there.location.starts_with("http://fn.example/r?k="));
            prop_assert!(there.location.bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }
}
