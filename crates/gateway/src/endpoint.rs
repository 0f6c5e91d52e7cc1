//! The base URL a client reaches us under, so that URLs in answers work for that client.

use std::sync::Arc;

use crate::request::Request;

/// Host names of the community convention; their sub-domains name services, buckets and functions.
const LOCAL_DOMAINS: [&str; 2] = ["localhost.localstack.cloud", "localhost"];

/// The host as the client wrote it where it is one of ours; `ours` where the client thinks it speaks to AWS.
pub(crate) fn endpoint_of(request: &Request, ours: &Arc<str>) -> Arc<str> {
    let scheme = if request.peer.is_encrypted { "https" } else { "http" };
    match base_host(request.host()) {
        Some(host) if ours.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://")) == Some(host) => {
            ours.clone()
        }
        Some(host) => format!("{scheme}://{host}").into(),
        None => ours.clone(),
    }
}

/// Sub-domains of local names cut off; `None` for AWS names, no name, and what is no host.
fn base_host(host: &str) -> Option<&str> {
    let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte));
    let name = name_of(host);
    if host.is_empty() || !plain || is_aws(name) {
        return None;
    }
    for domain in LOCAL_DOMAINS {
        if let Some(start) = name.strip_suffix(domain)
            && (start.is_empty() || start.ends_with('.'))
        {
            return Some(&host[start.len()..]);
        }
    }
    Some(host)
}

/// The host without its port.
pub(crate) fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn is_aws(name: &str) -> bool {
    [".amazonaws.com", ".amazonaws.com.cn", ".on.aws", ".api.aws"].iter().any(|suffix| name.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sub_domains_are_cut_off_and_aws_names_are_not_ours() {
        for (host, base) in [
            ("127.0.0.1:4566", Some("127.0.0.1:4566")),
            ("[::1]:4566", Some("[::1]:4566")),
            ("localhost:4566", Some("localhost:4566")),
            ("sqs.eu-west-1.localhost.localstack.cloud:4566", Some("localhost.localstack.cloud:4566")),
            ("bucket.localhost:4566", Some("localhost:4566")),
            ("cloud.example.com", Some("cloud.example.com")),
            ("notlocalhost", Some("notlocalhost")),
            ("dynamodb.us-east-1.amazonaws.com", None),
            ("abc.lambda-url.us-east-1.on.aws", None),
            ("a/b", None),
            ("", None),
        ] {
            assert_eq!(base_host(host), base, "{host}");
        }
    }
}
