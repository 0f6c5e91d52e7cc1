//! An object in a list.

use serde::Serialize;
use wire::Timestamp;

use crate::object::Object;
use crate::owner::Owner;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listed {
    key: String,
    last_modified: Timestamp,
    #[serde(rename = "ETag")]
    etag: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksum_algorithm: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum_type: Option<&'static str>,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Owner>,
    storage_class: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    restore_status: Option<RestoreStatus>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct RestoreStatus {
    is_restore_in_progress: bool,
    restore_expiry_date: Timestamp,
}

impl Listed {
    /// `key` is encoded already.
    pub(crate) fn new(key: String, object: &Object, owner: Option<Owner>) -> Self {
        Listed {
            key,
            last_modified: Timestamp::from_epoch_millis(object.modified_epoch_millis),
            etag: object.quoted_etag(),
            checksum_algorithm: object.checksum.iter().map(|checksum| checksum.algorithm.name()).collect(),
            checksum_type: object.checksum.as_ref().map(|checksum| checksum.kind.name()),
            size: object.size,
            owner,
            storage_class: object.storage_class().to_owned(),
            restore_status: None,
        }
    }

    pub(crate) fn with_restore_status(mut self, object: &Object) -> Self {
        self.restore_status = object.restored_until_epoch_millis.map(|until| RestoreStatus {
            is_restore_in_progress: false,
            restore_expiry_date: Timestamp::from_epoch_millis(until),
        });
        self
    }
}
