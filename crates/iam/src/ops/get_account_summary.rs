//! Counts and quotas of an account. Things that cannot be made here (MFA devices, server certificates …) count zero;
//! quotas that are not enforced are left out.

use std::collections::BTreeMap;

use serde::Serialize;

use super::account;
use crate::instance_profile::INSTANCE_PROFILES;
use crate::limits::{
    ACCESS_KEYS_PER_USER_MAX, GROUPS_PER_USER_MAX, INLINE_POLICIES_PER_GROUP_CHARS_MAX,
    INLINE_POLICIES_PER_ROLE_CHARS_MAX, INLINE_POLICIES_PER_USER_CHARS_MAX, MANAGED_POLICY_CHARS_MAX,
    POLICIES_PER_IDENTITY_MAX, TRUST_POLICY_CHARS_MAX, VERSIONS_PER_POLICY_MAX,
};
use crate::policy::POLICIES;
use crate::provider::PROVIDERS;
use crate::uses::Holders;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SummaryOutput {
    summary_map: BTreeMap<&'static str, usize>,
}

operation! {
    GetAccountSummary {} -> SummaryOutput,
    run |_, _, cx| {
        let policies = cx.rows(&POLICIES).all("").await?;
        let versions = policies.iter().map(|(_, policy)| policy.versions.len()).sum();
        let holders = Holders::read(cx).await?;
        let root_keys = account::read(cx).await?.access_keys.len();
        let summary_map = BTreeMap::from([
            ("AccessKeysPerUserQuota", ACCESS_KEYS_PER_USER_MAX),
            ("AccountAccessKeysPresent", usize::from(root_keys > 0)),
            ("AccountMFAEnabled", 0),
            ("AccountSigningCertificatesPresent", 0),
            ("AssumeRolePolicySizeQuota", TRUST_POLICY_CHARS_MAX),
            ("AttachedPoliciesPerGroupQuota", POLICIES_PER_IDENTITY_MAX),
            ("AttachedPoliciesPerRoleQuota", POLICIES_PER_IDENTITY_MAX),
            ("AttachedPoliciesPerUserQuota", POLICIES_PER_IDENTITY_MAX),
            ("GroupPolicySizeQuota", INLINE_POLICIES_PER_GROUP_CHARS_MAX),
            ("Groups", holders.groups.len()),
            ("GroupsPerUserQuota", GROUPS_PER_USER_MAX),
            ("InstanceProfiles", cx.rows(&INSTANCE_PROFILES).all("").await?.len()),
            ("MFADevices", 0),
            ("MFADevicesInUse", 0),
            ("Policies", policies.len()),
            ("PolicySizeQuota", MANAGED_POLICY_CHARS_MAX),
            ("PolicyVersionsInUse", versions),
            ("Providers", cx.rows(&PROVIDERS).all("").await?.len()),
            ("RolePolicySizeQuota", INLINE_POLICIES_PER_ROLE_CHARS_MAX),
            ("Roles", holders.roles.len()),
            ("ServerCertificates", 0),
            ("UserPolicySizeQuota", INLINE_POLICIES_PER_USER_CHARS_MAX),
            ("Users", holders.users.len()),
            ("VersionsPerPolicyQuota", VERSIONS_PER_POLICY_MAX),
        ]);
        Ok(SummaryOutput { summary_map })
    }
}
