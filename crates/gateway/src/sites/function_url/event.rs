//! The event of payload format 2.0 that a function URL sends.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{COOKIE, HeaderMap, USER_AGENT};
use serde::Serialize;
use service::{Caller, Failure};

use super::super::payload::{access_log_time, body_text};
use crate::endpoint::name_of;
use crate::request::{header, parameters};

/// What an event is made of.
pub(super) struct Facts<'a> {
    pub(super) method: &'a str,
    /// As sent: format 2.0 calls it the raw path.
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) is_encrypted: bool,
    pub(super) protocol: &'static str,
    pub(super) source_address: String,
    pub(super) url_id: &'a str,
    pub(super) domain: &'a str,
    pub(super) request_id: &'a str,
    pub(super) trace: &'a str,
    pub(super) now_epoch_millis: i64,
    /// Of URLs with `AWS_IAM`.
    pub(super) caller: Option<&'a Caller>,
    pub(super) body: &'a Bytes,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    version: &'static str,
    route_key: &'static str,
    raw_path: &'a str,
    raw_query_string: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<String>,
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query_string_parameters: BTreeMap<String, String>,
    request_context: RequestContext<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    account_id: &'a str,
    api_id: &'a str,
    authentication: (),
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizer: Option<Authorizer>,
    domain_name: &'a str,
    domain_prefix: &'a str,
    http: Http<'a>,
    request_id: &'a str,
    route_key: &'static str,
    stage: &'static str,
    time: String,
    time_epoch: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Http<'a> {
    method: &'a str,
    path: &'a str,
    protocol: &'static str,
    source_ip: &'a str,
    user_agent: &'a str,
}

#[derive(Serialize)]
struct Authorizer {
    iam: Iam,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Iam {
    access_key: Option<String>,
    account_id: String,
    caller_id: String,
    cognito_identity: (),
    principal_org_id: (),
    user_arn: String,
    user_id: String,
}

const DEFAULT: &str = "$default";

/// The event as JSON.
pub(super) fn payload(facts: &Facts<'_>) -> Result<Bytes, Failure> {
    let json = serde_json::to_vec(&event(facts)).map_err(|error| anyhow::anyhow!("event: {error}"))?;
    Ok(json.into())
}

pub(super) fn protocol_name(version: http::Version) -> &'static str {
    match version {
        http::Version::HTTP_10 => "HTTP/1.0",
        http::Version::HTTP_2 => "HTTP/2.0",
        _ => "HTTP/1.1",
    }
}

fn event<'a>(facts: &'a Facts<'a>) -> Event<'a> {
    let (body, is_base64_encoded) = body_text(facts.headers, facts.body);
    let domain = name_of(facts.domain);
    Event {
        version: "2.0",
        route_key: DEFAULT,
        raw_path: facts.path,
        raw_query_string: facts.query,
        cookies: cookies(facts.headers),
        headers: headers(facts),
        query_string_parameters: joined(parameters(facts.query)),
        request_context: RequestContext {
            account_id: facts.caller.map_or("anonymous", |caller| caller.principal.account().as_str()),
            api_id: facts.url_id,
            authentication: (),
            authorizer: facts.caller.map(authorizer),
            domain_name: domain,
            domain_prefix: facts.url_id,
            http: Http {
                method: facts.method,
                path: facts.path,
                protocol: facts.protocol,
                source_ip: &facts.source_address,
                user_agent: header(facts.headers, &USER_AGENT),
            },
            request_id: facts.request_id,
            route_key: DEFAULT,
            stage: DEFAULT,
            time: access_log_time(facts.now_epoch_millis),
            time_epoch: facts.now_epoch_millis,
        },
        body,
        is_base64_encoded,
    }
}

fn authorizer(caller: &Caller) -> Authorizer {
    Authorizer {
        iam: Iam {
            access_key: caller.access_key_id.clone(),
            account_id: caller.principal.account().to_string(),
            caller_id: caller.principal.user_id(),
            cognito_identity: (),
            principal_org_id: (),
            user_arn: caller.principal.arn(),
            user_id: caller.principal.user_id(),
        },
    }
}

/// Lower-case names, repeats joined by commas, cookies left to their own member, and what the front door adds.
fn headers(facts: &Facts<'_>) -> BTreeMap<String, String> {
    let sent = facts.headers.iter().filter(|(name, _)| *name != COOKIE);
    let mut headers = joined(sent.map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    }));
    let (scheme, port) = if facts.is_encrypted { ("https", "443") } else { ("http", "80") };
    let port = facts.domain.rsplit_once(':').map_or(port, |(_, port)| port);
    let mut add = |name: &str, value: &str| {
        headers.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    };
    add("x-amzn-trace-id", facts.trace);
    add("x-forwarded-for", &facts.source_address);
    add("x-forwarded-port", port);
    add("x-forwarded-proto", scheme);
    headers
}

fn joined(pairs: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let mut map: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in pairs {
        map.entry(name)
            .and_modify(|all| {
                all.push(',');
                all.push_str(&value);
            })
            .or_insert(value);
    }
    map
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .map(|cookie| cookie.trim().to_owned())
        .filter(|cookie| !cookie.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use service::{AccountId, Principal};

    use super::*;

    fn facts<'a>(headers: &'a HeaderMap, body: &'a Bytes, caller: Option<&'a Caller>) -> Facts<'a> {
        Facts {
            method: "POST",
            path: "/my/pa%20th",
            query: "parameter1=value1&parameter1=value2&parameter2=a%20b",
            headers,
            is_encrypted: false,
            protocol: "HTTP/1.1",
            source_address: "127.0.0.1".into(),
            url_id: "abc",
            domain: "abc.lambda-url.us-east-1.localhost.localstack.cloud:4566",
            request_id: "id-1",
            trace: "Root=1-0-0",
            now_epoch_millis: 1_583_348_638_390,
            caller,
            body,
        }
    }

    #[test]
    fn an_anonymous_event_is_as_aws_sends_it() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", "text/plain"),
            ("cookie", "cookie1=a; cookie2=b"),
            ("user-agent", "agent"),
            ("x-many", "1"),
            ("x-many", "2"),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        let body = Bytes::from_static(b"Hello from client!");
        let json: serde_json::Value =
            serde_json::from_slice(&payload(&facts(&headers, &body, None)).unwrap()).unwrap();
        expect![[r#"
            {
              "body": "Hello from client!",
              "cookies": [
                "cookie1=a",
                "cookie2=b"
              ],
              "headers": {
                "content-type": "text/plain",
                "user-agent": "agent",
                "x-amzn-trace-id": "Root=1-0-0",
                "x-forwarded-for": "127.0.0.1",
                "x-forwarded-port": "4566",
                "x-forwarded-proto": "http",
                "x-many": "1,2"
              },
              "isBase64Encoded": false,
              "queryStringParameters": {
                "parameter1": "value1,value2",
                "parameter2": "a b"
              },
              "rawPath": "/my/pa%20th",
              "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=a%20b",
              "requestContext": {
                "accountId": "anonymous",
                "apiId": "abc",
                "authentication": null,
                "domainName": "abc.lambda-url.us-east-1.localhost.localstack.cloud",
                "domainPrefix": "abc",
                "http": {
                  "method": "POST",
                  "path": "/my/pa%20th",
                  "protocol": "HTTP/1.1",
                  "sourceIp": "127.0.0.1",
                  "userAgent": "agent"
                },
                "requestId": "id-1",
                "routeKey": "$default",
                "stage": "$default",
                "time": "04/Mar/2020:19:03:58 +0000",
                "timeEpoch": 1583348638390
              },
              "routeKey": "$default",
              "version": "2.0"
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&json).unwrap());
    }

    #[test]
    fn a_signed_event_names_its_caller_and_an_empty_one_leaves_out_what_it_lacks() {
        let caller = Caller {
            access_key_id: Some("ASIAEXAMPLE".into()),
            ..Caller::internal(Principal::Root { account: AccountId::default() })
        };
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        let facts = Facts { query: "", ..facts(&headers, &body, Some(&caller)) };
        let json: serde_json::Value = serde_json::from_slice(&payload(&facts).unwrap()).unwrap();
        assert_eq!(json["requestContext"]["accountId"], "000000000000");
        assert_eq!(json["requestContext"]["authorizer"]["iam"]["accessKey"], "ASIAEXAMPLE");
        assert_eq!(json["requestContext"]["authorizer"]["iam"]["userArn"], "arn:aws:iam::000000000000:root");
        for absent in ["body", "cookies", "queryStringParameters"] {
            assert!(json.get(absent).is_none(), "{absent}");
        }
    }
}
