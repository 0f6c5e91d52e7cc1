use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use service::{Arn, Context, Event, EventStream, Failure, Operation, ReplyStream, Result, Streamed};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use wire::{Blob, Document};
use worker::{Outcome, Reply, ResponseMode, StreamPart};

use crate::Lambda;
use crate::functions::require;
use crate::invocation::{Call, Prepared, log_result, refusal};
use crate::name::Target;
use crate::settings::constraint;

/// Parts of a response on their way; beyond it the function waits for its caller.
const PARTS_MAX: usize = 16;
/// Announces that the stream begins with a prelude of status and headers.
const HTTP_INTEGRATION: &str = "application/vnd.awslambda.http-integration-response";
/// Ends the JSON prelude of an HTTP response stream (Lambda developer guide, response streaming).
const PRELUDE_END: [u8; 8] = [0; 8];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InvokeWithResponseStream {
    function_name: String,
    invocation_type: Option<String>,
    log_type: Option<String>,
    client_context: Option<String>,
    payload: Option<Blob>,
    qualifier: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Started {
    status_code: u16,
    executed_version: Option<String>,
    response_stream_content_type: Option<String>,
}

impl Operation for InvokeWithResponseStream {
    type Service = Lambda;
    type Output = Streamed<Started>;

    const NAME: &'static str = "InvokeWithResponseStream";
    const ACTION: &'static str = "InvokeFunction";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, self.qualifier.as_deref())
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<Streamed<Started>> {
        let target = Target::parse(cx, &self.function_name, self.qualifier.as_deref())?;
        match self.invocation_type.as_deref() {
            None | Some("RequestResponse") => {}
            Some("DryRun") => {
                require(cx, &target).await?;
                let output =
                    Started { status_code: 204, executed_version: None, response_stream_content_type: None };
                return Ok(Streamed { output, stream: ReplyStream::Events(Box::pin(stream::empty())) });
            }
            Some(other) => {
                let rule = "Member must satisfy enum value set: [RequestResponse, DryRun]";
                return Err(constraint(other, "invocationType", rule));
            }
        }
        let (sender, mut parts) = mpsc::channel(PARTS_MAX);
        let call = Call {
            target: &target,
            payload: self.payload.unwrap_or_default().0,
            client_context: self.client_context.as_deref(),
            response: ResponseMode::Streaming(sender),
        };
        let Prepared { executable, invocation, permit } = lambda.prepare(cx, call).await?;
        let version = executable.function.version.clone();
        let workers = Arc::clone(&lambda.workers);
        // In a task of its own: the function finishes and is logged even when its caller leaves.
        let running = cx.platform().tasks().request(async move {
            let outcome = workers.invoke(&executable.function, invocation).await;
            drop(permit);
            outcome
        });
        let first = parts.recv().await;
        let content_type = match &first {
            Some(StreamPart::Head { prelude: Some(_), .. }) => Some(HTTP_INTEGRATION.to_owned()),
            Some(StreamPart::Head { content_type, .. }) => Some(content_type.clone()),
            Some(_) => None,
            // Nothing was sent: the function did not run, or its reply came whole.
            None => return whole(running, version, self.log_type).await,
        };
        let body = Body {
            parts,
            ready: VecDeque::from_iter(first),
            running: Some(running),
            log_type: self.log_type,
            ended: None,
        };
        Ok(Streamed {
            output: Started {
                status_code: 200,
                executed_version: Some(version),
                response_stream_content_type: content_type,
            },
            stream: ReplyStream::Events(body.events()),
        })
    }
}

/// The events of a call whose reply did not come through the channel.
async fn whole(
    running: JoinHandle<Outcome>,
    version: String,
    log_type: Option<String>,
) -> Result<Streamed<Started>> {
    let outcome = running.await.map_err(|error| anyhow::anyhow!("the invocation ended early: {error}"))?;
    let log_result = log_result(log_type.as_deref(), &outcome.log_tail);
    let (payload, error) = match outcome.result {
        Ok(Reply::Success { payload, .. }) => (Some(payload), None),
        Ok(Reply::FunctionError { payload, kind }) => {
            (None, Some((kind.as_str().to_owned(), String::from_utf8_lossy(&payload).into_owned())))
        }
        Ok(Reply::Streamed) => (None, None),
        Err(failure) => return Err(refusal(failure)),
    };
    let events: Vec<Result<Event>> =
        payload.map(chunk).into_iter().chain([complete(error, log_result)]).map(Ok).collect();
    Ok(Streamed {
        output: Started {
            status_code: 200,
            executed_version: Some(version),
            response_stream_content_type: None,
        },
        stream: ReplyStream::Events(Box::pin(stream::iter(events))),
    })
}

/// The rest of a response while it comes.
struct Body {
    parts: mpsc::Receiver<StreamPart>,
    /// Parts taken from the channel already.
    ready: VecDeque<StreamPart>,
    /// `None` after the last event.
    running: Option<JoinHandle<Outcome>>,
    log_type: Option<String>,
    /// How the function ended, with its error.
    ended: Option<Option<(String, String)>>,
}

impl Body {
    fn events(self) -> EventStream {
        Box::pin(stream::unfold(self, |mut body| async move {
            let event = body.next().await?;
            Some((event, body))
        }))
    }

    async fn next(&mut self) -> Option<Result<Event>> {
        self.running.as_ref()?;
        while self.ended.is_none() {
            let part = match self.ready.pop_front() {
                Some(part) => Some(part),
                None => self.parts.recv().await,
            };
            match part {
                Some(StreamPart::Head { prelude: Some(prelude), .. }) => {
                    return Some(Ok(chunk([prelude.as_ref(), &PRELUDE_END].concat().into())));
                }
                Some(StreamPart::Head { prelude: None, .. }) => {}
                Some(StreamPart::Chunk(bytes)) => return Some(Ok(chunk(bytes))),
                Some(StreamPart::Error { message, .. }) => {
                    self.ended = Some(Some(("Unhandled".into(), message)));
                }
                Some(StreamPart::End) | None => self.ended = Some(None),
            }
        }
        let running = self.running.take()?;
        let error = self.ended.take().flatten();
        Some(match running.await {
            Ok(Outcome { result: Err(failure), .. }) => Err(refusal(failure)),
            Ok(outcome) => Ok(complete(error, log_result(self.log_type.as_deref(), &outcome.log_tail))),
            Err(lost) => Err(Failure::Internal(anyhow::anyhow!("the invocation ended early: {lost}"))),
        })
    }
}

fn chunk(bytes: Bytes) -> Event {
    Event { name: "PayloadChunk", document: Document::map([("Payload", bytes.into())]) }
}

fn complete(error: Option<(String, String)>, log_result: Option<String>) -> Event {
    let mut members = wire::Map::new();
    if let Some((code, details)) = error {
        members.insert("ErrorCode".into(), code.into());
        members.insert("ErrorDetails".into(), details.into());
    }
    if let Some(log) = log_result {
        members.insert("LogResult".into(), log.into());
    }
    Event { name: "InvokeComplete", document: Document::Map(members) }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    async fn events(parts: Vec<StreamPart>) -> Vec<String> {
        let (sender, receiver) = mpsc::channel(PARTS_MAX);
        let tasks = tasks::Tasks::new();
        let running = tasks.request(async move {
            for part in parts {
                let _ = sender.send(part).await;
            }
            Outcome {
                result: Ok(Reply::Streamed),
                report: None,
                log_tail: Bytes::from_static(b"END"),
                log_stream: String::new(),
            }
        });
        let log_type = Some("Tail".to_owned());
        let body =
            Body { parts: receiver, ready: VecDeque::new(), running: Some(running), log_type, ended: None };
        body.events()
            .map(|event| event.map(|event| format!("{} {}", event.name, event.document.to_json())).unwrap())
            .collect()
            .await
    }

    fn head(prelude: Option<&'static [u8]>) -> StreamPart {
        StreamPart::Head { content_type: "text/plain".into(), prelude: prelude.map(Bytes::from_static) }
    }

    #[tokio::test]
    async fn chunks_are_followed_by_the_completion() {
        let told =
            events(vec![head(None), StreamPart::Chunk(Bytes::from_static(b"one")), StreamPart::End]).await;
        assert_eq!(told, [r#"PayloadChunk {"Payload":"b25l"}"#, r#"InvokeComplete {"LogResult":"RU5E"}"#]);
    }

    #[tokio::test]
    async fn a_prelude_is_a_chunk_that_ends_in_eight_zeros() {
        let told = events(vec![head(Some(b"{}")), StreamPart::End]).await;
        assert_eq!(told[0], r#"PayloadChunk {"Payload":"e30AAAAAAAAAAA=="}"#);
    }

    #[tokio::test]
    async fn an_error_is_told_at_the_end() {
        let error =
            StreamPart::Error { error_type: "Error".into(), message: r#"{"errorType":"Error"}"#.into() };
        let told = events(vec![head(None), StreamPart::Chunk(Bytes::from_static(b"one")), error]).await;
        assert_eq!(told.len(), 2);
        assert_eq!(
            told[1],
            r#"InvokeComplete {"ErrorCode":"Unhandled","ErrorDetails":"{\"errorType\":\"Error\"}","LogResult":"RU5E"}"#
        );
    }
}
