//! Buckets in host names: the virtual-hosted style of S3.

use crate::endpoint::name_of;

/// Names under which we are reached; what stands before them is a bucket, where the request is one of S3.
const LOCAL_DOMAINS: [&str; 3] = [".localhost.localstack.cloud", ".localhost", ".127.0.0.1"];
const AWS_DOMAINS: [&str; 2] = [".amazonaws.com", ".amazonaws.com.cn"];

/// The bucket that the host of an S3 request names; `None` where the path does.
///
/// `bucket.s3.eu-west-1.amazonaws.com`, `bucket.s3.localhost.localstack.cloud:4566`, `bucket.localhost:4566`.
pub(crate) fn bucket_of_host(host: &str) -> Option<&str> {
    let name = name_of(host);
    let ends_in = |domain: &&&str| name.ends_with(**domain);
    if let Some(domain) = LOCAL_DOMAINS.iter().find(ends_in) {
        let front = &name[..name.len() - domain.len()];
        return match before_s3(front) {
            Front::Bucket(bucket) => Some(bucket),
            Front::Service => None,
            Front::Other => (!front.is_empty()).then_some(front),
        };
    }
    let domain = AWS_DOMAINS.iter().find(ends_in)?;
    match before_s3(&name[..name.len() - domain.len()]) {
        Front::Bucket(bucket) => Some(bucket),
        Front::Service | Front::Other => None,
    }
}

enum Front<'a> {
    Bucket(&'a str),
    /// S3 itself: `s3`, `s3.eu-west-1`, `s3-eu-west-1`.
    Service,
    Other,
}

/// Buckets may have dots, even `.s3.` in their names: the last `s3` is the service's.
fn before_s3(front: &str) -> Front<'_> {
    let marks = [".s3.", ".s3-"].into_iter().filter_map(|mark| front.rfind(mark)).max();
    match (front.strip_suffix(".s3"), marks) {
        (Some(bucket), _) => Front::Bucket(bucket),
        (None, Some(at)) => Front::Bucket(&front[..at]),
        _ if front == "s3" || front.starts_with("s3.") || front.starts_with("s3-") => Front::Service,
        _ => Front::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_name_buckets() {
        for (host, bucket) in [
            ("pictures.s3.amazonaws.com", Some("pictures")),
            ("pictures.s3.eu-west-1.amazonaws.com:443", Some("pictures")),
            ("pictures.s3-eu-west-1.amazonaws.com", Some("pictures")),
            ("my.own.bucket.s3.dualstack.eu-west-1.amazonaws.com", Some("my.own.bucket")),
            ("a.s3.b.s3.eu-west-1.amazonaws.com", Some("a.s3.b")),
            ("pictures.s3.localhost.localstack.cloud:4566", Some("pictures")),
            ("pictures.s3.eu-west-1.localhost.localstack.cloud:4566", Some("pictures")),
            ("pictures.localhost.localstack.cloud:4566", Some("pictures")),
            ("pictures.localhost:4566", Some("pictures")),
            ("my.pictures.localhost:4566", Some("my.pictures")),
            ("pictures.127.0.0.1:4566", Some("pictures")),
            ("s3.amazonaws.com", None),
            ("s3.eu-west-1.amazonaws.com", None),
            ("s3-eu-west-1.amazonaws.com", None),
            ("s3.localhost.localstack.cloud:4566", None),
            ("s3.localhost:4566", None),
            ("localhost:4566", None),
            ("127.0.0.1:4566", None),
            ("lambda.us-east-1.amazonaws.com", None),
            ("cloud.example.com", None),
            ("", None),
        ] {
            assert_eq!(bucket_of_host(host), bucket, "{host}");
        }
    }
}
