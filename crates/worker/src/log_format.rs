//! The format of a function's log, and which of its events are kept.
//!
//! Source: "Configuring advanced logging controls for Lambda functions" in the developer guide.

use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// How a function's log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines, all of them.
    #[default]
    Text,
    /// JSON objects. Events below a level are not kept.
    Json { application: LogLevel, system: LogLevel },
}

/// Levels in rising order of weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl LogLevel {
    /// The level of this name, in any case; Python's own names for two of them are known too.
    pub fn of(name: &str) -> Option<Self> {
        const NAMES: [(&str, LogLevel); 8] = [
            ("TRACE", LogLevel::Trace),
            ("DEBUG", LogLevel::Debug),
            ("INFO", LogLevel::Info),
            ("WARN", LogLevel::Warn),
            ("ERROR", LogLevel::Error),
            ("FATAL", LogLevel::Fatal),
            ("WARNING", LogLevel::Warn),
            ("CRITICAL", LogLevel::Fatal),
        ];
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, level)| *level)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }
}

impl LogFormat {
    /// As the variable `AWS_LAMBDA_LOG_FORMAT` has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Json { .. } => "JSON",
        }
    }

    /// Whether a line that the function wrote is kept.
    pub(crate) fn keeps_output(self, line: &str) -> bool {
        match self {
            Self::Text => true,
            Self::Json { application: LogLevel::Trace, .. } => true,
            Self::Json { application, .. } => level_of(line) >= application,
        }
    }
}

/// The level a line says it has. One that says none, or no time, is information.
fn level_of(line: &str) -> LogLevel {
    #[derive(Deserialize)]
    struct Head {
        #[serde(alias = "log_level")]
        level: String,
        #[serde(alias = "time", alias = "@timestamp")]
        timestamp: String,
    }
    // Most lines that are no objects are told apart at their first byte.
    if !line.trim_start().starts_with('{') {
        return LogLevel::Info;
    }
    serde_json::from_str::<Head>(line)
        .ok()
        .filter(|head| OffsetDateTime::parse(&head.timestamp, &Rfc3339).is_ok())
        .and_then(|head| LogLevel::of(&head.level))
        .unwrap_or(LogLevel::Info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_below_the_level_are_not_kept() {
        let warn = LogFormat::Json { application: LogLevel::Warn, system: LogLevel::Info };
        let line = |level: &str| format!(r#"{{"timestamp":"2026-11-29T03:00:00.123Z","level":"{level}"}}"#);
        let kept: Vec<&str> =
            ["TRACE", "debug", "INFO", "warn", "WARNING", "error", "FATAL", "CRITICAL", "other"]
                .into_iter()
                .filter(|level| warn.keeps_output(&line(level)))
                .collect();
        assert_eq!(kept, ["warn", "WARNING", "error", "FATAL", "CRITICAL"]);
        assert!(!warn.keeps_output("plain text is information"));
        assert!(LogFormat::Text.keeps_output(&line("TRACE")));
    }

    #[test]
    fn a_line_without_a_time_is_information() {
        let info = LogFormat::Json { application: LogLevel::Info, system: LogLevel::Info };
        assert!(info.keeps_output(r#"{"level":"debug","msg":"a"}"#));
        assert!(info.keeps_output(r#"{"level":"debug","timestamp":"yesterday"}"#));
        assert!(!info.keeps_output(r#"{"level":"debug","time":"2024-11-02T16:51:31.587199Z"}"#));
        assert!(!info.keeps_output(r#"{"log_level":"DEBUG","timestamp":"2024-11-02T16:51:31+01:00"}"#));
    }
}
