//! The kinds of events, by their names.

use crate::events::Cause;

impl Cause {
    /// As records carry it, without `s3:`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Cause::Put => "ObjectCreated:Put",
            Cause::Post => "ObjectCreated:Post",
            Cause::Copy => "ObjectCreated:Copy",
            Cause::CompleteMultipartUpload => "ObjectCreated:CompleteMultipartUpload",
            Cause::Delete => "ObjectRemoved:Delete",
            Cause::DeleteMarkerCreated => "ObjectRemoved:DeleteMarkerCreated",
            Cause::TaggingPut => "ObjectTagging:Put",
            Cause::TaggingDelete => "ObjectTagging:Delete",
            Cause::AclPut => "ObjectAcl:Put",
            Cause::RestorePost => "ObjectRestore:Post",
            Cause::RestoreCompleted => "ObjectRestore:Completed",
            Cause::LifecycleExpirationDelete => "LifecycleExpiration:Delete",
            Cause::LifecycleExpirationDeleteMarkerCreated => "LifecycleExpiration:DeleteMarkerCreated",
        }
    }

    /// The version of the record's form. Later kinds of events came with a later one.
    pub(crate) fn record_version(self) -> &'static str {
        let name = self.name();
        let is_later = ["LifecycleExpiration:", "ObjectTagging:", "ObjectAcl:"]
            .iter()
            .any(|family| name.starts_with(family));
        if is_later { "2.3" } else { "2.1" }
    }

    /// The object is not there any more.
    pub(crate) fn is_removal(self) -> bool {
        matches!(self, Cause::Delete | Cause::LifecycleExpirationDelete)
    }
}

/// Names a configuration may hold. Those of things that never happen here (replication, archives) are accepted as on
/// AWS and stay silent.
const CONFIGURABLE: [&str; 31] = [
    "s3:IntelligentTiering",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:LifecycleTransition",
    "s3:ObjectAcl:Put",
    "s3:ObjectAnnotation:*",
    "s3:ObjectAnnotation:Delete",
    "s3:ObjectAnnotation:Put",
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Put",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*",
    "s3:ObjectRestore:Completed",
    "s3:ObjectRestore:Delete",
    "s3:ObjectRestore:Post",
    "s3:ObjectRetention:Put",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Delete",
    "s3:ObjectTagging:Put",
    "s3:ReducedRedundancyLostObject",
    "s3:Replication:*",
    "s3:Replication:OperationFailedReplication",
    "s3:Replication:OperationMissedThreshold",
    "s3:Replication:OperationNotTracked",
    "s3:Replication:OperationReplicatedAfterThreshold",
];

pub(super) fn is_configurable(name: &str) -> bool {
    CONFIGURABLE.binary_search(&name).is_ok()
}

/// Whether a configured name, perhaps with a wildcard, covers an event.
pub(super) fn covers(configured: &str, event: Cause) -> bool {
    let Some(name) = configured.strip_prefix("s3:") else { return false };
    match name.strip_suffix('*') {
        Some(family) => event.name().starts_with(family),
        None => name == event.name(),
    }
}

/// Whether two configured names cover a common event.
pub(super) fn share(one: &str, other: &str) -> bool {
    let (family, its) = (one.strip_suffix('*'), other.strip_suffix('*'));
    match (family, its) {
        (Some(family), None) => other.starts_with(family),
        (None, Some(its)) => one.starts_with(its),
        _ => one == other,
    }
}

#[cfg(test)]
pub(super) fn configurable() -> &'static [&'static str] {
    &CONFIGURABLE
}
