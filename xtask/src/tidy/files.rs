//! Files: short enough to read, free of this machine, with no test switched off.

use super::{assert_none, project_files, read};

/// Above this a file is split by concept, unless it is listed with its reason.
const LINES_MAX: usize = 600;

/// Files that may be longer, and why.
const LONG_FILES: [(&str, &str); 1] =
    [("crates/store/tests/store/contract.rs", "the one list of what an engine must do, read as a whole")];

fn is_source(file: &str) -> bool {
    let kinds = [".rs", ".py", ".mjs", ".js", ".sh"];
    kinds.iter().any(|kind| file.ends_with(kind)) && !file.starts_with("target/")
}

#[test]
fn files_are_short_enough_to_read() {
    let mut findings = Vec::new();
    for file in project_files().iter().filter(|file| is_source(file)) {
        let lines = read(file).lines().count();
        let listed = LONG_FILES.iter().any(|(name, _)| name == file);
        if lines > LINES_MAX && !listed {
            findings.push(format!("{file}: {lines} lines"));
        }
        if lines <= LINES_MAX && listed {
            findings.push(format!("{file}: {lines} lines, no exception needed any more"));
        }
    }
    assert_none(&findings, "split by concept, or list with a reason in xtask/src/tidy/files.rs:");
}

#[test]
fn no_test_is_switched_off() {
    // Put together here, so that this file does not find itself.
    let off = [["#[ign", "ore"].concat(), ["pytest.mark.sk", "ip"].concat(), ["test.sk", "ip("].concat()];
    let mut findings = Vec::new();
    for file in project_files().iter().filter(|file| is_source(file)) {
        for (number, line) in read(file).lines().enumerate() {
            if off.iter().any(|mark| line.contains(mark.as_str())) {
                findings.push(format!("{file}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert_none(&findings, "assert today's wrong answer with a note instead of switching a test off:");
}

#[test]
fn no_file_names_a_machine() {
    let folders = [["/wo", "rk/"], ["/ho", "me/"], ["/Use", "rs/"], ["/tmp/br", "ief"], ["/ro", "ot/."]];
    let folders: Vec<String> = folders.iter().map(|parts| parts.concat()).collect();
    let mut findings = Vec::new();
    for file in project_files().iter().filter(|file| !is_binary(file)) {
        for (number, line) in read(file).lines().enumerate() {
            if folders.iter().any(|folder| line.contains(folder.as_str())) {
                findings.push(format!(
                    "{file}:{}: {}",
                    number + 1,
                    line.trim().chars().take(100).collect::<String>()
                ));
            }
        }
    }
    assert_none(&findings, "these lines name a folder of one machine:");
}

fn is_binary(file: &str) -> bool {
    [".gz", ".zst", ".zip", ".png", ".br"].iter().any(|kind| file.ends_with(kind))
}

#[test]
fn text_ends_with_one_newline_and_has_no_loose_ends() {
    let mut findings = Vec::new();
    let kinds = [".rs", ".py", ".mjs", ".js", ".toml", ".md"];
    for file in project_files().iter().filter(|file| kinds.iter().any(|kind| file.ends_with(kind))) {
        let text = read(file);
        if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
            findings.push(format!("{file}: ends with no newline, or with more than one"));
        }
        let marks = [["FIX", "ME"].concat(), ["XX", "X:"].concat(), ["TO", "DO"].concat()];
        for (number, line) in text.lines().enumerate() {
            if line.ends_with([' ', '\t']) || marks.iter().any(|mark| line.contains(mark.as_str())) {
                findings.push(format!("{file}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert_none(&findings, "trailing blanks, missing newlines, or work left undone:");
}
