//! Where a function's log goes, and the log of one invocation.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde_json::json;

use crate::log_format::{LogFormat, LogLevel};
use crate::platform_event::PlatformEvent;
use crate::policy::{LOG_BATCH_LINES_MAX, LOG_TAIL_BYTES_MAX};
use crate::report;

/// Receives the log of running functions, in order: INIT_START, START, the function's lines, END,
/// REPORT.
pub trait LogSink: Send + Sync {
    /// Must not block: called on the path of an invocation.
    fn write(&self, stream: &str, lines: Vec<LogLine>);
}

/// One log event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub epoch_millis: u64,
    /// Without the final newline.
    pub text: String,
}

/// Collects the lines of one invocation and hands them on in batches.
pub(crate) struct CallLog {
    sink: Arc<dyn LogSink>,
    stream: Arc<str>,
    format: LogFormat,
    waiting: Vec<LogLine>,
    /// `None` until START: what the init phase says is not part of the tail.
    tail: Option<Vec<u8>>,
}

impl CallLog {
    pub(crate) fn new(sink: Arc<dyn LogSink>, stream: Arc<str>, format: LogFormat) -> Self {
        Self { sink, stream, format, waiting: Vec::new(), tail: None }
    }

    /// From now on lines belong to the tail.
    pub(crate) fn begin_tail(&mut self) {
        self.tail = Some(Vec::new());
    }

    /// Continues in the stream of another worker.
    pub(crate) fn switch_stream(&mut self, stream: Arc<str>) {
        if stream != self.stream {
            self.flush();
            self.stream = stream;
        }
    }

    pub(crate) fn stream(&self) -> &str {
        &self.stream
    }

    /// A line that the function, its runtime or an extension wrote.
    pub(crate) fn output(&mut self, text: String) {
        if self.format.keeps_output(&text) {
            self.push(text);
        }
    }

    /// What the platform tells.
    pub(crate) fn event(&mut self, event: &PlatformEvent<'_>) {
        match self.format {
            LogFormat::Text => event.lines().into_iter().flatten().for_each(|line| self.push(line)),
            LogFormat::Json { system, .. } => {
                for record in event.records().into_iter().filter(|record| record.level >= system) {
                    let time = report::timestamp();
                    let object = json!({ "time": time, "type": record.kind, "record": record.record });
                    self.push(object.to_string());
                }
            }
        }
    }

    /// What the platform says in the function's place about its end. Never left out.
    pub(crate) fn notice(&mut self, request_id: &str, text: String) {
        match self.format {
            LogFormat::Text => self.push(text),
            LogFormat::Json { .. } => {
                let object = json!({
                    "timestamp": report::timestamp(),
                    "level": LogLevel::Error.name(),
                    "requestId": request_id,
                    "message": text.trim_end(),
                });
                self.push(object.to_string());
            }
        }
    }

    fn push(&mut self, text: String) {
        if let Some(tail) = &mut self.tail {
            tail.extend_from_slice(text.as_bytes());
            tail.push(b'\n');
            if tail.len() > 2 * LOG_TAIL_BYTES_MAX {
                tail.drain(..tail.len() - LOG_TAIL_BYTES_MAX);
            }
        }
        self.waiting.push(LogLine { epoch_millis: epoch_millis(), text });
        if self.waiting.len() >= LOG_BATCH_LINES_MAX {
            self.flush();
        }
    }

    pub(crate) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(crate) fn flush(&mut self) {
        if !self.waiting.is_empty() {
            self.sink.write(&self.stream, std::mem::take(&mut self.waiting));
        }
    }

    /// Hands on the rest and gives the end of the log.
    pub(crate) fn finish(mut self) -> Bytes {
        self.flush();
        let mut tail = self.tail.unwrap_or_default();
        if tail.len() > LOG_TAIL_BYTES_MAX {
            tail.drain(..tail.len() - LOG_TAIL_BYTES_MAX);
        }
        tail.into()
    }
}

pub(crate) fn epoch_millis() -> u64 {
    // A clock before 1970 is a broken clock; zero is as good as any answer.
    now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}

/// The time that the processes inside the sandboxes see too.
#[allow(clippy::disallowed_methods, reason = "deadlines are compared with the clock of other processes")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Batches(Mutex<Vec<(String, Vec<String>)>>);

    impl LogSink for Batches {
        fn write(&self, stream: &str, lines: Vec<LogLine>) {
            let texts = lines.into_iter().map(|line| line.text).collect();
            self.0.lock().unwrap().push((stream.to_owned(), texts));
        }
    }

    #[test]
    fn the_tail_is_the_last_4_kib_from_start_on() {
        let sink = Arc::new(Batches::default());
        let mut log = CallLog::new(sink.clone(), "stream".into(), LogFormat::Text);
        log.output("init".into());
        log.begin_tail();
        for number in 0..2_000 {
            log.output(format!("{number:09}"));
        }
        let tail = log.finish();
        assert_eq!(tail.len(), LOG_TAIL_BYTES_MAX);
        assert!(tail.ends_with(b"000001998\n000001999\n"));
        let sizes: Vec<usize> = sink.0.lock().unwrap().iter().map(|(_, lines)| lines.len()).collect();
        assert_eq!(sizes, [LOG_BATCH_LINES_MAX, LOG_BATCH_LINES_MAX, 1]);
    }

    #[test]
    fn lines_stay_in_the_stream_they_were_written_to() {
        let sink = Arc::new(Batches::default());
        let mut log = CallLog::new(sink.clone(), "one".into(), LogFormat::Text);
        log.output("a".into());
        log.switch_stream("two".into());
        log.output("b".into());
        assert_eq!(&log.finish()[..], b"");
        let expected = [("one".into(), vec!["a".into()]), ("two".into(), vec!["b".into()])];
        assert_eq!(*sink.0.lock().unwrap(), expected);
    }
}
