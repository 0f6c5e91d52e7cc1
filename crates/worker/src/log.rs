//! Where a function's log goes, and how raw output becomes log events.

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
