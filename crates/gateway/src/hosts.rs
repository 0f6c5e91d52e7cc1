//! The names a development server answers to.
//!
//! A page of a foreign site can have its own name point at 127.0.0.1 ("DNS rebinding") and is then of one origin with
//! whatever listens there. It cannot change the `Host` that its browser sends, so names that a foreigner can own are
//! not answered.

use std::net::IpAddr;

use crate::endpoint::name_of;

/// Names below which nobody but us, or AWS, owns a name.
const DOMAINS: [&str; 8] = [
    // No name ends in a number: clients put buckets there that know us by our address.
    "127.0.0.1",
    "localhost",
    "localhost.localstack.cloud",
    "amazonaws.com",
    "amazonaws.com.cn",
    "on.aws",
    "api.aws",
    "docker.internal",
];

/// Names that are answered beside our own.
#[derive(Clone, Debug, Default)]
pub struct AllowedHosts {
    names: Vec<String>,
}

impl AllowedHosts {
    /// Each name stands for itself and all names below it.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        let clean = |name: String| name.trim_matches('.').to_ascii_lowercase();
        AllowedHosts { names: names.into_iter().map(clean).filter(|name| !name.is_empty()).collect() }
    }

    /// Whether a `Host` header names this server: an address, a name without dots (nobody can own one), or a name of
    /// ours. Requests without the header, of HTTP/1.0, come from no browser.
    pub(crate) fn allow(&self, host: &str) -> bool {
        let name = name_of(host).trim_end_matches('.').to_ascii_lowercase();
        let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&name);
        let below = |domain: &str| {
            name.strip_suffix(domain).is_some_and(|start| start.is_empty() || start.ends_with('.'))
        };
        !name.contains('.')
            || address.parse::<IpAddr>().is_ok()
            || DOMAINS.iter().any(|domain| below(domain))
            || self.names.iter().any(|domain| below(domain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_foreigner_can_own_are_not_ours() {
        let hosts = AllowedHosts::new(["Example.test.".to_owned(), String::new()]);
        for host in [
            "",
            "127.0.0.1:4566",
            "[::1]:4566",
            "192.168.0.7",
            "localhost",
            "LOCALHOST:4566",
            "bucket.s3.localhost.localstack.cloud:4566",
            "sqs.eu-west-1.amazonaws.com",
            "abc.lambda-url.us-east-1.on.aws",
            "host.docker.internal:4566",
            "bucket.127.0.0.1:4566",
            "cloudling:4566",
            "example.test",
            "www.example.test:80",
        ] {
            assert!(hosts.allow(host), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:4566",
            "evillocalhost.com",
            "localhost.evil.example",
            "127.0.0.1.nip.example",
            "notexample.test",
            "amazonaws.com.evil.example",
        ] {
            assert!(!hosts.allow(host), "{host}");
        }
        assert!(!AllowedHosts::default().allow("example.test"));
    }
}
