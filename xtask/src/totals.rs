//! How many tests passed, failed and were skipped, read from what each runner prints.

use std::fmt;
use std::ops::AddAssign;

/// Counts over any number of runners; prints as the last line of `cargo xtask test`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Totals {
    /// One thing that should have run and did not, such as a build that fails.
    pub(crate) const ONE_FAILURE: Self = Self { passed: 0, failed: 1, skipped: 0 };

    /// One thing that ran well.
    pub(crate) const ONE_SUCCESS: Self = Self { passed: 1, failed: 0, skipped: 0 };

    /// nextest's `Summary [0.1s] 9 tests run: 7 passed (1 slow), 1 failed, 1 timed out, 2 skipped`.
    pub(crate) fn from_nextest(output: &str) -> Option<Self> {
        let summary = output.lines().rev().find(|line| line.trim_start().starts_with("Summary ["))?;
        let counts = summary.split_once(':')?.1;
        let mut totals = Self::default();
        for part in counts.split(',') {
            let mut words = part.split_whitespace();
            let Some(count) = words.next().and_then(|word| word.parse::<usize>().ok()) else { continue };
            match words.next() {
                Some("passed") => totals.passed += count,
                Some("skipped") => totals.skipped += count,
                // "failed", "exec failed", "timed out", "leaky-failed": none of them is a pass.
                _ => totals.failed += count,
            }
        }
        Some(totals)
    }

    /// The sum of libtest's `test result: ok. 3 passed; 0 failed; 1 ignored; …` lines.
    pub(crate) fn from_libtest(output: &str) -> Self {
        let mut totals = Self::default();
        for line in output.lines().filter_map(|line| line.trim_start().strip_prefix("test result: ")) {
            for part in line.split(['.', ';']) {
                let mut words = part.split_whitespace();
                let Some(count) = words.next().and_then(|word| word.parse::<usize>().ok()) else { continue };
                match words.next() {
                    Some("passed") => totals.passed += count,
                    Some("failed") => totals.failed += count,
                    Some("ignored") => totals.skipped += count,
                    _ => {}
                }
            }
        }
        totals
    }

    /// The root element of a JUnit report: `<testsuite errors="0" failures="1" skipped="2" tests="9"`.
    pub(crate) fn from_junit(report: &str) -> Option<Self> {
        let suite = &report[report.find("<testsuite ")?..];
        let suite = &suite[..suite.find('>')?];
        let count = |name: &str| {
            let value = suite.split_once(&format!(" {name}=\""))?.1;
            value.split_once('"')?.0.parse::<usize>().ok()
        };
        let failed = count("errors")? + count("failures")?;
        let skipped = count("skipped")?;
        Some(Self { passed: count("tests")?.saturating_sub(failed + skipped), failed, skipped })
    }

    /// The closing comments of node's TAP report: `# pass 3`, `# fail 0`, `# cancelled 0`, `# skipped 1`.
    pub(crate) fn from_tap(report: &str) -> Option<Self> {
        let count = |name: &str| {
            let line = report.lines().rev().find_map(|line| line.strip_prefix(&format!("# {name} ")))?;
            line.trim().parse::<usize>().ok()
        };
        Some(Self {
            passed: count("pass")?,
            failed: count("fail")? + count("cancelled")?,
            skipped: count("skipped")? + count("todo")?,
        })
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nextest_summaries_count_every_kind_of_failure() {
        let output = "noise: 1 passed\n     Summary [   1.234s] 12 tests run: 7 passed (1 slow), 2 failed, \
                      1 exec failed, 2 timed out, 3 skipped\n  FAIL x\n";
        assert_eq!(Totals::from_nextest(output), Some(Totals { passed: 7, failed: 5, skipped: 3 }));
        assert_eq!(Totals::from_nextest("error: could not compile"), None);
    }

    #[test]
    fn libtest_results_are_summed_over_binaries() {
        let output = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0s\n\
                      test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 9 filtered out; \
                      finished in 0.5s\n";
        assert_eq!(Totals::from_libtest(output), Totals { passed: 4, failed: 2, skipped: 1 });
    }

    #[test]
    fn junit_errors_are_failures() {
        let report = "<?xml version=\"1.0\"?><testsuites><testsuite name=\"pytest\" errors=\"1\" \
                      failures=\"2\" skipped=\"3\" tests=\"10\" time=\"1.0\"><testcase/></testsuite></testsuites>";
        assert_eq!(Totals::from_junit(report), Some(Totals { passed: 4, failed: 3, skipped: 3 }));
        assert_eq!(Totals::from_junit(""), None);
    }

    #[test]
    fn tap_cancelled_is_a_failure() {
        let report = "# tests 9\n# pass 5\n# fail 1\n# cancelled 1\n# skipped 2\n# todo 0\n# duration_ms 5\n";
        assert_eq!(Totals::from_tap(report), Some(Totals { passed: 5, failed: 2, skipped: 2 }));
    }

    #[test]
    fn the_last_line_has_one_form() {
        let mut totals = Totals { passed: 1, failed: 0, skipped: 2 };
        totals += Totals::ONE_FAILURE;
        assert_eq!(totals.to_string(), "1 passed, 1 failed, 2 skipped");
    }
}
