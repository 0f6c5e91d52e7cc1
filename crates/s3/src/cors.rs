//! Which pages of other origins may use a bucket.
//!
//! Source: user guide, "Using cross-origin resource sharing (CORS)" and its element reference.

use serde::{Deserialize, Serialize};

use crate::error::{Error, invalid_request, malformed_xml};

const RULES_MAX: usize = 100;
const ID_CHARS_MAX: usize = 255;
const METHODS: [&str; 5] = ["GET", "PUT", "HEAD", "POST", "DELETE"];

/// The CORS configuration of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cors {
    #[serde(rename = "CORSRules", default)]
    pub(crate) rules: Vec<CorsRule>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CorsRule {
    #[serde(rename = "ID", skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) allowed_headers: Vec<String>,
    pub(crate) allowed_methods: Vec<String>,
    pub(crate) allowed_origins: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) expose_headers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_age_seconds: Option<i64>,
}

/// What the page's browser is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Allowance {
    /// `*`, or the origin that asked.
    pub(crate) allow_origin: String,
    pub(crate) allow_methods: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allow_headers: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expose_headers: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_age_seconds: Option<i64>,
    /// Not where every origin is allowed.
    pub(crate) allow_credentials: bool,
}

impl Cors {
    /// The rules of PutBucketCors.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.rules.is_empty() {
            return Err(malformed_xml());
        }
        if self.rules.len() > RULES_MAX {
            return Err(invalid_request(format!(
                "The number of CORS rules should not exceed allowed limit of {RULES_MAX} rules."
            )));
        }
        self.rules.iter().try_for_each(CorsRule::check)
    }

    /// The answer of the first rule that covers the request; `None` when no rule does. `headers` are those that a
    /// preflight announces, none for the request itself.
    pub(crate) fn allowance(&self, origin: &str, method: &str, headers: &[&str]) -> Option<Allowance> {
        self.rules.iter().find_map(|rule| rule.allowance(origin, method, headers))
    }
}

impl CorsRule {
    fn check(&self) -> Result<(), Error> {
        if self.allowed_methods.is_empty() || self.allowed_origins.is_empty() {
            return Err(malformed_xml());
        }
        if self.id.as_ref().is_some_and(|id| id.chars().count() > ID_CHARS_MAX) {
            return Err(invalid_request(format!(
                "The ID of a CORS rule should not exceed allowed limit of {ID_CHARS_MAX}"
            )));
        }
        if let Some(method) = self.allowed_methods.iter().find(|method| !METHODS.contains(&method.as_str())) {
            return Err(invalid_request(format!(
                "Found unsupported HTTP method in CORS config. Unsupported method is {method}"
            )));
        }
        let twice = |texts: &[String]| texts.iter().find(|text| text.matches('*').count() > 1).cloned();
        if let Some(origin) = twice(&self.allowed_origins) {
            return Err(invalid_request(format!(
                "AllowedOrigin \"{origin}\" can not have more than one wildcard."
            )));
        }
        if let Some(header) = twice(&self.allowed_headers) {
            return Err(invalid_request(format!(
                "AllowedHeader \"{header}\" can not have more than one wildcard."
            )));
        }
        if let Some(header) = self.expose_headers.iter().find(|header| header.contains('*')) {
            return Err(invalid_request(format!(
                "ExposeHeader \"{header}\" contains wildcard. We currently do not support wildcard for \
                 ExposeHeader."
            )));
        }
        Ok(())
    }

    fn allowance(&self, origin: &str, method: &str, headers: &[&str]) -> Option<Allowance> {
        let pattern = self.allowed_origins.iter().find(|pattern| is_like(pattern, origin))?;
        let covers = |header: &&str| {
            let header = header.to_ascii_lowercase();
            self.allowed_headers.iter().any(|pattern| is_like(&pattern.to_ascii_lowercase(), &header))
        };
        if !self.allowed_methods.iter().any(|allowed| allowed == method) || !headers.iter().all(covers) {
            return None;
        }
        let is_any = pattern == "*";
        let joined = |texts: &[String]| (!texts.is_empty()).then(|| texts.join(", "));
        let asked: Vec<String> = headers.iter().map(|header| header.to_ascii_lowercase()).collect();
        Some(Allowance {
            allow_origin: if is_any { "*".into() } else { origin.to_owned() },
            allow_methods: self.allowed_methods.join(", "),
            allow_headers: joined(&asked),
            expose_headers: joined(&self.expose_headers),
            max_age_seconds: self.max_age_seconds,
            allow_credentials: !is_any,
        })
    }
}

/// Whether the text fits a pattern with at most one `*`.
fn is_like(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cors(json: serde_json::Value) -> Cors {
        serde_json::from_value(json).unwrap()
    }

    fn site() -> Cors {
        cors(serde_json::json!({"CORSRules": [
            {"AllowedMethods": ["PUT", "POST"], "AllowedOrigins": ["https://*.example.com"],
             "AllowedHeaders": ["x-amz-*", "Content-Type"], "ExposeHeaders": ["ETag", "x-amz-request-id"],
             "MaxAgeSeconds": 3000},
            {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]},
        ]}))
    }

    #[test]
    fn the_first_rule_that_covers_the_request_answers() {
        let site = site();
        let found = site.allowance("https://a.example.com", "PUT", &["X-Amz-Date", "content-type"]).unwrap();
        assert_eq!(
            found,
            Allowance {
                allow_origin: "https://a.example.com".into(),
                allow_methods: "PUT, POST".into(),
                allow_headers: Some("x-amz-date, content-type".into()),
                expose_headers: Some("ETag, x-amz-request-id".into()),
                max_age_seconds: Some(3000),
                allow_credentials: true,
            }
        );
        let any = site.allowance("https://elsewhere.org", "GET", &[]).unwrap();
        assert_eq!((any.allow_origin.as_str(), any.allow_credentials), ("*", false));
    }

    #[test]
    fn what_no_rule_covers_is_not_allowed() {
        let site = site();
        assert_eq!(site.allowance("https://elsewhere.org", "PUT", &[]), None);
        assert_eq!(site.allowance("https://a.example.com", "DELETE", &[]), None);
        assert_eq!(site.allowance("https://a.example.com", "PUT", &["authorization"]), None);
        assert_eq!(site.allowance("https://elsewhere.org", "GET", &["x-amz-date"]), None);
        assert_eq!(site.allowance("HTTPS://A.EXAMPLE.COM", "PUT", &[]), None);
    }

    #[test]
    fn what_aws_refuses_is_refused() {
        let rule = |members: serde_json::Value| {
            let mut rule = serde_json::json!({"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]});
            rule.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            cors(serde_json::json!({"CORSRules": [rule]})).check()
        };
        let cases = [
            (serde_json::json!({"AllowedMethods": ["PATCH"]}), "Unsupported method is PATCH"),
            (
                serde_json::json!({"AllowedOrigins": ["*.a.*"]}),
                "AllowedOrigin \"*.a.*\" can not have more than one",
            ),
            (
                serde_json::json!({"AllowedHeaders": ["**"]}),
                "AllowedHeader \"**\" can not have more than one",
            ),
            (serde_json::json!({"ExposeHeaders": ["x-*"]}), "ExposeHeader \"x-*\" contains wildcard."),
            (serde_json::json!({"AllowedMethods": []}), "MalformedXML"),
            (serde_json::json!({"ID": "x".repeat(256)}), "255"),
        ];
        for (members, expected) in cases {
            let said = service::Failure::from(rule(members.clone()).unwrap_err()).to_string();
            assert!(said.contains(expected), "{members}: {said}");
        }
        assert!(rule(serde_json::json!({"ID": "x".repeat(255)})).is_ok());
    }

    #[test]
    fn a_hundred_rules_fit_and_one_more_does_not() {
        let rules = |count: usize| Cors { rules: vec![site().rules[1].clone(); count] };
        assert!(rules(RULES_MAX).check().is_ok());
        assert!(rules(RULES_MAX + 1).check().is_err());
    }

    proptest! {
        #[test]
        fn a_pattern_is_a_start_and_an_end(start in "[a-z]{0,4}", middle in "[a-z]{0,4}", end in "[a-z]{0,4}") {
            let pattern = format!("{start}*{end}");
            let full = format!("{start}{middle}{end}");
            prop_assert!(is_like(&pattern, &full));
            prop_assert_eq!(is_like(&full, &middle), full == middle);
        }
    }
}
