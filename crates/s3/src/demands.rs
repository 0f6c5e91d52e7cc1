//! What requests on objects must be allowed, and what policies may ask about them.
//!
//! Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3".

use service::{Authorization, Context, Demand, Failure, Result};

use crate::acl::GrantHeaders;
use crate::arn;
use crate::error::Error;
use crate::source::Source;
use crate::versions::Target;

/// An action on an object; where the request names a version, it is the action's form for versions.
pub(crate) fn on_version(
    action: &'static str,
    of_version: &'static str,
    target: Target<'_>,
    version_id: Option<&str>,
) -> Demand {
    let resource = arn::object(target.bucket, target.key);
    match version_id {
        Some(id) => Demand::new(of_version, resource).with("s3:VersionId", id),
        None => Demand::new(action, resource),
    }
}

/// To read the source of a copy. A source that does not read is refused by the operation.
pub(crate) fn on_source(copy_source: &str) -> Option<Demand> {
    let source = Source::parse(copy_source).ok()?;
    let target = Target { bucket: &source.bucket, key: &source.key, expected_owner: None };
    Some(on_version("s3:GetObject", "s3:GetObjectVersion", target, source.version_id.as_deref()))
}

/// What a request says of an object it makes, as far as policies care.
#[derive(Debug)]
pub(crate) struct NewObject<'a> {
    pub(crate) target: Target<'a>,
    pub(crate) grants: GrantHeaders<'a>,
    pub(crate) tagging: Option<&'a str>,
    pub(crate) storage_class: Option<&'a str>,
    pub(crate) website_redirect_location: Option<&'a str>,
    pub(crate) server_side_encryption: Option<&'a str>,
    pub(crate) customer_algorithm: Option<&'a str>,
    pub(crate) lock_mode: Option<&'a str>,
    pub(crate) retain_until: Option<wire::Timestamp>,
    pub(crate) legal_hold: Option<&'a str>,
}

impl NewObject<'_> {
    /// To put the object, and what it comes with.
    pub(crate) fn demands(&self) -> Vec<Demand> {
        let grants = &self.grants;
        let until = self.retain_until.map(wire::Timestamp::to_rfc3339);
        let tags = self.tagging.and_then(|tags| crate::tagging::parse_query(tags).ok()).unwrap_or_default();
        let keys = [
            ("s3:x-amz-acl", grants.canned),
            ("s3:x-amz-grant-full-control", grants.full_control),
            ("s3:x-amz-grant-read", grants.read),
            ("s3:x-amz-grant-read-acp", grants.read_acp),
            ("s3:x-amz-grant-write-acp", grants.write_acp),
            ("s3:x-amz-storage-class", self.storage_class),
            ("s3:x-amz-website-redirect-location", self.website_redirect_location),
            ("s3:x-amz-server-side-encryption", self.server_side_encryption),
            ("s3:x-amz-server-side-encryption-customer-algorithm", self.customer_algorithm),
            ("s3:object-lock-mode", self.lock_mode),
            ("s3:object-lock-retain-until-date", until.as_deref()),
            ("s3:object-lock-legal-hold", self.legal_hold),
        ];
        let demand = |action: &'static str| {
            let mut demand = Demand::new(action, arn::object(self.target.bucket, self.target.key));
            for (name, value) in keys {
                if let Some(value) = value {
                    demand = demand.with(name, value);
                }
            }
            with_request_tags(demand, &tags)
        };
        let mut demands = vec![demand("s3:PutObject")];
        let more = [
            ("s3:PutObjectAcl", !grants.is_empty()),
            ("s3:PutObjectTagging", !tags.is_empty()),
            ("s3:PutObjectRetention", self.lock_mode.is_some()),
            ("s3:PutObjectLegalHold", self.legal_hold.is_some()),
        ];
        demands.extend(more.into_iter().filter(|(_, asked)| *asked).map(|(action, _)| demand(action)));
        demands
    }
}

/// The tags a request gives an object.
pub(crate) fn with_request_tags(mut demand: Demand, tags: &[(String, String)]) -> Demand {
    for (key, value) in tags {
        demand = demand.with(format!("s3:RequestObjectTag/{key}"), value.as_str());
    }
    demand.with_all("s3:RequestObjectTagKeys", tags.iter().map(|(key, _)| key.clone()))
}

/// What a list is limited to.
pub(crate) fn on_list(
    action: &'static str,
    bucket: &str,
    prefix: Option<&str>,
    delimiter: Option<&str>,
    max_keys: Option<i64>,
) -> Demand {
    let mut demand = Demand::new(action, arn::bucket(bucket));
    // A list without a prefix is one of the empty prefix.
    demand = demand.with("s3:prefix", prefix.unwrap_or_default());
    if let Some(delimiter) = delimiter {
        demand = demand.with("s3:delimiter", delimiter);
    }
    match max_keys {
        Some(max_keys) => demand.with("s3:max-keys", max_keys.to_string()),
        None => demand,
    }
}

/// Asks about what is known only while the operation runs.
pub(crate) async fn allowed(cx: &Context, operation: &'static str, demands: Vec<Demand>) -> Result<()> {
    let question = Authorization { cx, service: "s3", operation, demands };
    cx.platform().authorizer().authorize(question).await
}

/// That a key is not there is for those to know who may list the bucket.
pub(crate) async fn hide_what_is_missing<T>(
    cx: &Context,
    operation: &'static str,
    bucket: &str,
    found: Result<T>,
) -> Result<T> {
    match found {
        Err(failure) if failure.code() == "NoSuchKey" => {
            let demand = Demand::new("s3:ListBucket", arn::bucket(bucket));
            match allowed(cx, operation, vec![demand]).await {
                Ok(()) => Err(failure),
                Err(Failure::Modelled(reply)) if reply.code == "AccessDenied" => {
                    Err(Error::new("AccessDenied", 403, reply.message).into())
                }
                Err(other) => Err(other),
            }
        }
        other => other,
    }
}
