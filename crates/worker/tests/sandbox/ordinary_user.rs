//! Everything once more without root.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// A user nobody is.
const USER: u32 = 64_321;

#[test]
fn everything_holds_for_an_ordinary_user() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("SKIPPED: this is an ordinary user already; the other tests show it");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    // Where the program was built an ordinary user may not look.
    let program = folder.path().join("sandbox-tests");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(&program)
        .args(["--test-threads=2", "--skip", "ordinary_user", "--skip", "speed"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TMPDIR", folder.path())
        .current_dir(folder.path())
        .uid(USER)
        .gid(USER)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    if text.contains("user namespaces are not allowed here") {
        eprintln!("SKIPPED: ordinary users may not make user namespaces on this machine");
        return;
    }
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let passed = text.lines().find_map(|line| line.strip_prefix("test result: ok. ")).unwrap_or_default();
    let count: u32 = passed.split(' ').next().unwrap().parse().unwrap();
    assert!(count > 30, "only {count} tests ran as an ordinary user\n{text}");
}
