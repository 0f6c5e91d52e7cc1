//! One file an operation, or a family of them on one thing.

/// An operation: its name, the input members that it honours, its output, what it acts on, the condition keys it
/// brings along, and what it does.
macro_rules! operation {
    (
        $name:ident { $($(#[$meta:meta])* $member:ident : $type:ty),* $(,)? } -> $output:ty,
        $(on |$this:pat_param, $on_cx:pat_param| $resource:expr,)?
        $(keys |$keyed:ident| $keys:expr,)?
        run |$input:pat_param, $iam:pat_param, $cx:pat_param| $body:expr
    ) => {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub(crate) struct $name {
            $($(#[$meta])* $member: $type,)*
        }

        impl service::Operation for $name {
            type Service = crate::Iam;
            type Output = $output;
            const NAME: &'static str = stringify!($name);

            $(fn resource(&self, $on_cx: &service::Context) -> service::Arn {
                let $this = self;
                $resource
            })?

            $(fn demands(&self, cx: &service::Context) -> Vec<service::Demand> {
                let $keyed = self;
                vec![service::Demand { keys: $keys, ..service::Demand::new(Self::ACTION, self.resource(cx)) }]
            })?

            async fn run(self, $iam: &crate::Iam, $cx: &service::Context) -> service::Result<$output> {
                let $input = self;
                $body
            }
        }
    };
}

mod access_keys;
mod account;
mod attached_policies;
mod authorization_details;
mod create_policy;
mod create_role;
mod delete_policy;
mod delete_role;
mod get_account_summary;
mod get_policy;
mod get_role;
mod groups;
mod inline_policies;
mod instance_profiles;
mod list_entities_for_policy;
mod list_policies;
mod list_roles;
mod login_profiles;
mod never_there;
mod permissions_boundary;
mod policy_versions;
mod providers;
mod simulate_policy;
mod tags;
mod update_role;
mod users;

pub(crate) use access_keys::{
    CreateAccessKey, DeleteAccessKey, GetAccessKeyLastUsed, ListAccessKeys, UpdateAccessKey,
};
pub(crate) use account::{
    CreateAccountAlias, DeleteAccountAlias, DeleteAccountPasswordPolicy, GetAccountPasswordPolicy,
    ListAccountAliases, UpdateAccountPasswordPolicy,
};
pub(crate) use attached_policies::{
    AttachGroupPolicy, AttachRolePolicy, AttachUserPolicy, DetachGroupPolicy, DetachRolePolicy,
    DetachUserPolicy, ListAttachedGroupPolicies, ListAttachedRolePolicies, ListAttachedUserPolicies,
};
pub(crate) use authorization_details::GetAccountAuthorizationDetails;
pub(crate) use create_policy::CreatePolicy;
pub(crate) use create_role::CreateRole;
pub(crate) use delete_policy::DeletePolicy;
pub(crate) use delete_role::DeleteRole;
pub(crate) use get_account_summary::GetAccountSummary;
pub(crate) use get_policy::GetPolicy;
pub(crate) use get_role::GetRole;
pub(crate) use groups::{
    AddUserToGroup, CreateGroup, DeleteGroup, GetGroup, ListGroups, RemoveUserFromGroup, UpdateGroup,
};
pub(crate) use inline_policies::{
    DeleteGroupPolicy, DeleteRolePolicy, DeleteUserPolicy, GetGroupPolicy, GetRolePolicy, GetUserPolicy,
    ListGroupPolicies, ListRolePolicies, ListUserPolicies, PutGroupPolicy, PutRolePolicy, PutUserPolicy,
};
pub(crate) use instance_profiles::{
    AddRoleToInstanceProfile, CreateInstanceProfile, DeleteInstanceProfile, GetInstanceProfile,
    ListInstanceProfiles, ListInstanceProfilesForRole, RemoveRoleFromInstanceProfile,
};
pub(crate) use list_entities_for_policy::ListEntitiesForPolicy;
pub(crate) use list_policies::ListPolicies;
pub(crate) use list_roles::ListRoles;
pub(crate) use login_profiles::{
    CreateLoginProfile, DeleteLoginProfile, GetLoginProfile, UpdateLoginProfile,
};
pub(crate) use never_there::{
    ListMFADevices, ListSAMLProviders, ListSSHPublicKeys, ListServerCertificates,
    ListServiceSpecificCredentials, ListSigningCertificates, ListVirtualMFADevices,
};
pub(crate) use permissions_boundary::{
    DeleteRolePermissionsBoundary, DeleteUserPermissionsBoundary, PutRolePermissionsBoundary,
    PutUserPermissionsBoundary,
};
pub(crate) use policy_versions::{
    CreatePolicyVersion, DeletePolicyVersion, GetPolicyVersion, ListPolicyVersions, SetDefaultPolicyVersion,
};
pub(crate) use providers::{
    AddClientIDToOpenIDConnectProvider, CreateOpenIDConnectProvider, DeleteOpenIDConnectProvider,
    GetOpenIDConnectProvider, ListOpenIDConnectProviders, RemoveClientIDFromOpenIDConnectProvider,
    UpdateOpenIDConnectProviderThumbprint,
};
pub(crate) use simulate_policy::{
    GetContextKeysForCustomPolicy, GetContextKeysForPrincipalPolicy, SimulateCustomPolicy,
    SimulatePrincipalPolicy,
};
pub(crate) use tags::{
    ListInstanceProfileTags, ListOpenIDConnectProviderTags, ListPolicyTags, ListRoleTags, ListUserTags,
    TagInstanceProfile, TagOpenIDConnectProvider, TagPolicy, TagRole, TagUser, UntagInstanceProfile,
    UntagOpenIDConnectProvider, UntagPolicy, UntagRole, UntagUser,
};
pub(crate) use update_role::{UpdateAssumeRolePolicy, UpdateRole, UpdateRoleDescription};
pub(crate) use users::{CreateUser, DeleteUser, GetUser, ListGroupsForUser, ListUsers, UpdateUser};
