//! Public access blocks, ownership of objects, and what they make of ACLs and policies.
//!
//! Source: user guide, "Blocking public access to your Amazon S3 storage" and "Controlling ownership of objects and
//! disabling ACLs for your bucket".

use serde::{Deserialize, Serialize};

/// The block of a bucket. A bucket without one has none of the four.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct PublicAccessBlock {
    /// Requests that would make something public by an ACL are refused.
    pub(crate) block_public_acls: bool,
    /// Public grants that exist have no effect.
    pub(crate) ignore_public_acls: bool,
    /// A policy that is public is refused.
    pub(crate) block_public_policy: bool,
    /// A policy that is public works within the owner's account only.
    pub(crate) restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// What new buckets have.
    pub(crate) const ALL: Self = PublicAccessBlock {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };
}

/// Who owns the objects of a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ownership {
    /// The bucket's owner, always; ACLs have no effect.
    #[default]
    BucketOwnerEnforced,
    /// The bucket's owner where an upload grants full control to it.
    BucketOwnerPreferred,
    /// Whoever puts them.
    ObjectWriter,
}

/// The form of the API: a list of one rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct OwnershipControls {
    pub(crate) rules: Vec<OwnershipRule>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OwnershipRule {
    pub(crate) object_ownership: Ownership,
}

impl From<Ownership> for OwnershipControls {
    fn from(object_ownership: Ownership) -> Self {
        OwnershipControls { rules: vec![OwnershipRule { object_ownership }] }
    }
}
