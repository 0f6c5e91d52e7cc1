//! The ACL of an object: a text in its row, empty for the one that only its owner has.

use service::Result;

use super::Acl;
use crate::bucket::Bucket;
use crate::object::Object;

impl Acl {
    /// As an object's row keeps it.
    pub(crate) fn text(&self) -> Result<String> {
        if self.grants.len() == 1 && *self == Acl::private(&self.owner.id) {
            return Ok(String::new());
        }
        Ok(serde_json::to_string(self)
            .map_err(|error| anyhow::anyhow!("an ACL does not serialize: {error}"))?)
    }

    pub(crate) fn of_object(object: &Object, bucket: &Bucket) -> Result<Acl> {
        if object.acl.is_empty() {
            return Ok(Acl::private(&bucket.owner_id()));
        }
        Ok(serde_json::from_str(&object.acl)
            .map_err(|error| anyhow::anyhow!("an ACL does not read: {error}"))?)
    }
}
