//! The machine a number was measured on: a figure without it means nothing.

use std::fmt::Write as _;

/// One line: processor, cores, memory, kernel.
pub(crate) fn describe() -> String {
    let mut line = String::new();
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let memory_kib = field("/proc/meminfo", "MemTotal")
        .and_then(|value| value.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()));
    let _ = write!(line, "{processor}, {cores} cores");
    if let Some(kib) = memory_kib {
        let _ = write!(line, ", {} GiB", kib.div_ceil(1 << 20));
    }
    if let Ok(kernel) = std::fs::read_to_string("/proc/sys/kernel/osrelease") {
        let version: String = kernel.trim().chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        let _ = write!(line, ", Linux {version}");
    }
    line
}

/// The value of the first `name: value` line of a file in /proc.
pub(crate) fn field(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
