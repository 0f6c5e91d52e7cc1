//! One file an operation, or a family of them on one thing.

mod attached_policies;
mod create_policy;
mod create_role;
mod delete_policy;
mod delete_role;
mod get_account_summary;
mod get_policy;
mod get_role;
mod inline_policies;
mod list_entities_for_policy;
mod list_instance_profiles_for_role;
mod list_policies;
mod list_roles;
mod permissions_boundary;
mod policy_tags;
mod policy_versions;
mod role_tags;
mod update_role;

pub(crate) use attached_policies::{AttachRolePolicy, DetachRolePolicy, ListAttachedRolePolicies};
pub(crate) use create_policy::CreatePolicy;
pub(crate) use create_role::CreateRole;
pub(crate) use delete_policy::DeletePolicy;
pub(crate) use delete_role::DeleteRole;
pub(crate) use get_account_summary::GetAccountSummary;
pub(crate) use get_policy::GetPolicy;
pub(crate) use get_role::GetRole;
pub(crate) use inline_policies::{DeleteRolePolicy, GetRolePolicy, ListRolePolicies, PutRolePolicy};
pub(crate) use list_entities_for_policy::ListEntitiesForPolicy;
pub(crate) use list_instance_profiles_for_role::ListInstanceProfilesForRole;
pub(crate) use list_policies::ListPolicies;
pub(crate) use list_roles::ListRoles;
pub(crate) use permissions_boundary::{DeleteRolePermissionsBoundary, PutRolePermissionsBoundary};
pub(crate) use policy_tags::{ListPolicyTags, TagPolicy, UntagPolicy};
pub(crate) use policy_versions::{
    CreatePolicyVersion, DeletePolicyVersion, GetPolicyVersion, ListPolicyVersions, SetDefaultPolicyVersion,
};
pub(crate) use role_tags::{ListRoleTags, TagRole, UntagRole};
pub(crate) use update_role::{UpdateAssumeRolePolicy, UpdateRole, UpdateRoleDescription};
