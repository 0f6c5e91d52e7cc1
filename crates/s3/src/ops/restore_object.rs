use serde::Deserialize;
use service::{Arn, Context, Empty, Operation, Result};

use super::input::input;
use crate::error::{Error, malformed_xml};
use crate::events::Cause;
use crate::versions;
use crate::{S3, archive};

input! {
    RestoreObject: {
        version_id: Option<String>,
        restore_request: Option<Request>,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    days: Option<i64>,
    #[serde(rename = "Type")]
    kind: Option<String>,
}

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1_000;

impl Operation for RestoreObject {
    type Service = S3;
    type Output = Empty;
    const NAME: &'static str = "RestoreObject";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::object(&self.bucket, &self.key)
    }

    /// Nothing is far away here: what is restored can be read at once.
    async fn run(self, s3: &S3, cx: &Context) -> Result<Empty> {
        versions::check_key(&self.key)?;
        let request = self.restore_request.as_ref().ok_or_else(malformed_xml)?;
        if request.kind.is_some() {
            return Err(service::Failure::unsupported("Type SELECT of s3:RestoreObject"));
        }
        let days = request.days.filter(|days| *days > 0).ok_or_else(malformed_xml)?;
        let target = self.target();
        let causes = [Cause::RestorePost, Cause::RestoreCompleted];
        versions::update(s3, cx, target, self.version_id.as_deref(), &causes, |_, object| {
            if !archive::is_archived(object) {
                let text = "Restore is not allowed for the object's current storage class";
                let error = Error::new("InvalidObjectState", 403, text);
                return Err(error.with("StorageClass", object.storage_class()).into());
            }
            // Until the midnight after so many days.
            let until = cx.now().epoch_millis().saturating_add(days.saturating_mul(DAY_MILLIS));
            object.restored_until_epoch_millis =
                Some(until.saturating_add(DAY_MILLIS - 1).div_euclid(DAY_MILLIS).saturating_mul(DAY_MILLIS));
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}
