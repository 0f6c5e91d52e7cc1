//! Documents say nothing that is not there: every crate, decision, test and bench they name exists.

use super::dependencies::crate_names;
use super::{assert_none, project_files, read};
use crate::bench;

#[test]
fn every_crate_has_its_line_in_the_architecture() {
    let architecture = read("ARCHITECTURE.md");
    let missing: Vec<String> =
        crate_names().into_iter().filter(|name| !architecture.contains(&format!("| `{name}` |"))).collect();
    assert_none(&missing, "ARCHITECTURE.md has a table row for each crate; these have none:");
}

#[test]
fn every_decision_is_linked() {
    let index = read("docs/decisions/README.md");
    let decisions = project_files().into_iter().filter_map(|file| {
        let name = file.strip_prefix("docs/decisions/")?.to_owned();
        (name != "README.md").then_some(name)
    });
    let missing: Vec<String> = decisions.filter(|name| !index.contains(&format!("({name})"))).collect();
    assert_none(&missing, "docs/decisions/README.md links every decision; these are missing:");
}

#[test]
fn every_promise_names_what_holds_it() {
    let specification = read("SPECIFICATION.md");
    let mut findings = Vec::new();
    let mut promises = 0;
    for row in specification.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| promise")) {
        let Some(holder) = row.trim_end_matches('|').rsplit('|').next() else { continue };
        promises += 1;
        let names: Vec<&str> = holder.split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            findings.push(format!("no test or bench: {row}"));
        }
        findings.extend(names.iter().filter(|name| !exists(name)).map(|name| format!("`{name}` of: {row}")));
    }
    assert!(promises > 10, "the table of promises was not found");
    assert_none(&findings, "SPECIFICATION.md names a test or bench that is not there:");
}

/// `path::test`, `cargo xtask bench SCENARIO`, or `cargo xtask crash`.
fn exists(name: &str) -> bool {
    if let Some(scenario) = name.strip_prefix("cargo xtask bench ") {
        return bench::SCENARIOS.contains(&scenario) || bench::STORE_SCENARIOS.contains(&scenario);
    }
    if name.starts_with("cargo xtask crash") {
        return true;
    }
    let Some((file, test)) = name.split_once("::") else { return false };
    let text = read(file);
    let words = ["fn ", "def "];
    words.iter().any(|word| text.contains(&format!("{word}{test}(")))
        || text.contains(&format!("test('{test}'"))
}

#[test]
fn links_between_documents_lead_somewhere() {
    let files = project_files();
    let mut findings = Vec::new();
    for document in files.iter().filter(|file| file.ends_with(".md")) {
        let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
        for link in links(&read(document)) {
            if !target_exists(folder, &link) {
                findings.push(format!("{document}: {link}"));
            }
        }
    }
    assert_none(&findings, "these links lead nowhere:");
}

/// The relative targets of a page's links, without their anchors.
fn links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let relative = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    relative.map(|target| target.split('#').next().unwrap_or_default().to_owned()).collect()
}

fn target_exists(folder: &str, link: &str) -> bool {
    crate::shell::root().join(folder).join(link).exists()
}
