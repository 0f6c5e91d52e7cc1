//! What buckets and objects say themselves about who may use them: bucket policies, ACLs, and what blocks of public
//! access take away from both.

use std::borrow::Cow;
use std::sync::Arc;

use service::{
    AccountId, BoxFuture, Context, Demand, Failure, Grant, Grantee, ResourcePolicies, ResourcePolicy, Result,
    grants_document,
};

use crate::acl::{ALL_USERS, AUTHENTICATED_USERS, Acl, FULL_CONTROL, READ, READ_ACP, WRITE, WRITE_ACP};
use crate::bucket::Bucket;
use crate::configuration::{self, POLICY};
use crate::public_access::PublicAccessBlock;
use crate::versions::{self, Target};
use crate::{S3, access, bucket, bucket_policy, owner};

/// Actions that each permission on a bucket is for. Source: user guide, "Access control list (ACL) overview".
const ON_BUCKETS: [(&str, &[&str]); 4] = [
    (READ, &["s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions"]),
    (WRITE, &["s3:DeleteObject", "s3:PutObject"]),
    (READ_ACP, &["s3:GetBucketAcl"]),
    (WRITE_ACP, &["s3:PutBucketAcl"]),
];
const ON_OBJECTS: [(&str, &[&str]); 3] = [
    (READ, &["s3:GetObject", "s3:GetObjectVersion"]),
    (READ_ACP, &["s3:GetObjectAcl", "s3:GetObjectVersionAcl"]),
    (WRITE_ACP, &["s3:PutObjectAcl", "s3:PutObjectVersionAcl"]),
];

impl ResourcePolicies for S3 {
    fn resource_policy<'a>(
        &'a self,
        cx: &'a Context,
        demand: &'a Demand,
    ) -> BoxFuture<'a, Result<Option<ResourcePolicy>>> {
        Box::pin(async move {
            let Some(name) = demand.resource.as_str().strip_prefix("arn:aws:s3:::") else { return Ok(None) };
            let (name, key) = match name.split_once('/') {
                Some((name, key)) => (name, Some(key)),
                None => (name, None),
            };
            let bucket = match bucket::load(cx, name, None).await {
                Ok(bucket) => bucket,
                // What is not there is said by the operation, not here.
                Err(Failure::Modelled(_)) => return Ok(None),
                Err(failure) => return Err(failure),
            };
            of_bucket(cx, &bucket, key, demand).await.map(Some)
        })
    }
}

async fn of_bucket(
    cx: &Context,
    bucket: &Bucket,
    key: Option<&str>,
    demand: &Demand,
) -> Result<ResourcePolicy> {
    let block = access::public_access_block(cx, bucket).await?.unwrap_or_default();
    let mut documents = Vec::new();
    if let Some(policy) = configuration::get::<String>(cx, bucket, POLICY).await? {
        documents.extend(policy_in_force(cx, bucket, block, policy));
    }
    if access::has_acls(cx, bucket).await? {
        let acl = access::bucket_acl(cx, bucket).await?;
        let objects = format!("{}/*", bucket.arn());
        documents.push(document(acl, block, &ON_BUCKETS, &[&bucket.arn(), &objects]));
        if let Some(key) = key
            && let Some(acl) = object_acl(cx, bucket, key, demand).await?
        {
            documents.push(document(acl, block, &ON_OBJECTS, &[demand.resource.as_str()]));
        }
    }
    let owner = AccountId::parse(&bucket.owner);
    Ok(ResourcePolicy { owner, documents, ..ResourcePolicy::default() })
}

/// A public policy of a restricted bucket is for its own account and for services.
fn policy_in_force(
    cx: &Context,
    bucket: &Bucket,
    block: PublicAccessBlock,
    policy: String,
) -> Option<Arc<str>> {
    let principal = &cx.caller().principal;
    let is_own = principal.account().as_str() == bucket.owner
        && !matches!(principal, service::Principal::Anonymous { .. });
    let is_service = matches!(principal, service::Principal::Service { .. });
    if block.restrict_public_buckets && !is_own && !is_service && bucket_policy::is_public(&policy) {
        return bucket_policy::denials_of(&policy).map(Into::into);
    }
    Some(policy.into())
}

/// Only where the action may depend on it is the object read.
async fn object_acl(cx: &Context, bucket: &Bucket, key: &str, demand: &Demand) -> Result<Option<Acl>> {
    let depends = ON_OBJECTS.iter().any(|(_, actions)| actions.contains(&&*demand.action));
    if !depends || key.contains('*') {
        return Ok(None);
    }
    let version = demand.keys.iter().find(|(name, _)| name.eq_ignore_ascii_case("s3:VersionId"));
    let version = version.and_then(|(_, values)| values.first()).map(String::as_str);
    let target = Target { bucket: &bucket.name, key, expected_owner: None };
    match versions::read(cx, target, version).await {
        Ok(read) => Acl::of_object(&read.object, bucket).map(Some),
        Err(Failure::Modelled(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn document(
    acl: Acl,
    block: PublicAccessBlock,
    meanings: &[(&str, &[&'static str])],
    resources: &[&str],
) -> Arc<str> {
    let acl = if block.ignore_public_acls { acl.without_public() } else { acl };
    let mut grants = Vec::new();
    for grant in acl.grants {
        let grantee = match (grant.grantee.uri.as_deref(), grant.grantee.id.as_deref()) {
            (Some(ALL_USERS), _) => Grantee::Everyone,
            (Some(AUTHENTICATED_USERS), _) => Grantee::Authenticated,
            (None, Some(id)) => match owner::account_of(id) {
                Some(account) => Grantee::Account(account),
                None => continue,
            },
            _ => continue,
        };
        let actions: Vec<Cow<'static, str>> = meanings
            .iter()
            .filter(|(permission, _)| grant.permission == *permission || grant.permission == FULL_CONTROL)
            .flat_map(|(_, actions)| actions.iter().map(|action| Cow::Borrowed(*action)))
            .collect();
        if !actions.is_empty() {
            grants.push(Grant { grantee, actions });
        }
    }
    grants_document(&grants, resources)
}
