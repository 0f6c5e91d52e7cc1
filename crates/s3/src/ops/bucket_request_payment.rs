use serde::{Deserialize, Serialize};
use service::{Context, Result};

use super::on_bucket::{on_bucket, put_on_bucket};
use crate::bucket::Bucket;
use crate::configuration::{self, REQUEST_PAYMENT};
use crate::error::malformed_xml;

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct RequestPayment {
    payer: String,
}

put_on_bucket!(
    PutBucketRequestPayment,
    "PutBucketRequestPayment",
    "RequestPaymentConfiguration": RequestPayment,
    put
);
on_bucket!(GetBucketRequestPayment, "GetBucketRequestPayment", get => RequestPayment);

async fn put(cx: &Context, bucket: Bucket, payment: RequestPayment) -> Result<()> {
    if !["BucketOwner", "Requester"].contains(&payment.payer.as_str()) {
        return Err(malformed_xml().into());
    }
    configuration::put(cx, &bucket.name, None, REQUEST_PAYMENT, &payment).await
}

async fn get(cx: &Context, bucket: Bucket) -> Result<RequestPayment> {
    let found = configuration::get(cx, &bucket, REQUEST_PAYMENT).await?;
    Ok(found.unwrap_or_else(|| RequestPayment { payer: "BucketOwner".into() }))
}
