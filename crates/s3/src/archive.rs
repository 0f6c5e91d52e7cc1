//! Storage classes whose objects must be restored before they can be read.

use service::Result;
use wire::Timestamp;

use crate::error::Error;
use crate::object::Object;

pub(crate) fn is_archived(object: &Object) -> bool {
    matches!(object.storage_class.as_str(), "GLACIER" | "DEEP_ARCHIVE")
}

/// Refuses to read what is archived and not restored.
pub(crate) fn check_readable(object: &Object, now: Timestamp) -> Result<()> {
    let is_restored = object.restored_until_epoch_millis.is_some_and(|until| until > now.epoch_millis());
    if !is_archived(object) || is_restored {
        return Ok(());
    }
    let text = "The operation is not valid for the object's storage class";
    Err(Error::new("InvalidObjectState", 403, text).with("StorageClass", object.storage_class()).into())
}
