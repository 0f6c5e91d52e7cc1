//! Identity and Access Management: roles and policies.
//!
//! * IAM is global: rows belong to an account, not to a region.
//! * A role's row holds its inline policies and the ARNs of its attached ones; a customer policy's row counts its
//!   uses, so attaching and deleting exclude each other. Names are unique whatever their case: rows are kept under
//!   the lower-case name.
//! * Policies of AWS are [data](managed) and cannot be changed.
//! * Documents are checked when they come in and are kept as they were sent; answers carry them percent-encoded.
//!
//! What policy decisions ask of IAM is answered from memory by [`Identities`].
//!
//! This crate must not know HTTP, signatures or any other service.

#![expect(dead_code, reason = "the operations of users, groups and access keys come with the next change")]

mod access_key;
mod document;
mod error;
mod group;
mod identities;
mod limits;
mod managed;
mod memory;
mod mounted;
mod ops;
mod page;
mod policy;
mod provider;
mod role;
mod tag_list;
#[cfg(test)]
mod tests;
mod user;

use std::sync::Arc;

use service::{Definition, operations};

use ops::*;

pub use identities::Identities;
pub use mounted::service;

/// IAM keeps everything in its rows, and beside them what was concluded from them.
#[derive(Debug)]
pub struct Iam {
    identities: Arc<Identities>,
}

impl Iam {
    pub(crate) fn new(identities: Arc<Identities>) -> Self {
        Iam { identities }
    }
}

/// The operations of IAM.
pub static DEFINITION: Definition<Iam> = Definition {
    name: "iam",
    action_prefix: "iam",
    operations: operations![
        AttachRolePolicy,
        CreatePolicy,
        CreatePolicyVersion,
        CreateRole,
        DeletePolicy,
        DeletePolicyVersion,
        DeleteRole,
        DeleteRolePermissionsBoundary,
        DeleteRolePolicy,
        DetachRolePolicy,
        GetAccountSummary,
        GetPolicy,
        GetPolicyVersion,
        GetRole,
        GetRolePolicy,
        ListAttachedRolePolicies,
        ListEntitiesForPolicy,
        ListInstanceProfilesForRole,
        ListPolicies,
        ListPolicyTags,
        ListPolicyVersions,
        ListRolePolicies,
        ListRoleTags,
        ListRoles,
        PutRolePermissionsBoundary,
        PutRolePolicy,
        SetDefaultPolicyVersion,
        TagPolicy,
        TagRole,
        UntagPolicy,
        UntagRole,
        UpdateAssumeRolePolicy,
        UpdateRole,
        UpdateRoleDescription,
    ],
    internal: &[],
    reset: |_, _, _| Box::pin(std::future::ready(Ok(()))),
};
