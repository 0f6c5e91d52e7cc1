//! What the tests need from outside: Python and npm packages, the custom runtime, the SDKs inside functions.
//!
//! Everything lands in `target/test-env`; a stamp per part makes a second run free. Only missing Debian
//! packages are installed system-wide, and only when the user is root.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell::{self, step};

/// The clients the tests drive, as paths to hand to the tests.
pub(crate) struct Environment {
    folder: PathBuf,
}

impl Environment {
    /// Installs what is missing. Needs the network the first time only.
    pub(crate) fn prepare() -> Result<Self> {
        let environment = Self { folder: shell::target().join("test-env") };
        std::fs::create_dir_all(&environment.folder)?;
        install_debian_packages()?;
        environment.install_python_packages()?;
        environment.install_s3fs()?;
        environment.install_node_packages()?;
        environment.build_custom_runtime()?;
        Ok(environment)
    }

    /// The interpreter that has boto3, botocore, pytest and the AWS CLI.
    pub(crate) fn python(&self) -> PathBuf {
        self.folder.join("venv/bin/python")
    }

    /// The variables through which Rust and Python tests find their clients.
    pub(crate) fn apply(&self, command: &mut Command) {
        command
            .env("CLOUDLING_TEST_PYTHON", self.python())
            .env("CLOUDLING_TEST_ENVIRONMENT", &self.folder)
            .env("CLOUDLING_TEST_AWS_CLI", self.folder.join("venv/bin/aws"))
            .env("CLOUDLING_TEST_NODE_MODULES", self.folder.join("node_modules"))
            .env("CLOUDLING_TEST_CUSTOM_RUNTIME", self.custom_runtime())
            .env("CLOUDLING_RUNTIMES", self.runtimes());
    }

    /// The statically linked `bootstrap` built with the `lambda_runtime` crate.
    pub(crate) fn custom_runtime(&self) -> PathBuf {
        self.folder.join("custom-runtime/bootstrap")
    }

    /// The SDK copies functions see, shared by all tests so that they are fetched once.
    pub(crate) fn runtimes(&self) -> PathBuf {
        self.folder.join("runtimes")
    }

    /// Fills the shared runtimes folder with the binary under test.
    pub(crate) fn install_runtimes(&self, cloudling: &Path) -> Result<()> {
        let sources = shell::root().join("crates/worker/src/runtimes");
        self.once("runtimes", &fingerprint_of_folder(&sources, "sdk-")?, || {
            step("SDKs for functions (boto3, @aws-sdk/*, aws-sdk) into target/test-env/runtimes");
            let mut install = Command::new(cloudling);
            install.args(["runtimes", "install", "--runtimes"]).arg(self.runtimes());
            shell::run(install.current_dir(&self.folder))
        })
    }

    fn install_python_packages(&self) -> Result<()> {
        let requirements = shell::root().join("tests/clients/requirements.txt");
        self.once("python", &std::fs::read_to_string(&requirements)?, || {
            step("Python packages (boto3, AWS CLI, pytest) into target/test-env/venv");
            let venv = self.folder.join("venv");
            shell::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
            let mut install = Command::new(venv.join("bin/python"));
            install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
            shell::run(install.arg(&requirements))
        })
    }

    /// s3fs holds botocore back to older versions, so it has an environment of its own.
    fn install_s3fs(&self) -> Result<()> {
        let requirements = shell::root().join("tests/clients/requirements-s3fs.txt");
        self.once("python-s3fs", &std::fs::read_to_string(&requirements)?, || {
            step("Python package s3fs into target/test-env/venv-s3fs");
            let venv = self.folder.join("venv-s3fs");
            shell::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
            let mut install = Command::new(venv.join("bin/python"));
            install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
            shell::run(install.arg(&requirements))
        })
    }

    fn install_node_packages(&self) -> Result<()> {
        let manifest = shell::root().join("tests/clients/package.json");
        self.once("node", &std::fs::read_to_string(&manifest)?, || {
            step("npm packages (@aws-sdk/* v3, aws-sdk v2) into target/test-env/node_modules");
            std::fs::copy(&manifest, self.folder.join("package.json"))?;
            let mut install = Command::new("npm");
            install.args(["install", "--no-audit", "--no-fund", "--loglevel=error"]);
            shell::run(install.current_dir(&self.folder))
        })
    }

    /// Static linking goes through `--target`, because a build script must not be linked that way.
    fn build_custom_runtime(&self) -> Result<()> {
        let project = shell::root().join("examples/rust-custom-runtime");
        let fingerprint = std::fs::read_to_string(project.join("Cargo.lock"))?
            + &std::fs::read_to_string(project.join("src/main.rs"))?;
        self.once("custom-runtime", &fingerprint, || {
            step("examples/rust-custom-runtime, a static binary with the lambda_runtime crate");
            let host = host_triple()?;
            let output = self.folder.join("custom-runtime");
            let mut build = shell::cargo();
            build.args(["build", "--release", "--locked", "--target", &host, "--target-dir"]).arg(&output);
            build.env("RUSTFLAGS", "-C target-feature=+crt-static").current_dir(&project);
            shell::run(&mut build)?;
            std::fs::copy(output.join(host).join("release/bootstrap"), self.custom_runtime())?;
            Ok(())
        })
    }

    /// Runs `install` unless it already succeeded for this fingerprint.
    fn once(&self, part: &str, fingerprint: &str, install: impl FnOnce() -> Result<()>) -> Result<()> {
        let mut hasher = DefaultHasher::new();
        fingerprint.hash(&mut hasher);
        let wanted = format!("{:016x}", hasher.finish());
        let stamp = self.folder.join(format!("{part}.stamp"));
        if std::fs::read_to_string(&stamp).is_ok_and(|done| done == wanted) {
            return Ok(());
        }
        install().with_context(|| format!("the test environment's {part} part is not complete"))?;
        std::fs::write(stamp, wanted)?;
        Ok(())
    }
}

/// Host programs the tests call, with the check that finds them and the package that brings them.
const DEBIAN_PACKAGES: [(&str, &[&str], &str); 6] = [
    ("python3", &["-c", "import venv, ensurepip"], "python3-venv"),
    ("node", &["--version"], "nodejs"),
    ("npm", &["--version"], "npm"),
    ("cc", &["--version"], "build-essential"),
    ("rclone", &["version"], "rclone"),
    ("s3cmd", &["--version"], "s3cmd"),
];

fn install_debian_packages() -> Result<()> {
    let missing: Vec<&str> = DEBIAN_PACKAGES
        .iter()
        .filter(|(program, check, _)| !shell::available(program, check))
        .map(|(_, _, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    let root = shell::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !root || !shell::available("apt-get", &["--version"]) {
        bail!(
            "the tests need these Debian packages: {packages}\nInstall them: sudo apt-get install {packages}"
        );
    }
    step(&format!("Debian packages: {packages}"));
    shell::run(Command::new("apt-get").args(["update", "--quiet"]))?;
    let mut install = Command::new("apt-get");
    install.args(["install", "--quiet", "--yes", "--no-install-recommends"]).args(&missing);
    shell::run(install.env("DEBIAN_FRONTEND", "noninteractive"))
}

fn host_triple() -> Result<String> {
    let version = shell::output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`rustc -vV` names no host")?.to_owned())
}

/// The text of every file whose path contains `name`: the pins of the SDKs are there.
fn fingerprint_of_folder(folder: &Path, name: &str) -> Result<String> {
    let mut text = String::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let mut entries = std::fs::read_dir(&folder)?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for path in entries.iter().map(std::fs::DirEntry::path) {
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().contains(name) {
                text.push_str(&std::fs::read_to_string(&path)?);
            }
        }
    }
    Ok(text)
}
