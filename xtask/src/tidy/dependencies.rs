//! Which crate may depend on which: the arrows of ARCHITECTURE.md, read from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::assert_none;
use crate::shell;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `None` for an ordinary dependency, else "dev" or "build".
    kind: Option<String>,
}

/// Crates that are not a service; every other crate below `crates/` is one.
const FOUNDATIONS: [&str; 10] =
    ["auth", "cli", "gateway", "server", "service", "store", "tasks", "testkit", "wire", "worker"];

/// What brings HTTP, TLS or XML; services see documents instead.
const WIRE_FORMATS: [&str; 10] = [
    "http",
    "http-body-util",
    "hyper",
    "hyper-util",
    "quick-xml",
    "rcgen",
    "reqwest",
    "rustls",
    "tokio-rustls",
    "url",
];

/// What does I/O, waits or reads clocks.
const EFFECTS: [&str; 8] =
    ["async-std", "fjall", "hyper", "hyper-util", "mio", "object_store", "rustls", "tokio"];

fn metadata() -> Metadata {
    let mut command = shell::cargo();
    let text = shell::output(command.args(["metadata", "--format-version", "1", "--no-deps"]))
        .expect("the workspace has valid manifests");
    serde_json::from_str(&text).expect("cargo metadata answers its documented JSON")
}

/// Direct dependencies of each workspace crate; those for tests only on request.
fn direct(with_tests: bool) -> BTreeMap<String, BTreeSet<String>> {
    let wanted = |kind: &Option<String>| with_tests || kind.as_deref() != Some("dev");
    let names = |package: &Package| {
        package.dependencies.iter().filter(|d| wanted(&d.kind)).map(|d| d.name.clone()).collect()
    };
    metadata().packages.into_iter().map(|package| (package.name.clone(), names(&package))).collect()
}

fn services(crates: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let other = |name: &&String| !FOUNDATIONS.contains(&name.as_str()) && *name != "xtask";
    crates.keys().filter(other).cloned().collect()
}

/// Every `user → used` pair where a crate uses one it must not know.
fn forbidden(user: &str, used: &BTreeSet<String>, banned: impl Fn(&str) -> bool) -> Vec<String> {
    used.iter().filter(|name| banned(name)).map(|name| format!("{user} → {name}")).collect()
}

#[test]
fn services_do_not_know_each_other_nor_the_wire() {
    let crates = direct(false);
    let services = services(&crates);
    assert!(services.contains("lambda") && services.contains("logs"), "services: {services:?}");
    let mut findings = Vec::new();
    for service in &services {
        findings.extend(forbidden(service, &crates[service], |used| {
            services.contains(used)
                || ["cli", "gateway", "server"].contains(&used)
                || WIRE_FORMATS.contains(&used)
        }));
    }
    assert_none(&findings, "a service asks others with `cx.call` and sees documents, not HTTP or XML:");
}

#[test]
fn only_lambda_runs_code_and_only_iam_and_sts_know_credentials() {
    let crates = direct(false);
    let mut findings = Vec::new();
    for service in services(&crates) {
        let used = &crates[&service];
        findings.extend(forbidden(&service, used, |used| used == "worker" && service != "lambda"));
        findings.extend(forbidden(&service, used, |used| {
            used == "auth" && !["iam", "sts"].contains(&service.as_str())
        }));
    }
    assert_none(&findings, "signatures belong to `auth`, sandboxes to `worker`:");
}

#[test]
fn wire_is_pure() {
    let crates = direct(false);
    let ours = |used: &str| crates.contains_key(used);
    let findings = forbidden("wire", &crates["wire"], |used| EFFECTS.contains(&used) || ours(used));
    assert_none(&findings, "wire has no I/O, no async, no clock and no other crate of ours:");
}

#[test]
fn foundations_know_no_aws() {
    let crates = direct(false);
    let mut findings = Vec::new();
    for (user, allowed) in [("store", &[][..]), ("tasks", &[]), ("worker", &["tasks"]), ("auth", &["wire"])] {
        findings.extend(forbidden(user, &crates[user], |used| {
            crates.contains_key(used) && !allowed.contains(&used)
        }));
    }
    findings.extend(forbidden("store", &crates["store"], |used| WIRE_FORMATS.contains(&used)));
    findings.extend(forbidden("tasks", &crates["tasks"], |used| WIRE_FORMATS.contains(&used)));
    findings.extend(forbidden("auth", &crates["auth"], |used| used.starts_with("hyper") || used == "store"));
    assert_none(&findings, "store, tasks, worker and auth stand below every service:");
}

#[test]
fn dependencies_run_one_way() {
    let crates = direct(false);
    let services = services(&crates);
    let mut findings =
        forbidden("service", &crates["service"], |used| services.contains(used) || used == "gateway");
    findings
        .extend(forbidden("gateway", &crates["gateway"], |used| services.contains(used) || used == "server"));
    for (user, used) in &crates {
        if user != "cli" && user != "testkit" {
            findings.extend(forbidden(user, used, |used| used == "server" || used == "cli"));
        }
        findings.extend(forbidden(user, used, |used| used == "testkit" || used == "xtask"));
    }
    assert_none(&findings, "server puts all together, and nothing below it knows it:");
}

#[test]
fn the_folder_is_the_crate() {
    let mut findings = Vec::new();
    for package in metadata().packages.iter().filter(|package| package.name != "xtask") {
        if !package.manifest_path.ends_with(&format!("/crates/{}/Cargo.toml", package.name)) {
            findings.push(format!("{} lies in {}", package.name, package.manifest_path));
        }
    }
    assert_none(&findings, "crates are flat below crates/, folder = crate name:");
}

/// The names ARCHITECTURE.md must have a sentence for.
pub(super) fn crate_names() -> BTreeSet<String> {
    metadata().packages.into_iter().map(|package| package.name).collect()
}
