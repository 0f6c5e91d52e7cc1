//! Names of buckets and objects in policies.

use service::Arn;

pub(crate) fn bucket(name: &str) -> Arn {
    parse(format!("arn:aws:s3:::{name}"))
}

pub(crate) fn object(bucket: &str, key: &str) -> Arn {
    parse(format!("arn:aws:s3:::{bucket}/{key}"))
}

fn parse(text: String) -> Arn {
    text.parse().unwrap_or_else(|_| Arn::any())
}
