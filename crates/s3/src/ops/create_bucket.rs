use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::S3;
use crate::acl::GrantHeaders;
use crate::bucket::{self, Bucket, Created, ObjectLock, Versioning};
use crate::configuration::{self, ACL, OWNERSHIP, TAGGING};
use crate::error::{Error, access_denied};
use crate::owner::canonical_id;
use crate::public_access::Ownership;
use crate::tagging::{self, Tag, TagSet};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateBucket {
    bucket: String,
    create_bucket_configuration: Option<CreateBucketConfiguration>,
    #[serde(rename = "ACL")]
    acl: Option<String>,
    grant_full_control: Option<String>,
    grant_read: Option<String>,
    #[serde(rename = "GrantReadACP")]
    grant_read_acp: Option<String>,
    grant_write: Option<String>,
    #[serde(rename = "GrantWriteACP")]
    grant_write_acp: Option<String>,
    object_ownership: Option<Ownership>,
    #[serde(default)]
    object_lock_enabled_for_bucket: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateBucketConfiguration {
    location_constraint: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    location: String,
    bucket_arn: String,
}

/// The region whose endpoint makes buckets anywhere.
const MAIN_REGION: &str = "us-east-1";

impl Operation for CreateBucket {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "CreateBucket";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::bucket(&self.bucket)
    }

    async fn run(self, _: &S3, cx: &Context) -> Result<Output> {
        bucket::check_name(&self.bucket)?;
        let CreateBucketConfiguration { location_constraint: constraint, tags } =
            self.create_bucket_configuration.unwrap_or_default();
        let mut configurations = Vec::new();
        if !tags.is_empty() {
            tagging::check_bucket_tags(&tags)?;
            configurations.push((TAGGING.0, configuration::encode(&TagSet { tag_set: tags })?));
        }
        if let Some(ownership) = self.object_ownership {
            configurations.push((OWNERSHIP.0, configuration::encode(&Some(ownership))?));
        }
        let grants = GrantHeaders {
            canned: self.acl.as_deref(),
            full_control: self.grant_full_control.as_deref(),
            read: self.grant_read.as_deref(),
            read_acp: self.grant_read_acp.as_deref(),
            write: self.grant_write.as_deref(),
            write_acp: self.grant_write_acp.as_deref(),
        };
        let owner_id = canonical_id(cx.account().as_str());
        if let Some(acl) = grants.acl(&owner_id, &owner_id)? {
            let is_owners_alone = acl.is_owners_alone(&owner_id);
            if self.object_ownership.unwrap_or_default() == Ownership::BucketOwnerEnforced && !is_owners_alone
            {
                let text = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
                return Err(Error::new("InvalidBucketAclWithObjectOwnership", 400, text).into());
            }
            // New buckets block public access, so that is refused where policies are enforced.
            if cx.platform().authorizer().enforces() && acl.is_public() {
                return Err(access_denied().into());
            }
            if !is_owners_alone {
                configurations.push((ACL.0, configuration::encode(&acl)?));
            }
        }
        let region = region(cx.region().as_str(), constraint.as_deref())?;
        let created = Bucket {
            name: self.bucket.clone(),
            id: cx.platform().ids().hex::<8>(),
            owner: cx.account().to_string(),
            region,
            created_epoch_millis: cx.now().epoch_millis(),
            // Locks hold versions.
            versioning: if self.object_lock_enabled_for_bucket {
                Versioning::Enabled
            } else {
                Versioning::Off
            },
            object_lock: self.object_lock_enabled_for_bucket.then(ObjectLock::default),
            configured: configurations.iter().map(|(kind, _)| (*kind).to_owned()).collect(),
        };
        let output = Output { location: format!("/{}", self.bucket), bucket_arn: created.arn() };
        match bucket::create(cx, created, &configurations).await? {
            Created::Now => Ok(output),
            Created::Before(existing) if existing.owner != cx.account().as_str() => {
                let text = "The requested bucket name is not available. The bucket namespace is shared by all users of \
                            the system. Please select a different name and try again.";
                Err(Error::new("BucketAlreadyExists", 409, text).with("BucketName", self.bucket).into())
            }
            // The oldest region answers as it always did.
            Created::Before(existing)
                if existing.region == MAIN_REGION && cx.region().as_str() == MAIN_REGION =>
            {
                Ok(output)
            }
            Created::Before(_) => {
                let text =
                    "Your previous request to create the named bucket succeeded and you already own it.";
                Err(Error::new("BucketAlreadyOwnedByYou", 409, text).with("BucketName", self.bucket).into())
            }
        }
    }
}

/// Where the bucket is made: `endpoint` is the region of the request.
fn region(endpoint: &str, constraint: Option<&str>) -> Result<String> {
    let illegal = |text: String| Err(Error::new("IllegalLocationConstraintException", 400, text).into());
    match constraint.filter(|constraint| !constraint.is_empty()) {
        None if endpoint == MAIN_REGION => Ok(MAIN_REGION.to_owned()),
        None => illegal(
            "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to."
                .to_owned(),
        ),
        Some(wanted) => {
            let wanted = if wanted == "EU" { "eu-west-1" } else { wanted };
            let is_region = wanted.contains('-') && service::Region::parse(wanted).is_some();
            if !is_region || (wanted == MAIN_REGION && endpoint == MAIN_REGION) {
                let text = "The specified location-constraint is not valid";
                return Err(Error::new("InvalidLocationConstraint", 400, text)
                    .with("LocationConstraint", wanted)
                    .into());
            }
            if endpoint != MAIN_REGION && endpoint != wanted {
                return illegal(format!(
                    "The {wanted} location constraint is incompatible for the region specific endpoint this request was sent to."
                ));
            }
            Ok(wanted.to_owned())
        }
    }
}
