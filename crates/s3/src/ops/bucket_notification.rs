use serde::Deserialize;
use service::{Arn, Context, Empty, Operation, Result};

use super::on_bucket::on_bucket;
use crate::S3;
use crate::bucket::{self, Bucket};
use crate::configuration::{self, NOTIFICATION};
use crate::notification::{Notification, target};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutBucketNotificationConfiguration {
    bucket: String,
    #[serde(default)]
    notification_configuration: Notification,
    #[serde(default)]
    skip_destination_validation: bool,
    expected_bucket_owner: Option<String>,
}

impl Operation for PutBucketNotificationConfiguration {
    type Service = S3;
    type Output = Empty;
    const NAME: &'static str = "PutBucketNotificationConfiguration";
    const ACTION: &'static str = "PutBucketNotification";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::bucket(&self.bucket)
    }

    async fn run(mut self, _: &S3, cx: &Context) -> Result<Empty> {
        let bucket = bucket::load(cx, &self.bucket, self.expected_bucket_owner.as_deref()).await?;
        let notification = &mut self.notification_configuration;
        notification.check(cx.platform().ids())?;
        target::check(cx, &bucket, notification, self.skip_destination_validation).await?;
        if *notification == Notification::default() {
            configuration::remove(cx, &bucket.name, None, NOTIFICATION).await?;
        } else {
            configuration::put(cx, &bucket.name, None, NOTIFICATION, notification).await?;
        }
        Ok(Empty)
    }
}

on_bucket!(GetBucketNotificationConfiguration, "GetBucketNotification", get => Notification);

async fn get(cx: &Context, bucket: Bucket) -> Result<Notification> {
    Ok(configuration::get(cx, &bucket, NOTIFICATION).await?.unwrap_or_default())
}
