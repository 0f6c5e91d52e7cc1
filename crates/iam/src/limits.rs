//! Quotas. Source: "IAM and AWS STS quotas" of the IAM user guide (default values).

/// Managed policies attached to one user, group or role.
pub(crate) const POLICIES_PER_IDENTITY_MAX: usize = 10;
/// Groups that one user is in.
pub(crate) const GROUPS_PER_USER_MAX: usize = 10;
/// Access keys of one user, or of the account itself.
pub(crate) const ACCESS_KEYS_PER_USER_MAX: usize = 2;
/// OpenID Connect providers of one account.
pub(crate) const PROVIDERS_PER_ACCOUNT_MAX: usize = 100;
/// Audiences of one OpenID Connect provider.
pub(crate) const CLIENT_IDS_PER_PROVIDER_MAX: usize = 100;
/// Certificates of one OpenID Connect provider.
pub(crate) const THUMBPRINTS_PER_PROVIDER_MAX: usize = 5;
/// Characters of a role's trust policy, white space left out.
pub(crate) const TRUST_POLICY_CHARS_MAX: usize = 2_048;
/// Characters of all inline policies of a user, white space left out.
pub(crate) const INLINE_POLICIES_PER_USER_CHARS_MAX: usize = 2_048;
/// Characters of all inline policies of a group, white space left out.
pub(crate) const INLINE_POLICIES_PER_GROUP_CHARS_MAX: usize = 5_120;
/// Characters of all inline policies of a role, white space left out.
pub(crate) const INLINE_POLICIES_PER_ROLE_CHARS_MAX: usize = 10_240;
/// Characters of one version of a managed policy, white space left out.
pub(crate) const MANAGED_POLICY_CHARS_MAX: usize = 6_144;
/// Versions of one managed policy.
pub(crate) const VERSIONS_PER_POLICY_MAX: usize = 5;
/// Items of a page when the caller names no number.
pub(crate) const PAGE_ITEMS_DEFAULT: usize = 100;
/// Most items of a page.
pub(crate) const PAGE_ITEMS_MAX: usize = 1_000;
/// The session duration of a role that names none, in seconds.
pub(crate) const SESSION_SECONDS_DEFAULT: i64 = 3_600;
/// The session durations that a role may allow, in seconds.
pub(crate) const SESSION_SECONDS_RANGE: std::ops::RangeInclusive<i64> = 3_600..=43_200;
/// Conflicting changes of roles and policies that are tried again before giving up.
pub(crate) const CONFLICT_RETRIES_MAX: usize = 32;
/// Identities, keys and sessions whose policies are kept compiled, of each sort.
pub(crate) const KEPT_IDENTITIES_MAX: usize = 10_000;
/// Compiled policy documents that are kept.
pub(crate) const COMPILED_POLICIES_MAX: usize = 4_000;
/// Access keys whose latest use waits to be written down.
pub(crate) const KEY_USES_MAX: usize = 10_000;
