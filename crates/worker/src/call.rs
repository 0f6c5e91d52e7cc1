//! One call on one worker: hand it over, follow it to its end, whatever the end is.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::timeout;

use crate::delivery::Delivery;
use crate::event::{Event, Last};
use crate::invocation::{Credentials, Reply};
use crate::log::CallLog;
use crate::platform_event::PlatformEvent;
use crate::policy::{DRAIN_TIMEOUT, LAST_WORDS_TIMEOUT, LOG_DELAY_MAX};
use crate::report::{self, Failure};
use crate::runtime_api::Offer;
use crate::sandbox::Exit;
use crate::worker::Worker;

/// How the init phase ended.
#[derive(Debug)]
pub(crate) enum Init {
    Done,
    /// The function could not be loaded: the error payload.
    Failed(Bytes),
    /// The process ended.
    Exited(Exit),
    Timeout,
}

/// How a call ended.
pub(crate) struct Ended {
    pub(crate) reply: Reply,
    pub(crate) failure: Option<Failure>,
    /// Whether the worker must be ended.
    pub(crate) last: Last,
}

/// Waits until the function is loaded, collecting what it says meanwhile.
pub(crate) async fn initialise(worker: &mut Worker, log: &mut CallLog, limit: Duration) -> Init {
    let deadline = Instant::now() + limit;
    match next(worker, log, deadline).await {
        Next::Event(Event::Initialised) => {
            if let Some(extensions) = worker.extensions().cloned() {
                match tokio::time::timeout_at(deadline.into(), extensions.ready()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(failed)) => {
                        end(worker, log).await;
                        return Init::Failed(report::error("Extension.InitError", &failed));
                    }
                    Err(_) => {
                        worker.handle.kill();
                        end(worker, log).await;
                        return Init::Timeout;
                    }
                }
            }
            worker.output.drain(|line| log.output(line));
            for (name, events) in
                worker.extensions().map(|extensions| extensions.registered()).into_iter().flatten()
            {
                log.event(&PlatformEvent::Extension { name: &name, events: &events });
            }
            Init::Done
        }
        Next::Event(Event::InitError(payload)) => {
            end(worker, log).await;
            Init::Failed(payload)
        }
        Next::Event(_) => Init::Exited(end(worker, log).await),
        Next::Deadline => {
            worker.measure_memory();
            worker.handle.kill();
            end(worker, log).await;
            Init::Timeout
        }
    }
}

/// Runs one call to its end. After `Last::Yes` the process is gone and its output is in the log.
pub(crate) async fn run(
    worker: &mut Worker,
    offer: Offer,
    credentials: &Credentials,
    limits: Limits,
    delivery: &mut Delivery,
    log: &mut CallLog,
) -> Ended {
    let request_id = offer.request_id.clone();
    // A process that has ended shows in the first event.
    let sent = tokio::time::timeout_at(limits.deadline.into(), worker.link.invoke(offer, credentials)).await;
    let mut next_event =
        if sent.is_err() { Next::Deadline } else { next(worker, log, limits.deadline).await };
    loop {
        let event = match next_event {
            Next::Deadline => return timed_out(worker, &request_id, limits, delivery, log).await,
            Next::Event(event) => event,
        };
        let delivered = tokio::time::timeout_at(limits.deadline.into(), deliver(event, delivery)).await;
        match delivered {
            Err(_) => return timed_out(worker, &request_id, limits, delivery, log).await,
            Ok(Delivered::Partly) => {}
            Ok(Delivered::Ended(ended)) => {
                worker.measure_memory();
                if ended.last == Last::Yes {
                    end(worker, log).await;
                } else {
                    worker.output.drain(|line| log.output(line));
                    worker.output.finish_lines(|line| log.output(line));
                }
                return ended;
            }
            Ok(Delivered::Exited) => {
                let exit = end(worker, log).await;
                return exited(&request_id, exit, delivery, log).await;
            }
        }
        next_event = next(worker, log, limits.deadline).await;
    }
}

/// Time bounds of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) timeout: Duration,
    pub(crate) deadline: Instant,
}

/// The answer for a process that ended while it owed one.
pub(crate) async fn exited(
    request_id: &str,
    exit: Exit,
    delivery: &mut Delivery,
    log: &mut CallLog,
) -> Ended {
    const ERROR_TYPE: &str = "Runtime.ExitError";
    let message = report::exit_message(request_id, exit);
    log.notice(request_id, format!("{message}\n{ERROR_TYPE}"));
    Ended {
        reply: delivery.error(report::error(ERROR_TYPE, &message)).await,
        failure: Some(Failure::Error { error_type: ERROR_TYPE.into() }),
        last: Last::Yes,
    }
}

async fn timed_out(
    worker: &mut Worker,
    request_id: &str,
    limits: Limits,
    delivery: &mut Delivery,
    log: &mut CallLog,
) -> Ended {
    worker.measure_memory();
    worker.handle.kill();
    end(worker, log).await;
    timeout_reply(request_id, limits.timeout, delivery, log).await
}

pub(crate) async fn timeout_reply(
    request_id: &str,
    limit: Duration,
    delivery: &mut Delivery,
    log: &mut CallLog,
) -> Ended {
    log.notice(request_id, report::timeout_line(request_id, limit));
    let reply = delivery.error(report::timeout_error(request_id, limit)).await;
    Ended { reply, failure: Some(Failure::Timeout), last: Last::Yes }
}

enum Delivered {
    Partly,
    Ended(Ended),
    Exited,
}

async fn deliver(event: Event, delivery: &mut Delivery) -> Delivered {
    match event {
        Event::StreamHead { content_type } => {
            delivery.begin(content_type).await;
            Delivered::Partly
        }
        Event::StreamChunk(chunk) => {
            delivery.chunk(chunk).await;
            Delivered::Partly
        }
        Event::StreamEnd => succeeded(delivery.end().await),
        Event::Response { content_type, body } => succeeded(delivery.whole(content_type, body).await),
        Event::Error { payload, last } => failed(payload, last, delivery).await,
        Event::StreamError(payload) => failed(payload, Last::No, delivery).await,
        Event::ResponseTooLarge { last } => failed(report::response_too_large(), last, delivery).await,
        // Out of turn: who breaks the rules is ended.
        Event::Ready | Event::Initialised | Event::InitError(_) | Event::Closed => Delivered::Exited,
    }
}

fn succeeded(reply: Reply) -> Delivered {
    let failure = match &reply {
        Reply::FunctionError { payload, .. } => {
            Some(Failure::Error { error_type: report::error_type(payload) })
        }
        Reply::Success { .. } | Reply::Streamed => None,
    };
    Delivered::Ended(Ended { reply, failure, last: Last::No })
}

async fn failed(payload: Bytes, last: Last, delivery: &mut Delivery) -> Delivered {
    let failure = Some(Failure::Error { error_type: report::error_type(&payload) });
    Delivered::Ended(Ended { reply: delivery.error(payload).await, failure, last })
}

enum Next {
    Event(Event),
    Deadline,
}

/// The next event. Output goes to the log meanwhile, and to its sink after a short while.
async fn next(worker: &mut Worker, log: &mut CallLog, deadline: Instant) -> Next {
    let Worker { link, output, handle, .. } = worker;
    let mut flush_at: Option<Instant> = None;
    let exit = handle.wait();
    tokio::pin!(exit);
    loop {
        let wake_at = flush_at.map_or(deadline, |flush_at| flush_at.min(deadline));
        tokio::select! {
            biased;
            event = link.event() => return Next::Event(event),
            () = output.ready() => {
                output.drain(|line| log.output(line));
                if log.has_waiting() && flush_at.is_none() {
                    flush_at = Some(Instant::now() + LOG_DELAY_MAX);
                }
            }
            _ = &mut exit => {
                // What it said last may still be on its way.
                let event = timeout(LAST_WORDS_TIMEOUT, link.event()).await.unwrap_or(Event::Closed);
                return Next::Event(event);
            }
            () = tokio::time::sleep_until(wake_at.into()) => {
                if Instant::now() >= deadline {
                    return Next::Deadline;
                }
                log.flush();
                flush_at = None;
            }
        }
    }
}

/// Ends the process, if it has not ended, and takes what is left of its output.
async fn end(worker: &mut Worker, log: &mut CallLog) -> Exit {
    worker.measure_memory();
    // A process that closed its connection is about to end by itself, with a status worth knowing.
    let exit = match timeout(LAST_WORDS_TIMEOUT, worker.handle.wait()).await {
        Ok(exit) => exit,
        Err(_) => {
            worker.handle.kill();
            timeout(DRAIN_TIMEOUT, worker.handle.wait()).await.unwrap_or_default()
        }
    };
    if exit.out_of_memory {
        worker.used_all_memory();
    }
    worker.output.drain(|line| log.output(line));
    worker.output.finish_lines(|line| log.output(line));
    exit
}
