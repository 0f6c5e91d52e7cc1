//! What the service holds its users to, and itself. Sources: S3 user guide, "Bucket quotas, limits, and restrictions",
//! "Multipart upload limits", "Object tags", "Working with object metadata".

/// Buckets of one account. AWS starts with 10,000 since November 2024.
pub(crate) const BUCKETS_MAX: usize = 10_000;
pub(crate) const KEY_BYTES_MAX: usize = 1_024;
/// A key as it stands in rows of versions, where NUL takes two bytes.
pub(crate) const KEY_ESCAPED_BYTES_MAX: usize = 1_536;
/// The largest object of one PUT: 5 GiB.
pub(crate) const PUT_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;
/// The largest object of a multipart upload: 50 TiB since December 2025.
pub(crate) const OBJECT_BYTES_MAX: u64 = 50 * 1024 * 1024 * 1024 * 1024;
/// Names and values of user metadata together.
pub(crate) const METADATA_BYTES_MAX: usize = 2 * 1024;
/// Objects named by one DeleteObjects.
pub(crate) const BATCH_KEYS_MAX: usize = 1_000;
/// Deletes of one DeleteObjects under way at once.
pub(crate) const BATCH_AT_ONCE: usize = 64;
/// Rows of one page of any list.
pub(crate) const PAGE_KEYS_MAX: usize = 1_000;
/// A payload up to this many bytes stands in the object's own row; above, in a row beside it, so that listing stays
/// cheap.
pub(crate) const ROW_PAYLOAD_BYTES_MAX: usize = 2 * 1024;
/// How often a change is tried again after a conflict before it fails.
pub(crate) const CONFLICT_RETRIES_MAX: usize = 64;
