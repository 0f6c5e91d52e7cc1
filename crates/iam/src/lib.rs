//! Identity and Access Management: users, groups, roles, their policies and their keys.
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

mod access_key;
mod account;
mod conditions;
mod document;
mod error;
mod group;
mod holder;
mod identities;
mod instance_profile;
mod key_uses;
mod limits;
mod managed;
mod memory;
mod mounted;
mod ops;
mod page;
mod policy;
mod provider;
mod role;
mod simulation;
mod spans;
mod subject;
mod tag_list;
#[cfg(test)]
mod tests;
mod user;
mod uses;

use std::sync::Arc;

use service::{AccountId, Definition, Failure, Platform, Region, Rows, Scope, operations};

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
        AddClientIDToOpenIDConnectProvider,
        AddRoleToInstanceProfile,
        AddUserToGroup,
        AttachGroupPolicy,
        AttachRolePolicy,
        AttachUserPolicy,
        CreateAccessKey,
        CreateAccountAlias,
        CreateGroup,
        CreateInstanceProfile,
        CreateLoginProfile,
        CreateOpenIDConnectProvider,
        CreatePolicy,
        CreatePolicyVersion,
        CreateRole,
        CreateUser,
        DeleteAccessKey,
        DeleteAccountAlias,
        DeleteAccountPasswordPolicy,
        DeleteGroup,
        DeleteGroupPolicy,
        DeleteInstanceProfile,
        DeleteLoginProfile,
        DeleteOpenIDConnectProvider,
        DeletePolicy,
        DeletePolicyVersion,
        DeleteRole,
        DeleteRolePermissionsBoundary,
        DeleteRolePolicy,
        DeleteUser,
        DeleteUserPermissionsBoundary,
        DeleteUserPolicy,
        DetachGroupPolicy,
        DetachRolePolicy,
        DetachUserPolicy,
        GetAccessKeyLastUsed,
        GetAccountAuthorizationDetails,
        GetAccountPasswordPolicy,
        GetAccountSummary,
        GetContextKeysForCustomPolicy,
        GetContextKeysForPrincipalPolicy,
        GetGroup,
        GetGroupPolicy,
        GetInstanceProfile,
        GetLoginProfile,
        GetOpenIDConnectProvider,
        GetPolicy,
        GetPolicyVersion,
        GetRole,
        GetRolePolicy,
        GetUser,
        GetUserPolicy,
        ListAccessKeys,
        ListAccountAliases,
        ListAttachedGroupPolicies,
        ListAttachedRolePolicies,
        ListAttachedUserPolicies,
        ListEntitiesForPolicy,
        ListGroupPolicies,
        ListGroups,
        ListGroupsForUser,
        ListInstanceProfileTags,
        ListInstanceProfiles,
        ListInstanceProfilesForRole,
        ListMFADevices,
        ListOpenIDConnectProviderTags,
        ListOpenIDConnectProviders,
        ListPolicies,
        ListPolicyTags,
        ListPolicyVersions,
        ListRolePolicies,
        ListRoleTags,
        ListRoles,
        ListSAMLProviders,
        ListSSHPublicKeys,
        ListServerCertificates,
        ListServiceSpecificCredentials,
        ListSigningCertificates,
        ListUserPolicies,
        ListUserTags,
        ListUsers,
        ListVirtualMFADevices,
        PutGroupPolicy,
        PutRolePermissionsBoundary,
        PutRolePolicy,
        PutUserPermissionsBoundary,
        PutUserPolicy,
        RemoveClientIDFromOpenIDConnectProvider,
        RemoveRoleFromInstanceProfile,
        RemoveUserFromGroup,
        SetDefaultPolicyVersion,
        SimulateCustomPolicy,
        SimulatePrincipalPolicy,
        TagInstanceProfile,
        TagOpenIDConnectProvider,
        TagPolicy,
        TagRole,
        TagUser,
        UntagInstanceProfile,
        UntagOpenIDConnectProvider,
        UntagPolicy,
        UntagRole,
        UntagUser,
        UpdateAccessKey,
        UpdateAccountPasswordPolicy,
        UpdateAssumeRolePolicy,
        UpdateGroup,
        UpdateLoginProfile,
        UpdateOpenIDConnectProviderThumbprint,
        UpdateRole,
        UpdateRoleDescription,
        UpdateUser,
    ],
    internal: &[],
    reset: |_, platform, account| Box::pin(forget(platform, account)),
};

/// Rows that are unique across accounts are not under their account's prefix.
async fn forget(platform: &Platform, account: Option<&AccountId>) -> anyhow::Result<()> {
    let Some(account) = account else { return Ok(()) };
    let scope = Scope { account: account.clone(), region: Region::default() };
    let readable = |failure: Failure| anyhow::anyhow!("forgetting identities: {failure}");
    let keys = Rows::new(platform.kv().as_ref(), &access_key::ACCESS_KEYS, &scope);
    for (id, _) in keys.all("").await.map_err(readable)?.iter().filter(|(_, row)| row.is_of(account)) {
        keys.remove(id).await.map_err(readable)?;
    }
    let aliases = Rows::new(platform.kv().as_ref(), &account::ALIASES, &scope);
    let rows = aliases.all("").await.map_err(readable)?;
    for (alias, _) in rows.iter().filter(|(_, row)| row.account == account.as_str()) {
        aliases.remove(alias).await.map_err(readable)?;
    }
    Ok(())
}
