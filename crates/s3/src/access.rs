//! What a bucket says about who may use it: its policy, its ACL, its objects' ownership, its public access block.
//!
//! New buckets are as on AWS since 2023: their owner owns every object, ACLs are off, public access is blocked. Reading
//! says so in both modes. In development mode policies are not enforced, so blocks do not refuse them either.

use service::{Context, Result};

use crate::acl::{self, Acl, GrantHeaders};
use crate::bucket::Bucket;
use crate::configuration::{self, ACL, OWNERSHIP, PUBLIC_ACCESS_BLOCK};
use crate::error::Error;
use crate::public_access::{Ownership, PublicAccessBlock};

/// `None` once it was removed, which means [`Ownership::ObjectWriter`].
pub(crate) async fn ownership(cx: &Context, bucket: &Bucket) -> Result<Option<Ownership>> {
    let set: Option<Option<Ownership>> = configuration::get(cx, bucket, OWNERSHIP).await?;
    Ok(set.unwrap_or(Some(Ownership::BucketOwnerEnforced)))
}

/// `None` once it was removed, which means that nothing is blocked.
pub(crate) async fn public_access_block(cx: &Context, bucket: &Bucket) -> Result<Option<PublicAccessBlock>> {
    let set: Option<Option<PublicAccessBlock>> = configuration::get(cx, bucket, PUBLIC_ACCESS_BLOCK).await?;
    Ok(set.unwrap_or(Some(PublicAccessBlock::ALL)))
}

pub(crate) async fn has_acls(cx: &Context, bucket: &Bucket) -> Result<bool> {
    Ok(ownership(cx, bucket).await? != Some(Ownership::BucketOwnerEnforced))
}

/// The ACL that was put, even where ACLs are off meanwhile.
pub(crate) async fn stored_bucket_acl(cx: &Context, bucket: &Bucket) -> Result<Option<Acl>> {
    configuration::get(cx, bucket, ACL).await
}

/// The ACL that is answered.
pub(crate) async fn bucket_acl(cx: &Context, bucket: &Bucket) -> Result<Acl> {
    Ok(stored_bucket_acl(cx, bucket).await?.unwrap_or_else(|| Acl::private(&bucket.owner_id())))
}

/// Whether a new ACL may be put on a bucket or one of its objects.
pub(crate) async fn check_new_acl(cx: &Context, bucket: &Bucket, acl: &Acl) -> Result<()> {
    if !has_acls(cx, bucket).await? {
        // What changes nothing is accepted.
        return if acl.is_owners_alone(&bucket.owner_id()) {
            Ok(())
        } else {
            Err(acl::not_supported().into())
        };
    }
    if cx.platform().authorizer().enforces()
        && acl.is_public()
        && public_access_block(cx, bucket).await?.unwrap_or_default().block_public_acls
    {
        return Err(Error::new("AccessDenied", 403, "Access Denied").into());
    }
    Ok(())
}

/// What the row of a new object keeps of the ACL that its request asks for.
pub(crate) async fn acl_of_new_object(
    cx: &Context,
    bucket: &Bucket,
    headers: GrantHeaders<'_>,
) -> Result<String> {
    let owner_id = bucket.owner_id();
    let Some(acl) = headers.acl(&owner_id, &owner_id)? else { return Ok(String::new()) };
    check_new_acl(cx, bucket, &acl).await?;
    acl.text()
}
