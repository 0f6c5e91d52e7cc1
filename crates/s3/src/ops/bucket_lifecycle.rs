use serde::{Deserialize, Serialize};
use service::{Arn, Context, Empty, Operation, Result};

use super::on_bucket::on_bucket;
use crate::bucket::{self, Bucket};
use crate::configuration::{self, LIFECYCLE};
use crate::error::{Error, invalid_argument};
use crate::lifecycle::Lifecycle;
use crate::{S3, arn};

/// What AWS answers to whoever does not say.
const MINIMUM_SIZE_DEFAULT: &str = "all_storage_classes_128K";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutBucketLifecycleConfiguration {
    bucket: String,
    #[serde(default)]
    lifecycle_configuration: Lifecycle,
    transition_default_minimum_object_size: Option<String>,
    expected_bucket_owner: Option<String>,
}

/// The configuration as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Stored {
    #[serde(flatten)]
    pub(crate) lifecycle: Lifecycle,
    transition_default_minimum_object_size: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    transition_default_minimum_object_size: String,
}

impl Operation for PutBucketLifecycleConfiguration {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "PutBucketLifecycleConfiguration";
    const ACTION: &'static str = "PutLifecycleConfiguration";

    fn resource(&self, _: &Context) -> Arn {
        arn::bucket(&self.bucket)
    }

    async fn run(mut self, _: &S3, cx: &Context) -> Result<Output> {
        let owner = self.expected_bucket_owner.as_deref();
        bucket::load(cx, &self.bucket, owner).await?;
        self.lifecycle_configuration.check(cx.platform().ids())?;
        let size = self.transition_default_minimum_object_size.unwrap_or_else(|| MINIMUM_SIZE_DEFAULT.into());
        if ![MINIMUM_SIZE_DEFAULT, "varies_by_storage_class"].contains(&size.as_str()) {
            let header = "x-amz-transition-default-minimum-object-size";
            return Err(
                invalid_argument("Invalid transition default minimum object size", header, &size).into()
            );
        }
        let stored = Stored {
            lifecycle: self.lifecycle_configuration,
            transition_default_minimum_object_size: size.clone(),
        };
        configuration::put(cx, &self.bucket, owner, LIFECYCLE, &stored).await?;
        Ok(Output { transition_default_minimum_object_size: size })
    }
}

on_bucket!(GetBucketLifecycleConfiguration, "GetLifecycleConfiguration", get => Stored);
on_bucket!(DeleteBucketLifecycle, "PutLifecycleConfiguration", delete => Empty);

async fn get(cx: &Context, bucket: Bucket) -> Result<Stored> {
    let text = "The lifecycle configuration does not exist";
    let missing = || Error::new("NoSuchLifecycleConfiguration", 404, text);
    let found = configuration::get(cx, &bucket, LIFECYCLE).await?;
    Ok(found.ok_or_else(|| missing().with("BucketName", bucket.name))?)
}

async fn delete(cx: &Context, bucket: Bucket) -> Result<Empty> {
    configuration::remove(cx, &bucket.name, None, LIFECYCLE).await?;
    Ok(Empty)
}
