//! What the platform tells about a function's runs: as lines of a text log, as objects of a JSON log, as telemetry.
//!
//! Source: "Lambda Telemetry API Event schema reference" and "System log level event mapping" in the developer guide.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::function::Function;
use crate::invocation::Report;
use crate::log_format::LogLevel;
use crate::report::{self, Failure};

/// One event of the platform.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PlatformEvent<'a> {
    InitStart {
        function: &'a Function,
        /// Version of the interpreter.
        version: Option<&'a str>,
        initialization: Initialization,
    },
    /// The init phase is over.
    InitDone {
        duration: Duration,
        phase: Phase,
        failure: Option<&'a Failure>,
        initialization: Initialization,
    },
    /// An extension waits for its first event.
    Extension {
        name: &'a str,
        events: &'a [String],
    },
    Start {
        request_id: &'a str,
        version: &'a str,
        trace_id: &'a str,
    },
    RuntimeDone {
        request_id: &'a str,
        duration_ms: f64,
        produced_bytes: Option<usize>,
        failure: Option<&'a Failure>,
        trace_id: &'a str,
    },
    Report {
        request_id: &'a str,
        report: &'a Report,
        failure: Option<&'a Failure>,
        trace_id: &'a str,
    },
}

/// Why a worker was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Initialization {
    OnDemand,
    Provisioned,
}

/// When the function was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Init,
    /// The second time, after a first one that took too long.
    Invoke,
}

impl Initialization {
    /// As `AWS_LAMBDA_INITIALIZATION_TYPE` has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::Provisioned => "provisioned-concurrency",
        }
    }
}

impl Phase {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Invoke => "invoke",
        }
    }
}

/// One record of an event, with its level in the log.
pub(crate) struct Record {
    pub(crate) kind: &'static str,
    pub(crate) level: LogLevel,
    pub(crate) record: Value,
}

impl PlatformEvent<'_> {
    /// Its lines in a text log.
    pub(crate) fn lines(&self) -> [Option<String>; 2] {
        match self {
            Self::InitStart { function, version, .. } => {
                [Some(report::init_start(&function.requested_runtime, *version)), None]
            }
            Self::InitDone { duration, phase, failure: Some(failure), .. } => {
                [Some(report::init_report(*duration, phase.name(), failure)), None]
            }
            Self::InitDone { failure: None, .. } | Self::RuntimeDone { .. } => [None, None],
            Self::Extension { name, events } => [
                Some(format!("EXTENSION\tName: {name}\tState: Ready\tEvents: [{}]", events.join(", "))),
                None,
            ],
            Self::Start { request_id, version, .. } => [Some(report::start(request_id, version)), None],
            Self::Report { request_id, report, failure, trace_id } => {
                [Some(report::end(request_id)), Some(report::report(request_id, report, *failure, trace_id))]
            }
        }
    }

    /// The same as records.
    pub(crate) fn records(&self) -> Vec<Record> {
        match *self {
            Self::InitStart { function, version, initialization } => {
                let runtime = report::runtime_version(&function.requested_runtime, version);
                let record = json!({
                    "initializationType": initialization.name(),
                    "phase": Phase::Init.name(),
                    "runtimeVersion": runtime,
                    "functionName": function.name,
                    "functionVersion": function.version,
                });
                vec![Record { kind: "platform.initStart", level: LogLevel::Info, record }]
            }
            Self::InitDone { duration, phase, failure, initialization } => {
                let base = json!({ "initializationType": initialization.name(), "phase": phase.name() });
                let done = with_status(base.clone(), failure);
                let mut reported = with_status(base, failure);
                reported["metrics"] = json!({ "durationMs": rounded(duration.as_secs_f64() * 1_000.0) });
                let report_level = match initialization {
                    Initialization::OnDemand => LogLevel::Debug,
                    Initialization::Provisioned => LogLevel::Info,
                };
                vec![
                    Record {
                        kind: "platform.initRuntimeDone",
                        level: or_warn(LogLevel::Debug, failure),
                        record: done,
                    },
                    Record {
                        kind: "platform.initReport",
                        level: or_warn(report_level, failure),
                        record: reported,
                    },
                ]
            }
            Self::Extension { name, events } => {
                let record = json!({ "name": name, "state": "Ready", "events": events });
                vec![Record { kind: "platform.extension", level: LogLevel::Info, record }]
            }
            Self::Start { request_id, version, trace_id } => {
                let record = json!({ "requestId": request_id, "version": version });
                let record = with_trace(record, trace_id);
                vec![Record { kind: "platform.start", level: LogLevel::Info, record }]
            }
            Self::RuntimeDone { request_id, duration_ms, produced_bytes, failure, trace_id } => {
                let mut metrics = Map::from_iter([("durationMs".to_owned(), json!(rounded(duration_ms)))]);
                metrics.extend(produced_bytes.map(|bytes| ("producedBytes".to_owned(), json!(bytes))));
                let record = json!({ "requestId": request_id, "metrics": metrics });
                let record = with_trace(with_status(record, failure), trace_id);
                let level = or_warn(LogLevel::Debug, failure);
                vec![Record { kind: "platform.runtimeDone", level, record }]
            }
            Self::Report { request_id, report, failure, trace_id } => {
                let mut metrics = json!({
                    "durationMs": rounded(report.duration_ms),
                    "billedDurationMs": report.billed_duration_ms,
                    "memorySizeMB": report.memory_size_mib,
                    "maxMemoryUsedMB": report.max_memory_used_mib,
                });
                if let Some(init_ms) = report.init_duration_ms {
                    metrics["initDurationMs"] = json!(rounded(init_ms));
                }
                let record = json!({ "requestId": request_id, "metrics": metrics });
                let record = with_trace(with_status(record, failure), trace_id);
                let level = or_warn(LogLevel::Info, failure);
                vec![Record { kind: "platform.report", level, record }]
            }
        }
    }
}

fn or_warn(level: LogLevel, failure: Option<&Failure>) -> LogLevel {
    if failure.is_some() { LogLevel::Warn } else { level }
}

fn with_status(mut record: Value, failure: Option<&Failure>) -> Value {
    let status = match failure {
        None => "success",
        Some(Failure::Timeout) => "timeout",
        Some(Failure::Error { error_type }) => {
            record["errorType"] = json!(error_type);
            "error"
        }
    };
    record["status"] = json!(status);
    record
}

fn with_trace(mut record: Value, trace_id: &str) -> Value {
    let parent = trace_id.split(';').find_map(|part| part.trim().strip_prefix("Parent="));
    if let Some(span) = parent {
        record["tracing"] = json!({ "spanId": span, "type": "X-Amzn-Trace-Id", "value": trace_id });
    }
    record
}

/// Milliseconds with three digits after the point.
fn rounded(milliseconds: f64) -> f64 {
    (milliseconds * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "Root=1-5e-ab;Parent=07;Sampled=1";

    #[track_caller]
    fn check(event: PlatformEvent<'_>, expected: &[(&str, LogLevel, Value)]) {
        let records: Vec<_> = event.records().into_iter().map(|it| (it.kind, it.level, it.record)).collect();
        assert_eq!(records, expected);
    }

    #[test]
    fn a_failed_call_weighs_more() {
        let failure = Failure::Error { error_type: "KeyError".into() };
        let done = |failure| PlatformEvent::RuntimeDone {
            request_id: "1",
            duration_ms: 1.234_56,
            produced_bytes: Some(2),
            failure,
            trace_id: TRACE,
        };
        let record = |status: &str| {
            json!({
                "requestId": "1",
                "metrics": {"durationMs": 1.235, "producedBytes": 2},
                "status": status,
                "tracing": {"spanId": "07", "type": "X-Amzn-Trace-Id", "value": TRACE},
            })
        };
        check(done(None), &[("platform.runtimeDone", LogLevel::Debug, record("success"))]);
        let mut failed = record("error");
        failed["errorType"] = json!("KeyError");
        check(done(Some(&failure)), &[("platform.runtimeDone", LogLevel::Warn, failed)]);
        check(done(Some(&Failure::Timeout)), &[("platform.runtimeDone", LogLevel::Warn, record("timeout"))]);
        assert_eq!(done(None).lines(), [None, None]);
    }

    #[test]
    fn an_init_phase_is_done_and_reported() {
        let event = PlatformEvent::InitDone {
            duration: Duration::from_micros(12_500),
            phase: Phase::Init,
            failure: None,
            initialization: Initialization::OnDemand,
        };
        let base = json!({"initializationType": "on-demand", "phase": "init", "status": "success"});
        let mut reported = base.clone();
        reported["metrics"] = json!({"durationMs": 12.5});
        check(
            event,
            &[
                ("platform.initRuntimeDone", LogLevel::Debug, base),
                ("platform.initReport", LogLevel::Debug, reported),
            ],
        );
    }
}
