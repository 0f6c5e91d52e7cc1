//! The platform's own lines in a function's log and the errors it answers in a function's place,
//! in AWS's wording.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::invocation::Report;
use crate::log::now;
use crate::sandbox::Exit;

/// How an invocation or an init phase ended, where it did not end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    Timeout,
    Error { error_type: String },
}

pub(crate) fn init_start(requested_runtime: &str, version: Option<&str>) -> String {
    format!("INIT_START Runtime Version: {}", runtime_version(requested_runtime, version))
}

/// `nodejs:20.v20.1.0`; what was asked for when there is no interpreter.
pub(crate) fn runtime_version(requested_runtime: &str, version: Option<&str>) -> String {
    match version {
        Some(version) => format!("{}.v{version}", family(requested_runtime)),
        None => requested_runtime.to_owned(),
    }
}

/// `nodejs20.x` → `nodejs:20`, `python3.12` → `python:3.12`.
fn family(runtime: &str) -> String {
    let digits = runtime.find(|character: char| character.is_ascii_digit()).unwrap_or(runtime.len());
    format!("{}:{}", &runtime[..digits], runtime[digits..].trim_end_matches(".x"))
}

/// Line of an init phase that failed.
pub(crate) fn init_report(duration: Duration, phase: &str, failure: &Failure) -> String {
    let mut line = format!("INIT_REPORT Init Duration: {:.2} ms\tPhase: {phase}\t", milliseconds(duration));
    match failure {
        Failure::Timeout => line.push_str("Status: timeout"),
        Failure::Error { error_type } => line.push_str(&format!("Status: error\tError Type: {error_type}")),
    }
    line
}

pub(crate) fn start(request_id: &str, version: &str) -> String {
    format!("START RequestId: {request_id} Version: {version}")
}

pub(crate) fn end(request_id: &str) -> String {
    format!("END RequestId: {request_id}")
}

/// The REPORT line, with the trace when the request is sampled.
pub(crate) fn report(request_id: &str, report: &Report, failure: Option<&Failure>, trace_id: &str) -> String {
    let mut line = format!(
        "REPORT RequestId: {request_id}\tDuration: {:.2} ms\tBilled Duration: {} ms\tMemory Size: {} MB\tMax Memory Used: {} MB\t",
        report.duration_ms, report.billed_duration_ms, report.memory_size_mib, report.max_memory_used_mib
    );
    if let Some(init) = report.init_duration_ms {
        line.push_str(&format!("Init Duration: {init:.2} ms\t"));
    }
    match failure {
        Some(Failure::Timeout) => line.push_str("Status: timeout"),
        Some(Failure::Error { error_type }) if error_type.starts_with("Runtime.") => {
            line.push_str(&format!("Status: error\tError Type: {error_type}"));
        }
        _ => {}
    }
    if let Some((root, segment)) = sampled_trace(trace_id) {
        line.push_str(&format!("\nXRAY TraceId: {root}\tSegmentId: {segment}\tSampled: true\t"));
    }
    line
}

fn sampled_trace(trace_id: &str) -> Option<(&str, &str)> {
    let field = |name: &str| trace_id.split(';').find_map(|part| part.trim().strip_prefix(name));
    if field("Sampled=")? != "1" {
        return None;
    }
    Some((field("Root=")?, field("Parent=")?))
}

/// Numbers of the REPORT line. Since August 2025 AWS bills the init phase too.
pub(crate) fn measure(
    duration: Duration,
    init: Option<Duration>,
    memory_mib: u32,
    memory_peak_bytes: Option<u64>,
) -> Report {
    let duration_ms = milliseconds(duration);
    let init_ms = init.map(milliseconds);
    let used = memory_peak_bytes.unwrap_or(0).div_ceil(1024 * 1024).max(1);
    Report {
        duration_ms,
        billed_duration_ms: (duration_ms + init_ms.unwrap_or(0.0)).ceil().max(1.0) as u64,
        memory_size_mib: memory_mib,
        max_memory_used_mib: u32::try_from(used).unwrap_or(u32::MAX).min(memory_mib),
        init_duration_ms: init_ms,
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// The log line of a call that ran out of time.
pub(crate) fn timeout_line(request_id: &str, timeout: Duration) -> String {
    format!("{} {request_id} Task timed out after {:.2} seconds\n", timestamp(), timeout.as_secs_f64())
}

/// What the caller of a call that ran out of time receives.
pub(crate) fn timeout_error(request_id: &str, timeout: Duration) -> Bytes {
    error(
        "Sandbox.Timedout",
        &format!("RequestId: {request_id} Error: Task timed out after {:.2} seconds", timeout.as_secs_f64()),
    )
}

/// `Runtime exited …` as AWS words the end of a process that owed a response.
pub(crate) fn exit_message(request_id: &str, exit: Exit) -> String {
    let cause = match exit {
        Exit { out_of_memory: true, .. } => "Runtime exited with error: signal: killed".to_owned(),
        Exit { signal: Some(signal), .. } => {
            format!("Runtime exited with error: signal: {}", signal_name(signal))
        }
        Exit { code: Some(0) | None, .. } => "Runtime exited without providing a reason".to_owned(),
        Exit { code: Some(code), .. } => format!("Runtime exited with error: exit status {code}"),
    };
    format!("RequestId: {request_id} Error: {cause}")
}

/// Signals in the words of the Go runtime, which AWS's messages come from.
fn signal_name(signal: i32) -> String {
    match signal {
        libc::SIGABRT => "aborted".into(),
        libc::SIGBUS => "bus error".into(),
        libc::SIGFPE => "floating point exception".into(),
        libc::SIGHUP => "hangup".into(),
        libc::SIGILL => "illegal instruction".into(),
        libc::SIGINT => "interrupt".into(),
        libc::SIGKILL => "killed".into(),
        libc::SIGPIPE => "broken pipe".into(),
        libc::SIGQUIT => "quit".into(),
        libc::SIGSEGV => "segmentation fault".into(),
        libc::SIGSYS => "bad system call".into(),
        libc::SIGTERM => "terminated".into(),
        libc::SIGTRAP => "trace/breakpoint trap".into(),
        other => format!("signal {other}"),
    }
}

/// An error payload made by the platform.
pub(crate) fn error(error_type: &str, message: &str) -> Bytes {
    json!({ "errorType": error_type, "errorMessage": message }).to_string().into()
}

/// An error of the init phase, which knows no call, as part of the answer to one.
pub(crate) fn with_request_id(payload: Bytes, request_id: &str) -> Bytes {
    match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&payload) {
        Ok(mut error) => {
            error.insert("requestId".into(), request_id.into());
            serde_json::Value::Object(error).to_string().into()
        }
        Err(_) => payload,
    }
}

pub(crate) fn response_too_large() -> Bytes {
    error(
        "Function.ResponseSizeTooLarge",
        &format!(
            "Response payload size exceeded maximum allowed payload size ({} bytes).",
            crate::policy::RESPONSE_BYTES_MAX
        ),
    )
}

/// The `errorType` of an error payload, for the log.
pub(crate) fn error_type(payload: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Head {
        #[serde(rename = "errorType")]
        error_type: String,
    }
    serde_json::from_slice::<Head>(payload).map_or_else(|_| "Runtime.Unknown".into(), |head| head.error_type)
}

/// The time of now as a log shows it.
pub(crate) fn timestamp() -> String {
    OffsetDateTime::from(now())
        .format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"))
        .expect("every component of the description is part of a date and time")
}

/// A fresh name of a log stream: day, version and 32 random hexadecimal digits.
pub(crate) fn log_stream_name(version: &str) -> String {
    let day = OffsetDateTime::from(now())
        .format(format_description!("[year]/[month]/[day]"))
        .expect("every component of the description is part of a date");
    format!("{day}/[{version}]{}", random_digits())
}

/// 32 random hexadecimal digits, for names.
pub(crate) fn random_digits() -> String {
    let mut random = [0_u8; 16];
    // SAFETY: the buffer is valid for its length. It is only a name: zeros after a failure do no harm.
    unsafe { libc::getrandom(random.as_mut_ptr().cast(), random.len(), 0) };
    format!("{:032x}", u128::from_be_bytes(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "8f507cfc-xmpl-4697-b07a-ac58fc914c95";

    #[test]
    fn report_of_a_cold_start() {
        let numbers = measure(
            Duration::from_micros(1_234),
            Some(Duration::from_micros(100_500)),
            128,
            Some(50 * 1024 * 1024 + 1),
        );
        assert_eq!(
            report(ID, &numbers, None, ""),
            format!(
                "REPORT RequestId: {ID}\tDuration: 1.23 ms\tBilled Duration: 102 ms\tMemory Size: 128 MB\tMax Memory Used: 51 MB\tInit Duration: 100.50 ms\t"
            )
        );
    }

    #[test]
    fn report_of_a_failure_names_it() {
        let numbers = measure(Duration::from_secs(3), None, 128, None);
        let line = report(ID, &numbers, Some(&Failure::Timeout), "");
        assert!(line.ends_with(
            "Billed Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: 1 MB\tStatus: timeout"
        ));
        let failure = Failure::Error { error_type: "Runtime.ExitError".into() };
        assert!(
            report(ID, &numbers, Some(&failure), "")
                .ends_with("\tStatus: error\tError Type: Runtime.ExitError")
        );
        let own = Failure::Error { error_type: "KeyError".into() };
        assert!(report(ID, &numbers, Some(&own), "").ends_with("Max Memory Used: 1 MB\t"));
    }

    #[test]
    fn report_carries_a_sampled_trace() {
        let numbers = measure(Duration::from_millis(1), None, 128, None);
        let line = report(ID, &numbers, None, "Root=1-5e-ab;Parent=07;Sampled=1");
        assert!(line.ends_with("\nXRAY TraceId: 1-5e-ab\tSegmentId: 07\tSampled: true\t"), "{line}");
        assert!(!report(ID, &numbers, None, "Root=1-5e-ab;Parent=07;Sampled=0").contains("XRAY"));
        assert!(!report(ID, &numbers, None, "nonsense").contains("XRAY"));
    }

    #[test]
    fn nothing_is_free() {
        assert_eq!(measure(Duration::ZERO, None, 128, None).billed_duration_ms, 1);
        assert_eq!(measure(Duration::from_micros(2_001), None, 128, None).billed_duration_ms, 3);
        assert_eq!(measure(Duration::ZERO, None, 128, Some(1 << 40)).max_memory_used_mib, 128);
    }

    #[test]
    fn exits_in_awss_words() {
        let message = |exit| exit_message("1", exit);
        let killed = "RequestId: 1 Error: Runtime exited with error: signal: killed";
        assert_eq!(message(Exit { signal: Some(9), ..Exit::default() }), killed);
        assert_eq!(message(Exit { code: Some(137), out_of_memory: true, ..Exit::default() }), killed);
        assert_eq!(
            message(Exit { code: Some(1), ..Exit::default() }),
            "RequestId: 1 Error: Runtime exited with error: exit status 1"
        );
        assert_eq!(
            message(Exit { code: Some(0), ..Exit::default() }),
            "RequestId: 1 Error: Runtime exited without providing a reason"
        );
    }

    #[test]
    fn times_out_in_awss_words() {
        let line = timeout_line("1", Duration::from_secs(3));
        assert!(line.ends_with("Z 1 Task timed out after 3.00 seconds\n"), "{line}");
        assert_eq!(
            timeout_error("1", Duration::from_secs(3)),
            r#"{"errorMessage":"RequestId: 1 Error: Task timed out after 3.00 seconds","errorType":"Sandbox.Timedout"}"#
        );
    }

    #[test]
    fn log_stream_names_are_unique_and_well_formed() {
        let name = log_stream_name("$LATEST");
        let (day, rest) = name.split_once("/[$LATEST]").unwrap();
        assert_eq!(day.len(), 10);
        assert_eq!(rest.len(), 32);
        assert_ne!(name, log_stream_name("$LATEST"));
    }

    #[test]
    fn runtime_families() {
        assert_eq!(family("nodejs20.x"), "nodejs:20");
        assert_eq!(family("python3.12"), "python:3.12");
    }
}
