use futures_util::StreamExt as _;
use serde::Deserialize;
use service::{Authorization, ByteStream, Context, ContextBuilder, Failure, Operation, Result};
use wire::{Document, Map};

use crate::events::Cause;
use crate::post_policy::{ByteRange, PostPolicy};
use crate::{S3, bucket};

/// A browser's form as an object. For the gateway alone, which has verified who signed the form's policy; whether he
/// may store is asked here.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PostObject {
    bucket: String,
    /// Names in lower case, and values.
    fields: Vec<(String, String)>,
    policy: Option<String>,
    /// The input of PutObject that the fields make.
    put: Map,
}

impl Operation for PostObject {
    type Service = S3;
    type Output = super::put_object::Output;
    const NAME: &'static str = "PostObject";

    async fn run(self, s3: &S3, cx: &Context) -> Result<Self::Output> {
        let mut range = ByteRange { min: 0, max: crate::limits::PUT_BYTES_MAX };
        if let Some(text) = &self.policy {
            let policy = PostPolicy::parse(text)?;
            policy.check(&self.bucket, &self.fields, cx.now())?;
            range = ByteRange { max: policy.bytes().max.min(range.max), ..policy.bytes() };
        }
        let put = wire::from_document::<super::PutObject>(Document::Map(self.put))
            .map_err(|error| Failure::new("InvalidArgument", 400, error.to_string()))?;
        bucket::load(cx, &self.bucket, None).await?;
        let demands = put.demands(cx);
        let question = Authorization { cx, service: "s3", operation: "PutObject", demands };
        cx.platform().authorizer().authorize(question).await?;
        let file = cx.take_body().map(|file| within(file, range));
        let mut inner = ContextBuilder::new(cx.platform(), cx.scope().clone(), cx.caller().clone())
            .request_id(cx.request_id().to_owned())
            .trace(cx.trace().clone())
            .endpoint(cx.endpoint().into());
        if let Some(file) = file {
            inner = inner.body(file);
        }
        put.store(s3, &inner.build(), Cause::Post).await
    }
}

/// The file, counted. What is too long is counted to its end, because the answer says how long it was.
fn within(file: ByteStream, range: ByteRange) -> ByteStream {
    Box::pin(futures_util::stream::unfold(Some((file, 0u64)), move |state| async move {
        let (mut file, mut bytes) = state?;
        match file.next().await {
            Some(Ok(piece)) => {
                bytes += piece.len() as u64;
                if bytes <= range.max {
                    return Some((Ok(piece), Some((file, bytes))));
                }
                while let Some(Ok(more)) = file.next().await {
                    bytes += more.len() as u64;
                }
                range.check(bytes).err().map(|error| (Err(error.into()), None))
            }
            Some(Err(failure)) => Some((Err(failure), None)),
            None => range.check(bytes).err().map(|error| (Err(error.into()), None)),
        }
    }))
}
