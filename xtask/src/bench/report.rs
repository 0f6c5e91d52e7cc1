//! Samples become rows: how many, the median, the 99th percentile, and the goal they are held against.

use std::fmt;
use std::time::Duration;

/// The table `cargo xtask bench` ends with.
#[derive(Default)]
pub(super) struct Report {
    rows: Vec<[String; 6]>,
}

impl Report {
    /// A time: met when its median is within the goal.
    pub(super) fn time(&mut self, what: &str, samples: &mut [Duration], goal_ms: f64) {
        samples.sort_unstable();
        let (median, high) = (percentile(samples, 0.50), percentile(samples, 0.99));
        let goal = format!("≤ {goal_ms} ms");
        let row = [what, &samples.len().to_string(), &millis(median), &millis(high), &goal];
        self.push(row, milliseconds(median) <= goal_ms);
    }

    /// A single number that should be large or small; `met` says whether it is.
    pub(super) fn number(&mut self, what: &str, samples: usize, value: &str, goal: &str, met: bool) {
        self.push([what, &samples.to_string(), value, "", goal], met);
    }

    fn push(&mut self, row: [&str; 5], met: bool) {
        let [what, n, median, high, goal] = row.map(str::to_owned);
        println!("    {what}: {median} (n = {n}, p99 {high}, goal {goal})");
        self.rows.push([what, n, median, high, goal, if met { "yes" } else { "NO" }.to_owned()]);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["what", "n", "median", "p99", "goal", "met"].map(str::to_owned);
        let width = |column: usize| {
            let cells = self.rows.iter().chain([&head]).map(|row| row[column].chars().count());
            cells.max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        let rule = widths.iter().map(|width| "-".repeat(width + 2)).collect::<Vec<_>>().join("|");
        write_row(formatter, &head, &widths)?;
        writeln!(formatter, "|{rule}|")?;
        self.rows.iter().try_for_each(|row| write_row(formatter, row, &widths))
    }
}

fn write_row(formatter: &mut fmt::Formatter<'_>, row: &[String; 6], widths: &[usize]) -> fmt::Result {
    for (cell, width) in row.iter().zip(widths) {
        write!(formatter, "| {cell:<width$} ")?;
    }
    writeln!(formatter, "|")
}

/// The nearest rank of sorted samples; zero without any.
pub(super) fn percentile(sorted: &[Duration], rank: f64) -> Duration {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into a few thousand samples"
    )]
    let index = ((sorted.len() as f64 * rank).ceil() as usize).saturating_sub(1);
    sorted.get(index).copied().unwrap_or_default()
}

pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", milliseconds(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let samples: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(percentile(&samples, 0.50), Duration::from_millis(50));
        assert_eq!(percentile(&samples, 0.99), Duration::from_millis(99));
        assert_eq!(percentile(&samples[..1], 0.99), Duration::from_millis(1));
        assert_eq!(percentile(&[], 0.50), Duration::ZERO);
    }

    #[test]
    fn a_missed_goal_is_said() {
        let mut report = Report::default();
        report.time("a", &mut [Duration::from_millis(3), Duration::from_millis(9)], 2.5);
        report.number("b", 1, "7/s", "≥ 5/s", true);
        let table = report.to_string();
        assert!(table.contains("| a    | 2 | 3.00 ms | 9.00 ms | ≤ 2.5 ms | NO  |"), "{table}");
        assert!(table.contains("| b    | 1 | 7/s     |         | ≥ 5/s    | yes |"), "{table}");
    }
}
