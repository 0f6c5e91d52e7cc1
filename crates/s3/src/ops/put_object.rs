use serde::Serialize;
use service::{Arn, Context, Demand, Operation, Result};

use super::input::input;
use crate::content::{self, Received};
use crate::describe::apply_lock;
use crate::encryption::{Shown, apply_default};
use crate::events::Cause;
use crate::integrity::Sums;
use crate::object::{Checksum, Content, Object};
use crate::versions::{self, Draft};
use crate::{S3, access, bucket, lifecycle, lock};

input! { PutObject: new_object, claims, conditions {} }

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    #[serde(rename = "ETag")]
    etag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
    #[serde(flatten)]
    sums: Sums,
    #[serde(flatten)]
    encryption: Shown,
}

impl Operation for PutObject {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "PutObject";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::object(&self.bucket, &self.key)
    }

    fn demands(&self, _: &Context) -> Vec<Demand> {
        self.new_object().demands()
    }

    async fn run(self, s3: &S3, cx: &Context) -> Result<Output> {
        self.store(s3, cx, Cause::Put).await
    }
}

impl PutObject {
    /// Stores the payload of the request; `cause` is what its event is called.
    pub(crate) async fn store(mut self, s3: &S3, cx: &Context, cause: Cause) -> Result<Output> {
        versions::check_key(&self.key)?;
        let mut object = self.description().into_object(cx.now())?;
        let expected = self.claims().read(self.encryption().apply(&mut object)?)?;
        let target = self.target();
        // Nobody should send gigabytes to a bucket that is not there.
        let bucket = bucket::load(cx, target.bucket, target.expected_owner).await?;
        object.acl = access::acl_of_new_object(cx, &bucket, self.grants()).await?;
        let is_locked = object.retention.is_some() || object.legal_hold.is_some();
        let received = content::receive(s3, cx, cx.take_body(), &expected).await?;
        let is_locked = is_locked || bucket.object_lock.is_some_and(|lock| lock.default_retention.is_some());
        if is_locked && received.sent.is_none() && expected.md5.is_none() {
            received.discard(cx).await;
            return Err(lock::checksum_missing().into());
        }
        describe_received(&mut object, &received);
        let conditions = self.conditions();
        let written = versions::write(
            s3,
            cx,
            target,
            Draft { object, cause },
            |bucket, present, object| {
                conditions.check(&self.key, present)?;
                apply_default(bucket, object);
                apply_lock(bucket, cx.now(), object)
            },
            |bucket, commit| received.add_to(&bucket.owner, commit),
        )
        .await;
        let written = content::keep_or_discard(cx, received, written).await?;
        Ok(Output {
            etag: written.object.quoted_etag(),
            version_id: written.version_id(),
            expiration: lifecycle::expiration_header(cx, &written.bucket, &self.key, &written.object).await?,
            sums: Sums::of(written.object.checksum.as_ref()),
            encryption: Shown::of(&written.object.encryption),
        })
    }
}

/// Notes in an object what its payload turned out to be.
pub(super) fn describe_received(object: &mut Object, received: &Received) {
    object.size = received.piece.size;
    object.etag = hex::encode(received.md5);
    object.content = Content::Piece(received.piece.clone());
    object.checksum = Some(Checksum::full_object(received.sum.clone()));
}
