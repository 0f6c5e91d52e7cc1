//! The tier for machines without namespaces.

use std::time::Duration;

use worker::sandbox::{Tier, TierChoice};

use crate::support::{
    NONE, eventually, finish, gone, limits, line, processes_with, python, server_of, shell, unique_seconds,
};

#[tokio::test]
async fn a_program_runs_with_its_four_descriptors() {
    let server = server_of(TierChoice::Process).await;
    assert_eq!(server.sandboxes.tier(), Tier::Process);
    let script = "
import os
print([number for number in range(4096) if os.path.exists('/proc/self/fd/%d' % number)], sorted(os.environ), os.getcwd())
raise SystemExit(4)
";
    let output = server.run(python(script)).await;
    assert_eq!(output.exit.code, Some(4), "{output:?}");
    assert!(output.stdout.starts_with("[0, 1, 2, 3] ['LC_CTYPE', 'PATH'] /tmp"), "{output:?}");
}

#[tokio::test]
async fn kill_ends_the_whole_tree() {
    let server = server_of(TierChoice::Process).await;
    let seconds = unique_seconds();
    let script = format!(
        "sleep {seconds} & (sleep {seconds} & sleep {seconds}) & setsid sleep {seconds} & echo ready; wait"
    );
    let sandbox = server.sandboxes.launch(shell(&script)).await.unwrap();
    assert_eq!(line(&sandbox).await, "ready");
    eventually("four sleepers", Duration::from_secs(5), || processes_with(&seconds).len() >= 4);
    sandbox.kill();
    assert_eq!(gone(sandbox.handle()).await.signal, Some(libc::SIGKILL));
    eventually("no sleeper", Duration::from_secs(5), || processes_with(&seconds).is_empty());
    sandbox.kill();
}

#[tokio::test]
async fn too_much_memory_ends_the_program() {
    let server = server_of(TierChoice::Process).await;
    let output = server.run(python("x = bytearray(400 << 20)\nimport time; time.sleep(30)")).await;
    assert!(output.exit.out_of_memory, "{output:?}");
    assert_eq!(output.exit.signal, Some(libc::SIGKILL));
}

#[tokio::test]
async fn a_missing_program_is_an_error() {
    let server = server_of(TierChoice::Process).await;
    let error = server.sandboxes.launch(crate::support::program("/no/such/program", &[])).await.unwrap_err();
    assert!(format!("{error:#}").contains("/no/such/program"), "{error:#}");
    let sandbox = server.sandboxes.launch(shell("read go <&3")).await.unwrap();
    assert!(sandbox.bind(std::path::Path::new("/no/such/folder"), None, &limits()).await.is_err());
    sandbox.bind(server.folder.path(), None, &limits()).await.unwrap();
    sandbox.kill();
    finish(sandbox).await;
}

#[tokio::test]
async fn shutdown_ends_every_program() {
    let server = server_of(TierChoice::Process).await;
    let seconds = unique_seconds();
    let sandbox = server.sandboxes.launch(shell(&format!("exec sleep {seconds}"))).await.unwrap();
    server.sandboxes.shutdown().await;
    assert_eq!(gone(sandbox.handle()).await.signal, Some(libc::SIGKILL));
    assert_eq!(processes_with(&seconds), NONE);
    assert!(server.sandboxes.launch(shell("true")).await.is_err());
}
