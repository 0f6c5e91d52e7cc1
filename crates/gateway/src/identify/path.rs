//! REST APIs that a path alone gives away, for requests without a signature.

use http::Method;

/// First segments that no other API shares. S3 is the fallback of everything else and decided by the gateway.
pub(super) fn service(_: &Method, path: &str) -> Option<&'static str> {
    let mut segments = path.trim_start_matches('/').split('/');
    let (first, second) = (segments.next().unwrap_or(""), segments.next().unwrap_or(""));
    if is_date(first) {
        return dated(first, second);
    }
    match (first, second) {
        ("v2", "apis" | "domainnames" | "vpclinks") => Some("apigatewayv2"),
        ("v2", "email") => Some("sesv2"),
        ("v1", "apis") => Some("appsync"),
        ("v1", "pipes") => Some("pipes"),
        ("v20180820", _) => Some("s3control"),
        ("restapis" | "apikeys" | "usageplans" | "domainnames" | "vpclinks" | "clientcertificates", _) => {
            Some("apigateway")
        }
        ("schedules" | "schedule-groups", _) => Some("scheduler"),
        ("@connections", _) => Some("apigatewaymanagementapi"),
        (
            "TraceSegments" | "TraceSummaries" | "Traces" | "ServiceGraph" | "SamplingTargets"
            | "TelemetryRecords",
            "",
        ) => Some("xray"),
        ("GetSamplingRules" | "SamplingStatisticSummaries", "") => Some("xray"),
        ("topics" | "retainedMessage", _) => Some("iot-data"),
        _ => None,
    }
}

/// `/2015-03-31/functions`: the date is the version of the API or of one of its parts.
fn dated(date: &str, resource: &str) -> Option<&'static str> {
    match (date, resource) {
        ("2020-05-31", _) => Some("cloudfront"),
        ("2013-04-01", _) => Some("route53"),
        (
            _,
            "functions"
            | "layers"
            | "layers-by-arn"
            | "event-source-mappings"
            | "account-settings"
            | "tags"
            | "code-signing-configs"
            | "capacity-providers"
            | "durable-executions"
            | "durable-execution-callbacks"
            | "resource-policy",
        ) => Some("lambda"),
        _ => None,
    }
}

fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}
