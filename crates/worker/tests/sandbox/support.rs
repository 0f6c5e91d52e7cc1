//! Starts sandboxes and reads what their programs say.

use std::ffi::OsString;
use std::fs;
use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use worker::sandbox::{Exit, Handle, LaunchSpec, Limits, Sandbox, SandboxConfig, Sandboxes, TierChoice};

pub(crate) const PYTHON: &str = "/usr/bin/python3";
/// Set in a test process that [`alone`] has started.
const ALONE: &str = "SANDBOX_TEST_ALONE";

/// A server with a folder of its own.
pub(crate) struct Server {
    pub(crate) sandboxes: Sandboxes,
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) async fn server() -> Server {
    server_of(TierChoice::Namespace).await
}

pub(crate) async fn server_of(tier: TierChoice) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let sandboxes = Sandboxes::start(config(folder.path(), tier)).await.unwrap();
    Server { sandboxes, folder }
}

pub(crate) fn config(folder: &Path, tier: TierChoice) -> SandboxConfig {
    SandboxConfig {
        run_dir: folder.join("run"),
        runtimes: Vec::new(),
        authority: None,
        tier,
        platform_dir: folder.join("runtimes"),
    }
}

/// No process.
pub(crate) const NONE: [u32; 0] = [];

/// What a program said and how it ended.
#[derive(Debug)]
#[expect(dead_code, reason = "what failed tests show")]
pub(crate) struct Output {
    pub(crate) exit: Exit,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Server {
    /// Runs a program to its end.
    pub(crate) async fn run(&self, spec: LaunchSpec) -> Output {
        finish(self.sandboxes.launch(spec).await.unwrap()).await
    }

    /// Runs a shell script that must succeed and gives what it printed.
    pub(crate) async fn shell(&self, script: &str) -> String {
        let output = self.run(shell(script)).await;
        assert_eq!(output.exit.code, Some(0), "{output:?}");
        output.stdout
    }

    /// Runs a Python script that must succeed and gives what it printed.
    pub(crate) async fn python(&self, script: &str) -> String {
        let output = self.run(python(script)).await;
        assert_eq!(output.exit.code, Some(0), "{output:?}");
        output.stdout
    }

    /// A folder with one file in it.
    pub(crate) fn folder_with(&self, name: &str, file: &str, text: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(file), text).unwrap();
        open_to_all(self.folder.path());
        folder
    }

    /// Folders of this server's cgroups; the folder itself is one of them.
    pub(crate) fn cgroups(&self) -> Vec<PathBuf> {
        cgroups_of(self.folder.path())
    }
}

/// Folders of the cgroups of the server that has its files in `folder`.
pub(crate) fn cgroups_of(folder: &Path) -> Vec<PathBuf> {
    use std::os::unix::fs::MetadataExt;
    let run = fs::metadata(folder.join("run")).unwrap();
    cgroups_named(Path::new("/sys/fs/cgroup"), &format!("cloudling-{:x}-{:x}", run.dev(), run.ino()))
}

impl Server {
    /// The groups of single sandboxes. The kernel shows a removed one for a moment longer.
    pub(crate) fn sandbox_cgroups(&self) -> Vec<PathBuf> {
        let all = self.cgroups();
        let inside = |group: &PathBuf| group.parent().is_some_and(|above| all.contains(&above.to_owned()));
        all.iter().filter(|group| inside(group)).cloned().collect()
    }
}

fn cgroups_named(folder: &Path, name: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders
        .flat_map(|entry| {
            let inside = name == entry.file_name() || folder.ends_with(name);
            let mut found = cgroups_named(&entry.path(), name);
            if inside {
                found.push(entry.path());
            }
            found
        })
        .collect()
}

/// Temporary folders are closed to others; a sandbox's user is another.
fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
}

pub(crate) fn limits() -> Limits {
    Limits {
        memory_bytes: 256 << 20,
        tmp_bytes: 16 << 20,
        processes: 64,
        open_files: 256,
        cpu_quota_percent: 200,
    }
}

pub(crate) fn program(program: &str, arguments: &[&str]) -> LaunchSpec {
    LaunchSpec {
        program: program.into(),
        arguments: arguments.iter().map(OsString::from).collect(),
        environment: vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())],
        working_folder: "/tmp".into(),
        code: None,
        opt: None,
        limits: limits(),
    }
}

pub(crate) fn shell(script: &str) -> LaunchSpec {
    program("/bin/sh", &["-c", script])
}

pub(crate) fn python(script: &str) -> LaunchSpec {
    program(PYTHON, &["-I", "-S", "-c", script])
}

/// Waits for the end of a sandbox and reads what is left in its pipes.
pub(crate) async fn finish(sandbox: Sandbox) -> Output {
    let Sandbox { stdout, stderr, handle, .. } = sandbox;
    let exit = tokio::time::timeout(Duration::from_secs(60), handle.wait()).await.expect("the program ends");
    Output { exit, stdout: drain(stdout), stderr: drain(stderr) }
}

/// What a pipe holds. What a program writes must fit in it, as nobody reads while it runs.
pub(crate) fn drain(pipe: OwnedFd) -> String {
    let mut text = Vec::new();
    match fs::File::from(pipe).read_to_end(&mut text) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        Err(error) => panic!("{error}"),
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Waits until a program has written a line to its standard output.
pub(crate) async fn line(sandbox: &Sandbox) -> String {
    let mut text = String::new();
    let mut pipe = fs::File::from(sandbox.stdout.try_clone().unwrap());
    let end = Instant::now() + Duration::from_secs(30);
    while !text.ends_with('\n') {
        assert!(Instant::now() < end, "no line within 30 s, only {text:?}");
        let mut byte = [0];
        match pipe.read(&mut byte) {
            Ok(0) => panic!("the program ended after {text:?}"),
            Ok(_) => text.push(byte[0].into()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                tokio::time::sleep(Duration::from_millis(2)).await
            }
            Err(error) => panic!("{error}"),
        }
    }
    text.trim_end().to_owned()
}

/// Processes of the machine whose command line holds a text.
pub(crate) fn processes_with(text: &str) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|process| {
            let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            *process != std::process::id() && String::from_utf8_lossy(&line).contains(text)
        })
        .collect()
}

/// A number of seconds to sleep that names the sleepers of one test.
pub(crate) fn unique_seconds() -> String {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    format!("9{}{:02}", std::process::id(), next)
}

/// Waits until something holds.
pub(crate) fn eventually(what: &str, within: Duration, holds: impl Fn() -> bool) {
    let end = Instant::now() + within;
    while !holds() {
        assert!(Instant::now() < end, "not within {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs the calling test again in a process of its own, and gives true in that process.
pub(crate) fn alone(test: &str) -> bool {
    if std::env::var(ALONE).is_ok_and(|name| name == test) {
        return true;
    }
    let output = again(test, test).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{output:?}");
    false
}

/// This test program, about to run one test for which [`alone`] is true.
pub(crate) fn again(test: &str, name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(ALONE, name).stdin(Stdio::null());
    command
}

/// Whether a helper test was started by another test and not by the harness.
pub(crate) fn is_helper(name: &str) -> bool {
    std::env::var(ALONE).is_ok_and(|given| given == name)
}

/// A handle that outlives the pieces of its sandbox.
pub(crate) async fn gone(handle: Handle) -> Exit {
    tokio::time::timeout(Duration::from_secs(20), handle.wait()).await.expect("the sandbox ends")
}
