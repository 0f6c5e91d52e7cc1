use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use service::{Context, Operation, Result};

use crate::Iam;
use crate::limits::{
    INLINE_POLICIES_CHARS_MAX, MANAGED_POLICY_CHARS_MAX, POLICIES_PER_ROLE_MAX, TRUST_POLICY_CHARS_MAX,
    VERSIONS_PER_POLICY_MAX,
};
use crate::policy::POLICIES;
use crate::role::ROLES;

/// Counts and quotas of the account. Things that cannot be made here yet (users, groups, providers …) count zero;
/// their quotas are left out, and so are quotas that are not enforced.
#[derive(Deserialize)]
pub(crate) struct GetAccountSummary {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    summary_map: BTreeMap<&'static str, usize>,
}

impl Operation for GetAccountSummary {
    type Service = Iam;
    type Output = Output;
    const NAME: &'static str = "GetAccountSummary";

    async fn run(self, _: &Iam, cx: &Context) -> Result<Output> {
        let policies = cx.rows(&POLICIES).all("").await?;
        let versions = policies.iter().map(|(_, policy)| policy.versions.len()).sum();
        let summary_map = BTreeMap::from([
            ("AccountAccessKeysPresent", 0),
            ("AccountMFAEnabled", 0),
            ("AssumeRolePolicySizeQuota", TRUST_POLICY_CHARS_MAX),
            ("AttachedPoliciesPerRoleQuota", POLICIES_PER_ROLE_MAX),
            ("Groups", 0),
            ("InstanceProfiles", 0),
            ("MFADevices", 0),
            ("Policies", policies.len()),
            ("PolicySizeQuota", MANAGED_POLICY_CHARS_MAX),
            ("PolicyVersionsInUse", versions),
            ("Providers", 0),
            ("RolePolicySizeQuota", INLINE_POLICIES_CHARS_MAX),
            ("Roles", cx.rows(&ROLES).all("").await?.len()),
            ("ServerCertificates", 0),
            ("Users", 0),
            ("VersionsPerPolicyQuota", VERSIONS_PER_POLICY_MAX),
        ]);
        Ok(Output { summary_map })
    }
}
