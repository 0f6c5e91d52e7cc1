use std::time::{Duration, Instant};

use serde::Deserialize;
use service::{Context, Delivery, Empty, Failure, Operation, Principal, Result};
use wire::Blob;
use worker::policy::RESPONSE_BYTES_MAX;
use worker::{Reply, ResponseMode};

use crate::Lambda;
use crate::event_invoke::config::{EventInvokeConfig, arn_of};
use crate::event_invoke::destination::{Destination, Letter, Succeeded};
use crate::event_invoke::record::{Record, Response, error_message};
use crate::event_invoke::schedule::{self, Attempt, Condition, Next, Progress};
use crate::functions::{revision, rows};
use crate::invocation::{Call, Prepared};
use crate::name::Target;
use crate::settings::Settings;
use crate::tables::{EVENT_INVOKE_CONFIGS, member_key};

const THROTTLED: &str = "TooManyRequestsException";

/// One attempt at an event of the queue.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RunEvent {
    function_arn: String,
    payload: Blob,
    client_context: Option<String>,
}

/// What an attempt came to.
struct Ran {
    attempt: Attempt,
    executed_version: String,
    payload: bytes::Bytes,
}

impl Operation for RunEvent {
    type Service = Lambda;
    type Output = Empty;

    const NAME: &'static str = "RunEvent";

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<Empty> {
        let delivery = cx.delivery().ok_or_else(|| anyhow::anyhow!("events come by post"))?;
        let target = Target::parse(cx, &self.function_arn, None)?;
        let key = member_key(&target.name, target.qualifier_or_latest());
        let config = rows(cx, &target.scope, &EVENT_INVOKE_CONFIGS).get(&key).await?.unwrap_or_default();
        let settings = match revision(cx, &target).await {
            Ok((_, revision)) => revision.settings,
            // Its events go with it.
            Err(failure) if failure.code() == "ResourceNotFoundException" => return Ok(Empty),
            Err(failure) => return Err(failure),
        };
        let age_millis = cx.now().epoch_millis() - delivery.posted().epoch_millis();
        let progress = Progress {
            failed_runs: delivery.failures(),
            not_run: delivery.calls().saturating_sub(delivery.failures()),
            age: Duration::from_millis(u64::try_from(age_millis).unwrap_or_default()),
        };
        let event = Event {
            cx,
            delivery,
            target: &target,
            config: &config,
            settings: &settings,
            request: &self.payload.0,
        };
        let limits = config.limits();
        if schedule::is_too_old(limits, progress) {
            event.give_up(lambda, Condition::EventAgeExceeded, progress.failed_runs, None).await?;
            return Ok(Empty);
        }
        let ran = self.attempt(lambda, cx, &target).await;
        match schedule::next(limits, progress, ran.attempt) {
            Next::Done => event.succeeded(lambda, progress.failed_runs + 1, &ran).await?,
            Next::RunAgain(wait) => delivery.retry_after(wait),
            Next::Wait(wait) => delivery.postpone(wait),
            Next::GiveUp(condition) => {
                let did_run = ran.attempt == Attempt::Failed;
                let runs = progress.failed_runs + u32::from(did_run);
                event.give_up(lambda, condition, runs, did_run.then_some(&ran)).await?;
            }
        }
        Ok(Empty)
    }
}

impl RunEvent {
    /// Waits a little for room, when that is what is missing.
    async fn prepare(&self, lambda: &Lambda, cx: &Context, target: &Target) -> Result<Prepared> {
        let begun = Instant::now();
        loop {
            let call = Call {
                target,
                payload: self.payload.0.clone(),
                client_context: self.client_context.as_deref(),
                response: ResponseMode::Buffered { bytes_max: RESPONSE_BYTES_MAX },
            };
            let prepared = lambda.prepare(cx, call).await;
            let left = lambda.event_wait.saturating_sub(begun.elapsed());
            match prepared {
                Err(failure) if failure.code() == THROTTLED && !left.is_zero() => {
                    lambda.pool(cx, target).await?.wait_for_room(&target.name, left).await;
                }
                other => return other,
            }
        }
    }

    async fn attempt(&self, lambda: &Lambda, cx: &Context, target: &Target) -> Ran {
        let ran = |attempt| Ran { attempt, executed_version: String::new(), payload: bytes::Bytes::new() };
        match lambda.pool(cx, target).await {
            Ok(pool) if pool.is_switched_off(&target.name) => return ran(Attempt::SwitchedOff),
            _ => {}
        }
        let Prepared { executable, invocation, permit } = match self.prepare(lambda, cx, target).await {
            Ok(prepared) => prepared,
            Err(failure) => {
                not_run(cx, target, &failure);
                return ran(Attempt::NotRun);
            }
        };
        let outcome = Box::pin(lambda.workers.invoke(&executable.function, invocation)).await;
        drop(permit);
        let (attempt, payload) = match outcome.result {
            Ok(Reply::Success { payload, .. }) => (Attempt::Succeeded, payload),
            Ok(Reply::FunctionError { payload, .. }) => (Attempt::Failed, payload),
            Ok(Reply::Streamed) => (Attempt::Succeeded, bytes::Bytes::new()),
            Err(failure) => {
                not_run(cx, target, &crate::invocation::refusal(failure));
                return ran(Attempt::NotRun);
            }
        };
        Ran { attempt, executed_version: executable.function.version.clone(), payload }
    }
}

fn not_run(cx: &Context, target: &Target, failure: &Failure) {
    if failure.code() != THROTTLED {
        let function = target.function_arn();
        tracing::warn!(request_id = cx.request_id(), %function, %failure, "an event waits: its function does not run");
    }
}

/// An event that has come to its end.
struct Event<'a> {
    cx: &'a Context,
    delivery: &'a Delivery,
    target: &'a Target,
    config: &'a EventInvokeConfig,
    settings: &'a Settings,
    request: &'a [u8],
}

impl Event<'_> {
    async fn succeeded(&self, lambda: &Lambda, runs: u32, ran: &Ran) -> Result<()> {
        let Some(arn) = &self.config.on_success else { return Ok(()) };
        self.tell(lambda, arn, Condition::Success, runs, Some(ran)).await
    }

    /// Destination and dead letter are independent of each other; both are told.
    async fn give_up(
        &self,
        lambda: &Lambda,
        condition: Condition,
        runs: u32,
        ran: Option<&Ran>,
    ) -> Result<()> {
        if let Some(arn) = &self.config.on_failure {
            self.tell(lambda, arn, condition, runs, ran).await?;
        }
        if let Some(arn) = &self.settings.dead_letter_target
            && let Some(destination) = Destination::parse(arn)
        {
            let error_message = match ran {
                Some(ran) => error_message(&ran.payload),
                None => format!("The event was not processed: {}.", condition.as_str()),
            };
            let letter = Letter { event: self.request, request_id: self.delivery.id(), error_message };
            let role = self.role(lambda).await?;
            if let Some(post) = destination.dead_letter(self.cx, role, letter).await? {
                self.delivery.then(post);
            }
        }
        Ok(())
    }

    async fn tell(
        &self,
        lambda: &Lambda,
        arn: &str,
        condition: Condition,
        runs: u32,
        ran: Option<&Ran>,
    ) -> Result<()> {
        let Some(destination) = Destination::parse(arn) else { return Ok(()) };
        let function_arn = arn_of(self.target);
        let record = Record {
            now: self.cx.now(),
            request_id: self.delivery.id(),
            function_arn: &function_arn,
            condition,
            invoke_count: runs,
            request: self.request,
            response: ran.map(|ran| Response {
                executed_version: &ran.executed_version,
                function_error: (ran.attempt == Attempt::Failed).then_some("Unhandled"),
                payload: &ran.payload,
            }),
        };
        let succeeded = if condition == Condition::Success { Succeeded::Yes } else { Succeeded::No };
        let role = self.role(lambda).await?;
        let post = destination.outcome(self.cx, role, succeeded, &function_arn, record.to_json()).await?;
        self.delivery.then(post);
        Ok(())
    }

    /// Outcomes are sent as the function's role.
    async fn role(&self, lambda: &Lambda) -> Result<Principal> {
        let (scope, name) = (&self.target.scope, &self.target.name);
        lambda.credentials.principal(self.cx, scope, &self.settings.role, name).await
    }
}
