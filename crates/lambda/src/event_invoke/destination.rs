//! Where outcomes and dead letters go: functions, queues, topics, event buses.

use service::{AccountId, Arn, Context, Failure, Post, PreparedPost, Principal, Region, Result, Scope};
use wire::Document;

use super::lambda_principal;
use crate::error::Error;
use crate::functions::rows;
use crate::name::Target;
use crate::tables::FUNCTIONS;

/// Longest error message in a dead letter's attribute (developer guide: the first 1 KB).
const ERROR_MESSAGE_BYTES_MAX: usize = 1_024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Function,
    Queue,
    Topic,
    Bus,
}

/// The named end of an event.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    arn: Arn,
    kind: Kind,
    scope: Scope,
}

/// What a dead letter tells beside the event itself.
#[derive(Debug)]
pub(crate) struct Letter<'a> {
    pub(crate) event: &'a [u8],
    pub(crate) request_id: &'a str,
    pub(crate) error_message: String,
}

impl Destination {
    /// `None` when the ARN names nothing that can be a destination.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let arn: Arn = text.parse().ok()?;
        let resource = arn.resource();
        let kind = match arn.service() {
            "lambda" if resource.starts_with("function:") => Kind::Function,
            // Ordered queues and topics want a group, which an outcome has not.
            "sqs" if !resource.is_empty() && !resource.ends_with(".fifo") => Kind::Queue,
            "sns" if !resource.is_empty() && !resource.ends_with(".fifo") => Kind::Topic,
            "events" if resource.starts_with("event-bus/") => Kind::Bus,
            _ => return None,
        };
        let scope = Scope { account: AccountId::parse(arn.account())?, region: Region::parse(arn.region())? };
        Some(Destination { arn, kind, scope })
    }

    /// Whether it is there now.
    async fn exists(&self, cx: &Context) -> Result<bool> {
        let arn = self.arn.as_str();
        let (service, operation, input) = match self.kind {
            Kind::Function => {
                let Ok(target) = Target::parse(cx, arn, None) else { return Ok(false) };
                return Ok(rows(cx, &target.scope, &FUNCTIONS).get(&target.name).await?.is_some());
            }
            Kind::Queue => (
                "sqs",
                "GetQueueUrl",
                Document::map([
                    ("QueueName", self.arn.resource().into()),
                    ("QueueOwnerAWSAccountId", self.arn.account().into()),
                ]),
            ),
            Kind::Topic => ("sns", "GetTopicAttributes", Document::map([("TopicArn", arn.into())])),
            Kind::Bus => ("events", "DescribeEventBus", Document::map([("Name", arn.into())])),
        };
        let principal = lambda_principal(&self.scope.account);
        match cx.call_in(self.scope.clone(), principal, service, operation, input).await {
            Ok(_) => Ok(true),
            Err(Failure::Modelled(_)) => Ok(false),
            Err(unexpected) => Err(unexpected),
        }
    }

    /// The post that tells it an outcome; `record` is JSON.
    pub(crate) async fn outcome(
        &self,
        cx: &Context,
        role: Principal,
        succeeded: Succeeded,
        function_arn: &str,
        record: String,
    ) -> Result<PreparedPost> {
        let arn = self.arn.as_str();
        let (service, operation, input) = match self.kind {
            Kind::Function => (
                "lambda",
                "Invoke",
                Document::map([
                    ("FunctionName", arn.into()),
                    ("InvocationType", "Event".into()),
                    ("Payload", Document::Blob(record.into())),
                ]),
            ),
            Kind::Queue => (
                "sqs",
                "SendMessage",
                Document::map([("QueueUrl", self.queue_url(cx).into()), ("MessageBody", record.into())]),
            ),
            Kind::Topic => {
                ("sns", "Publish", Document::map([("TopicArn", arn.into()), ("Message", record.into())]))
            }
            Kind::Bus => {
                let entry = Document::map([
                    ("Source", "lambda".into()),
                    ("DetailType", succeeded.detail_type().into()),
                    ("Detail", record.into()),
                    ("Resources", Document::List(vec![arn.into(), function_arn.into()])),
                    ("EventBusName", arn.into()),
                ]);
                ("events", "PutEvents", Document::map([("Entries", Document::List(vec![entry]))]))
            }
        };
        self.post(cx, role, service, operation, input).await
    }

    /// The post of a dead letter; `None` when it can only be an outcome's destination.
    pub(crate) async fn dead_letter(
        &self,
        cx: &Context,
        role: Principal,
        letter: Letter<'_>,
    ) -> Result<Option<PreparedPost>> {
        let event = String::from_utf8_lossy(letter.event).into_owned();
        let attribute = |kind: &str, value: &str| {
            Document::map([("DataType", Document::from(kind)), ("StringValue", value.into())])
        };
        let mut message = letter.error_message;
        let end =
            (0..=ERROR_MESSAGE_BYTES_MAX.min(message.len())).rev().find(|end| message.is_char_boundary(*end));
        message.truncate(end.unwrap_or_default());
        let mut attributes = wire::Map::default();
        attributes.insert("RequestID".into(), attribute("String", letter.request_id));
        attributes.insert("ErrorCode".into(), attribute("Number", "200"));
        if !message.is_empty() {
            attributes.insert("ErrorMessage".into(), attribute("String", &message));
        }
        let attributes = Document::Map(attributes);
        let (service, operation, input) = match self.kind {
            Kind::Queue => (
                "sqs",
                "SendMessage",
                Document::map([
                    ("QueueUrl", self.queue_url(cx).into()),
                    ("MessageBody", event.into()),
                    ("MessageAttributes", attributes),
                ]),
            ),
            Kind::Topic => (
                "sns",
                "Publish",
                Document::map([
                    ("TopicArn", self.arn.as_str().into()),
                    ("Message", event.into()),
                    ("MessageAttributes", attributes),
                ]),
            ),
            Kind::Function | Kind::Bus => return Ok(None),
        };
        self.post(cx, role, service, operation, input).await.map(Some)
    }

    async fn post(
        &self,
        cx: &Context,
        role: Principal,
        service: &str,
        operation: &str,
        input: Document,
    ) -> Result<PreparedPost> {
        Post::new(cx, role, service, operation, input)
            .in_scope(self.scope.clone())
            .lane(self.arn.as_str())
            .prepare(cx.platform())
            .await
    }

    fn queue_url(&self, cx: &Context) -> String {
        format!("{}/{}/{}", cx.platform().endpoint(), self.scope.account, self.arn.resource())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Succeeded {
    Yes,
    No,
}

impl Succeeded {
    fn detail_type(self) -> &'static str {
        match self {
            Succeeded::Yes => "Lambda Function Invocation Result - Success",
            Succeeded::No => "Lambda Function Invocation Result - Failure",
        }
    }
}

/// Refuses a destination that is not there, or the function itself.
pub(crate) async fn check(cx: &Context, function: &Target, arn: &str) -> Result<()> {
    let invalid = || Error::parameter(format!("The destination ARN {arn} is invalid."));
    let destination = Destination::parse(arn).ok_or_else(invalid)?;
    if destination.kind == Kind::Function
        && Target::parse(cx, arn, None)
            .is_ok_and(|target| (&target.scope, &target.name) == (&function.scope, &function.name))
    {
        return Err(Error::parameter("You can't specify the function as a destination for itself.").into());
    }
    if destination.exists(cx).await? { Ok(()) } else { Err(invalid().into()) }
}

/// Refuses a dead-letter target that is not there, in the words in which AWS does.
pub(crate) async fn check_dead_letter(cx: &Context, arn: &str) -> Result<()> {
    let destination = Destination::parse(arn);
    let (action, service) = match destination.as_ref().map(|destination| destination.kind) {
        Some(Kind::Queue) => ("SendMessage", "SQS"),
        Some(Kind::Topic) => ("Publish", "SNS"),
        _ => return Err(Error::parameter(format!("The destination ARN {arn} is invalid.")).into()),
    };
    match destination {
        Some(destination) if destination.exists(cx).await? => Ok(()),
        _ => Err(Error::parameter(format!(
            "The provided execution role does not have permissions to call {action} on {service}"
        ))
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_told_by_their_arns() {
        let kind = |arn: &str| Destination::parse(arn).map(|destination| destination.kind);
        assert_eq!(kind("arn:aws:lambda:us-east-1:111122223333:function:f:live"), Some(Kind::Function));
        assert_eq!(kind("arn:aws:sqs:us-east-1:111122223333:q"), Some(Kind::Queue));
        assert_eq!(kind("arn:aws:sns:us-east-1:111122223333:t"), Some(Kind::Topic));
        assert_eq!(kind("arn:aws:events:us-east-1:111122223333:event-bus/default"), Some(Kind::Bus));
        for arn in [
            "",
            "arn:aws:sqs:us-east-1:111122223333:q.fifo",
            "arn:aws:sqs:us-east-1::q",
            "arn:aws:s3:::bucket",
            "arn:aws:events:us-east-1:111122223333:rule/r",
            "arn:aws:lambda:us-east-1:111122223333:layer:l",
        ] {
            assert_eq!(kind(arn), None, "{arn}");
        }
    }
}
