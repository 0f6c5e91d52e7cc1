//! `docs/coverage`: which operations of each service are implemented, from the tables the binary dispatches on.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Deserialize;

use crate::shell::{self, step};

#[derive(Args, Default)]
pub(crate) struct Options {
    /// Write nothing; fail when a page would change
    #[arg(long)]
    check: bool,
}

/// What the binary says of one service.
#[derive(Deserialize)]
struct Service {
    service: String,
    implemented: Vec<String>,
    operations: Vec<String>,
}

const FOLDER: &str = "docs/coverage";
/// What follows this line of a page is written by hand and stays.
const NOTES: &str = "<!-- notes: written by hand, kept by `cargo xtask coverage` -->";
const GENERATED: &str = "<!-- written by `cargo xtask coverage`; edit the service's table instead -->";

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.check {
        return check();
    }
    let folder = shell::root().join(FOLDER);
    std::fs::create_dir_all(&folder)?;
    let pages = pages(&services()?, &committed_pages()?)?;
    for (name, text) in &pages {
        std::fs::write(folder.join(name), text)?;
    }
    for old in committed_pages()?.into_keys().filter(|name| !pages.contains_key(name)) {
        std::fs::remove_file(folder.join(old))?;
    }
    println!("wrote {} pages to {FOLDER}", pages.len());
    Ok(())
}

/// Fails when the committed pages are not what the tables say.
pub(crate) fn check() -> Result<()> {
    let committed = committed_pages()?;
    let wanted = pages(&services()?, &committed)?;
    let stale = |name: &&String| committed.get(*name) != wanted.get(*name);
    let mut names: Vec<&str> =
        wanted.keys().chain(committed.keys()).filter(stale).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    if !names.is_empty() {
        bail!("these pages of {FOLDER} are stale, run `cargo xtask coverage`: {}", names.join(", "));
    }
    Ok(())
}

fn services() -> Result<Vec<Service>> {
    step("operations from the binary");
    shell::run(shell::cargo().args(["build", "--quiet", "--package", "cli"]))?;
    let mut list = Command::new(shell::target().join("debug/cloudling"));
    let listed = shell::output(list.args(["operations", "--output", "json"]))?;
    serde_json::from_str(&listed).context("`cloudling operations --output json` answered something else")
}

fn pages(services: &[Service], committed: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    let mut index = format!(
        "# Coverage\n\n{GENERATED}\n\nAn operation that is in the model but not implemented answers 501 \
         `NotImplemented` naming it.\n\n| service | implemented | in the model |\n|---|---|---|\n"
    );
    let mut pages = BTreeMap::new();
    for service in services.iter().filter(|service| !service.implemented.is_empty()) {
        let name = &service.service;
        let (implemented, model) = (service.implemented.len(), service.operations.len());
        writeln!(index, "| [{name}]({name}.md) | {implemented} | {model} |")?;
        let file = format!("{name}.md");
        let notes = committed.get(&file).and_then(|page| page.split_once(NOTES));
        let notes = notes.map(|(_, notes)| format!("\n{NOTES}{notes}")).unwrap_or_default();
        pages.insert(file, page(service)? + &notes);
    }
    let is_planned = |service: &&Service| service.implemented.is_empty();
    let planned: Vec<&str> =
        services.iter().filter(is_planned).map(|service| service.service.as_str()).collect();
    if !planned.is_empty() {
        writeln!(index, "\nModels without a service yet: {}.", planned.join(", "))?;
    }
    pages.insert("README.md".to_owned(), index);
    Ok(pages)
}

fn page(service: &Service) -> Result<String> {
    let mut text = format!(
        "# {}: {} of {} operations\n\n{GENERATED}\n\n| operation | implemented |\n|---|---|\n",
        service.service,
        service.implemented.len(),
        service.operations.len()
    );
    for operation in &service.operations {
        let mark = if service.implemented.contains(operation) { "yes" } else { "" };
        writeln!(text, "| {operation} | {mark} |")?;
    }
    Ok(text)
}

fn committed_pages() -> Result<BTreeMap<String, String>> {
    let Ok(entries) = std::fs::read_dir(shell::root().join(FOLDER)) else { return Ok(BTreeMap::new()) };
    let mut pages = BTreeMap::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().context("a folder entry has a name")?.to_string_lossy().into_owned();
        pages.insert(name, std::fs::read_to_string(&path)?);
    }
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_list_what_the_tables_say() {
        let service = |name: &str, implemented: &[&str], operations: &[&str]| Service {
            service: name.to_owned(),
            implemented: implemented.iter().map(|name| (*name).to_owned()).collect(),
            operations: operations.iter().map(|name| (*name).to_owned()).collect(),
        };
        let services =
            [service("logs", &[], &["PutLogEvents"]), service("sts", &["AssumeRole"], &["AssumeRole", "Z"])];
        let before = format!("# sts\n\nold\n\n{NOTES}\n\nBy hand.\n");
        let pages = pages(&services, &BTreeMap::from([("sts.md".to_owned(), before)])).unwrap();
        assert!(pages["sts.md"].ends_with(&format!("| Z |  |\n\n{NOTES}\n\nBy hand.\n")));
        assert_eq!(pages.keys().collect::<Vec<_>>(), ["README.md", "sts.md"]);
        assert!(pages["README.md"].contains("| [sts](sts.md) | 1 | 2 |"));
        assert!(pages["README.md"].contains("without a service yet: logs."));
        assert!(pages["sts.md"].contains("| AssumeRole | yes |\n| Z |  |\n"));
    }
}
