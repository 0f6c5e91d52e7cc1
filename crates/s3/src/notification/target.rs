//! Whether what a configuration names can be told anything.

use service::{AccountId, Arn, Context, Failure, Principal, Region, Result, Scope};
use wire::Document;

use super::Notification;
use super::permission::{self, Source};
use crate::bucket::Bucket;
use crate::error::{Error, invalid_argument};

/// Who invokes functions.
pub(crate) fn principal(account: &AccountId) -> Principal {
    Principal::Service { account: account.clone(), name: "s3.amazonaws.com" }
}

/// A function that is told of events.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Function {
    pub(crate) scope: Scope,
    pub(crate) arn: Arn,
}

impl Function {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let arn: Arn = text.parse().ok()?;
        if arn.service() != "lambda" || !arn.resource().starts_with("function:") {
            return None;
        }
        let scope = Scope { account: AccountId::parse(arn.account())?, region: Region::parse(arn.region())? };
        Some(Function { scope, arn })
    }
}

/// Refuses targets that are not there, that do not let S3 come, or whose service is not there. The last is refused even
/// where `skip` leaves out the others.
pub(crate) async fn check(
    cx: &Context,
    bucket: &Bucket,
    notification: &Notification,
    skip: bool,
) -> Result<()> {
    let missing = |what: &str| Failure::unsupported(format_args!("notifications to {what}"));
    if !notification.topic_configurations.is_empty() && cx.platform().registry().find("sns").is_none() {
        return Err(missing("topics of SNS"));
    }
    if !notification.queue_configurations.is_empty() && cx.platform().registry().find("sqs").is_none() {
        return Err(missing("queues of SQS"));
    }
    for to in &notification.lambda_function_configurations {
        check_function(cx, bucket, &to.lambda_function_arn, skip).await?;
    }
    Ok(())
}

async fn check_function(cx: &Context, bucket: &Bucket, text: &str, skip: bool) -> Result<()> {
    let unable = |why: &str| {
        invalid_argument("Unable to validate the following destination configurations", text, why)
    };
    let Some(function) = Function::parse(text) else {
        return Err(invalid_argument("The ARN could not be parsed", "CloudFunction", text).into());
    };
    if function.scope.region.as_str() != bucket.region {
        let text =
            "The notification destination service region is not valid for the bucket location constraint";
        return Err(Error::new("InvalidArgument", 400, text).into());
    }
    if skip {
        return Ok(());
    }
    let ask = async |operation: &str| {
        let input = Document::map([("FunctionName", text.into())]);
        // What S3 needs to know of the function is its owner's to read, not the caller's.
        let owner = Principal::Root { account: function.scope.account.clone() };
        match cx.call_in(function.scope.clone(), owner, "lambda", operation, input).await {
            Ok(reply) => Ok(Some(reply)),
            Err(failure) if failure.code() == "ResourceNotFoundException" => Ok(None),
            Err(failure) => Err(failure),
        }
    };
    if ask("GetFunctionConfiguration").await?.is_none() {
        return Err(unable("The destination Lambda does not exist").into());
    }
    let policy = ask("GetPolicy").await?;
    let document =
        policy.as_ref().and_then(|policy| policy.document.get("Policy")).and_then(Document::as_str);
    let source = Source { bucket_arn: &bucket.arn(), account: &bucket.owner };
    if !document.is_some_and(|document| permission::allows(document, source)) {
        return Err(unable("Not authorized to invoke function").into());
    }
    Ok(())
}
