//! Pinned copies of the AWS SDKs, which functions find as they do on AWS.
//!
//! npm and pip fetch them into a folder beside the final one, which takes its place when it is
//! complete. A manifest inside tells what it holds and from which list it was made.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::{discover, scan};
use crate::function::RuntimeKind;

const NODE_PACKAGES: &str = include_str!("sdk-node.json");
const PYTHON_PACKAGES: &str = include_str!("sdk-python.txt");
const MANIFEST: &str = "manifest.json";
const STEPS: u32 = 2;

/// Last lines of a failed command that are repeated in the error.
const ERROR_LINES_MAX: usize = 5;

/// What the SDK folders hold: package and version. Empty when not installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    pub node: Vec<(String, String)>,
    pub python: Vec<(String, String)>,
}

/// A step of [`install`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is being done, in words for people.
    pub message: String,
    /// From 1.
    pub step: u32,
    pub steps: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    /// The list it was made from.
    list: String,
    packages: Vec<(String, String)>,
}

/// One family's folder and list.
struct Family {
    kind: RuntimeKind,
    folder: &'static str,
    list: &'static str,
}

const FAMILIES: [Family; 2] = [
    Family { kind: RuntimeKind::Node, folder: "nodejs", list: NODE_PACKAGES },
    Family { kind: RuntimeKind::Python, folder: "python", list: PYTHON_PACKAGES },
];

/// Puts the pinned SDKs into `platform_dir`; what is there already stays. Running twice at once is
/// safe. A family whose interpreter is missing is left out.
///
/// # Errors
/// When a family could not be installed, after the other was tried: npm or pip is missing, the
/// machine is offline, the disk is full.
pub async fn install(
    platform_dir: &Path,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> anyhow::Result<Status> {
    let interpreters = discover(platform_dir).await;
    let python = interpreters.iter().find(|found| found.kind == RuntimeKind::Python);
    let npm = interpreters.iter().any(|found| found.kind == RuntimeKind::Node).then(npm_program);
    let programs = Programs { npm, python: python.map(|found| found.program.clone()) };
    install_with(platform_dir, &programs, progress).await
}

/// What is installed, read from the manifests.
pub fn status(platform_dir: &Path) -> Status {
    let packages = |family: &Family| {
        manifest(&platform_dir.join(family.folder)).map(|manifest| manifest.packages).unwrap_or_default()
    };
    Status { node: packages(&FAMILIES[0]), python: packages(&FAMILIES[1]) }
}

/// What fetches the packages.
struct Programs {
    npm: Option<PathBuf>,
    python: Option<PathBuf>,
}

/// npm beside the interpreter in use, else whatever the search path gives.
fn npm_program() -> PathBuf {
    scan::programs()
        .iter()
        .filter(|program| program.kind() == RuntimeKind::Node)
        .map(|program| program.path.with_file_name("npm"))
        .find(|npm| npm.is_file())
        .unwrap_or_else(|| "npm".into())
}

async fn install_with(
    platform_dir: &Path,
    programs: &Programs,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> anyhow::Result<Status> {
    let mut failures = Vec::new();
    for (family, step) in FAMILIES.iter().zip(1..) {
        let folder = platform_dir.join(family.folder);
        if manifest(&folder).is_some_and(|manifest| manifest.list == family.list) {
            continue;
        }
        let (program, message) = match family.kind {
            RuntimeKind::Node => (&programs.npm, "fetching the AWS SDKs for Node.js (about 240 MB)"),
            _ => (&programs.python, "fetching boto3 for Python (about 30 MB)"),
        };
        let Some(program) = program else { continue };
        progress(Progress { message: message.into(), step, steps: STEPS });
        if let Err(error) = install_family(&folder, family, program).await {
            failures.push(format!("{error:#}"));
        }
    }
    if failures.is_empty() {
        return Ok(status(platform_dir));
    }
    bail!(
        "{}. Functions that bring their own SDK run without it; try again with: cloudling runtimes install",
        failures.join(". ")
    )
}

async fn install_family(folder: &Path, family: &Family, program: &Path) -> anyhow::Result<()> {
    let beside = |suffix: &str| folder.with_extension(format!("{}.{suffix}", std::process::id()));
    let staged = beside("new");
    let _ = fs::remove_dir_all(&staged);
    fs::create_dir_all(&staged).with_context(|| format!("cannot create {}", staged.display()))?;
    let filled = fill(&staged, family, program).await;
    let placed = filled.and_then(|()| {
        let old = beside("old");
        let _ = fs::rename(folder, &old);
        let placed =
            fs::rename(&staged, folder).with_context(|| format!("cannot create {}", folder.display()));
        let _ = fs::remove_dir_all(&old);
        placed
    });
    let _ = fs::remove_dir_all(&staged);
    placed
}

async fn fill(staged: &Path, family: &Family, program: &Path) -> anyhow::Result<()> {
    let mut command = Command::new(program);
    let tool = if family.kind == RuntimeKind::Node {
        fs::write(staged.join("package.json"), family.list)?;
        command.args([
            "install",
            "--omit=dev",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--no-package-lock",
        ]);
        command.args(["--loglevel=error", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"]);
        "npm"
    } else {
        fs::write(staged.join("requirements.txt"), family.list)?;
        command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--compile"]);
        command.args(["--retries=1", "--timeout=30", "--target=.", "--requirement=requirements.txt"]);
        "pip"
    };
    command
        .current_dir(staged)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let output = match command.output().await {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bail!("{tool} is not installed; install it with: apt-get install -y {}", package_of(tool))
        }
        Err(error) => return Err(error).with_context(|| format!("cannot run {tool}")),
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("No module named pip") {
            bail!("pip is not installed; install it with: apt-get install -y {}", package_of(tool));
        }
        let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines[lines.len().saturating_sub(ERROR_LINES_MAX)..].join("; ");
        bail!("{tool} could not fetch the SDKs (is this machine offline?): {last}");
    }
    let packages = if family.kind == RuntimeKind::Node {
        node_packages(staged, family.list)
    } else {
        python_packages(staged)
    };
    if packages.is_empty() {
        bail!("{tool} reported success but installed nothing");
    }
    let manifest = Manifest { list: family.list.to_owned(), packages };
    fs::write(staged.join(MANIFEST), serde_json::to_vec_pretty(&manifest)?)?;
    Ok(())
}

fn package_of(tool: &str) -> &'static str {
    if tool == "npm" { "npm" } else { "python3-pip" }
}

fn manifest(folder: &Path) -> Option<Manifest> {
    serde_json::from_slice(&fs::read(folder.join(MANIFEST)).ok()?).ok()
}

/// The listed packages with the versions that arrived.
fn node_packages(folder: &Path, list: &str) -> Vec<(String, String)> {
    #[derive(Deserialize)]
    struct List {
        dependencies: std::collections::BTreeMap<String, String>,
    }
    #[derive(Deserialize)]
    struct Package {
        version: String,
    }
    let Ok(list) = serde_json::from_str::<List>(list) else { return Vec::new() };
    list.dependencies
        .into_keys()
        .filter_map(|name| {
            let package = fs::read(folder.join("node_modules").join(&name).join("package.json")).ok()?;
            let package: Package = serde_json::from_slice(&package).ok()?;
            Some((name, package.version))
        })
        .collect()
}

/// pip leaves one folder `NAME-VERSION.dist-info` a package.
fn python_packages(folder: &Path) -> Vec<(String, String)> {
    let mut packages: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let (name, version) = name.strip_suffix(".dist-info")?.rsplit_once('-')?;
            Some((name.to_owned(), version.to_owned()))
        })
        .collect();
    packages.sort();
    packages
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Mutex;

    use super::*;

    fn script(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[tokio::test]
    async fn installs_once_and_reports_versions() {
        let folder = tempfile::tempdir().unwrap();
        let platform_dir = folder.path().join("platform");
        let npm = script(
            folder.path(),
            "npm",
            "mkdir -p node_modules/aws-sdk && echo '{\"version\":\"2.9.9\"}' > node_modules/aws-sdk/package.json",
        );
        let python = script(folder.path(), "python3", "mkdir boto3-1.2.3.dist-info");
        let programs = Programs { npm: Some(npm), python: Some(python) };
        let steps = Mutex::new(Vec::new());
        let progress = |progress: Progress| steps.lock().unwrap().push(progress.step);
        let first = install_with(&platform_dir, &programs, &progress).await.unwrap();
        assert_eq!(first.node, [("aws-sdk".to_owned(), "2.9.9".to_owned())]);
        assert_eq!(first.python, [("boto3".to_owned(), "1.2.3".to_owned())]);
        let nothing = Programs { npm: Some("/missing".into()), python: Some("/missing".into()) };
        assert_eq!(install_with(&platform_dir, &nothing, &progress).await.unwrap(), first);
        assert_eq!(*steps.lock().unwrap(), [1, 2]);
    }

    #[tokio::test]
    async fn a_failure_is_clear_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let platform_dir = folder.path().join("platform");
        let npm = script(folder.path(), "npm", "echo 'getaddrinfo EAI_AGAIN' >&2; exit 1");
        let programs = Programs { npm: Some(npm), python: None };
        let error = install_with(&platform_dir, &programs, &|_| {}).await.unwrap_err().to_string();
        assert!(
            error.starts_with(
                "npm could not fetch the SDKs (is this machine offline?): getaddrinfo EAI_AGAIN."
            )
        );
        assert_eq!(fs::read_dir(&platform_dir).unwrap().count(), 0);
        assert_eq!(status(&platform_dir), Status::default());

        let programs = Programs { npm: Some("/missing/npm".into()), python: None };
        let error = install_with(&platform_dir, &programs, &|_| {}).await.unwrap_err().to_string();
        assert!(
            error.starts_with("npm is not installed; install it with: apt-get install -y npm"),
            "{error}"
        );
    }
}
