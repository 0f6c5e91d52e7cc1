//! How sandboxes end, and what is left of them: nothing.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use worker::sandbox::{Sandboxes, Tier, TierChoice};

use crate::support::{
    NONE, again, alone, cgroups_of, config, eventually, finish, gone, is_helper, line, processes_with,
    python, server, shell, unique_seconds,
};

/// Groups a server keeps ready: eight sets, one in each of three hierarchies.
const GROUPS_READY_MAX: usize = 8 * 3;

/// A script that starts sleepers which do all they can to stay.
fn stubborn(seconds: &str, then: &str) -> String {
    format!(
        "
import os, signal, time
def stay():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in range(1, 65):
                try: signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError): pass
            os.closerange(0, 100)
            os.execv('/bin/sleep', ['sleep', '{seconds}'])
        os._exit(0)
    os.wait()
for _ in range(5): stay()
time.sleep(0.1)
print('ready', flush=True)
{then}
"
    )
}

#[tokio::test]
async fn kill_ends_what_hides() {
    let server = server().await;
    let seconds = unique_seconds();
    let sandbox = server.sandboxes.launch(python(&stubborn(&seconds, "time.sleep(1000)"))).await.unwrap();
    assert_eq!(line(&sandbox).await, "ready");
    eventually("five sleepers", Duration::from_secs(10), || processes_with(&seconds).len() >= 5);
    let started = Instant::now();
    sandbox.kill();
    sandbox.kill();
    let exit = gone(sandbox.handle()).await;
    assert_eq!(exit.signal, Some(libc::SIGKILL));
    assert_eq!(processes_with(&seconds), NONE);
    assert!(started.elapsed() < Duration::from_secs(2), "took {:?}", started.elapsed());
    // Once it has ended, everything is without effect and the answer stays.
    sandbox.kill();
    assert_eq!(gone(sandbox.handle()).await, exit);
    assert!(sandbox.bind(server.folder.path(), None, &crate::support::limits()).await.is_err());
}

#[tokio::test]
async fn the_end_of_the_program_ends_what_it_left_behind() {
    let server = server().await;
    let seconds = unique_seconds();
    let output = server.run(python(&stubborn(&seconds, "raise SystemExit(5)"))).await;
    assert_eq!(output.exit.code, Some(5), "{output:?}");
    assert_eq!(processes_with(&seconds), NONE);
}

#[tokio::test]
async fn dropping_the_last_handle_ends_the_sandbox() {
    let server = server().await;
    let seconds = unique_seconds();
    let sandbox = server.sandboxes.launch(shell(&format!("echo ready; sleep {seconds}"))).await.unwrap();
    assert_eq!(line(&sandbox).await, "ready");
    let handle = sandbox.handle();
    drop(sandbox);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_ne!(processes_with(&seconds), NONE, "one handle is left");
    drop(handle);
    eventually("the sleeper is gone", Duration::from_secs(5), || processes_with(&seconds).is_empty());
}

#[tokio::test]
async fn shutdown_ends_every_sandbox_and_refuses_more() {
    let server = server().await;
    let seconds = unique_seconds();
    let mut handles = Vec::new();
    for _ in 0..5 {
        let sandbox = server.sandboxes.launch(shell(&format!("sleep {seconds}"))).await.unwrap();
        handles.push(sandbox.handle());
    }
    server.sandboxes.shutdown().await;
    assert_eq!(processes_with(&seconds), NONE);
    for handle in handles {
        assert_eq!(gone(handle).await.signal, Some(libc::SIGKILL));
    }
    let error = server.sandboxes.launch(shell("true")).await.unwrap_err();
    assert!(error.to_string().contains("shut down"), "{error:#}");
    eventually("no cgroup is left", Duration::from_secs(5), || server.cgroups().is_empty());
}

#[test]
fn a_hundred_sandboxes_leave_nothing() {
    if !alone("life::a_hundred_sandboxes_leave_nothing") {
        return;
    }
    runtime().block_on(async {
        let server = server().await;
        let seconds = unique_seconds();
        let code = server.folder_with("code", "a", "a");
        assert_eq!(server.shell("true").await, "");
        // What the first sandbox needed is given back just after its end was told.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let before = (mounts(), descriptors());
        for round in 0..20 {
            let mut running = Vec::new();
            for _ in 0..5 {
                let mut spec = shell(&format!("(setsid sleep {seconds} &) ; echo ready; sleep {seconds}"));
                spec.code = Some(code.clone());
                running.push(server.sandboxes.launch(spec).await.unwrap());
            }
            for sandbox in running {
                if round % 2 == 0 {
                    assert_eq!(line(&sandbox).await, "ready");
                }
                sandbox.kill();
                finish(sandbox).await;
            }
        }
        assert_eq!(processes_with(&seconds), NONE);
        assert_eq!(children_of(spawner()), NONE, "zombies");
        eventually("no mount and no descriptor is left", Duration::from_secs(5), || {
            mounts() == before.0 && descriptors() <= before.1
        });
        eventually("no group of a sandbox is left", Duration::from_secs(5), || {
            server.sandbox_cgroups().len() <= GROUPS_READY_MAX
        });
        assert_eq!(fs::read_dir(server.folder.path().join("run/template")).unwrap().count(), 0);
    });
}

#[test]
fn the_end_of_the_spawner_is_survived() {
    if !alone("life::the_end_of_the_spawner_is_survived") {
        return;
    }
    runtime().block_on(async {
        let server = server().await;
        let seconds = unique_seconds();
        let sandbox = server.sandboxes.launch(shell(&format!("sleep {seconds}"))).await.unwrap();
        kill_process(spawner());
        let exit = gone(sandbox.handle()).await;
        assert_eq!((exit.signal, exit.out_of_memory), (Some(libc::SIGKILL), false));
        assert_eq!(processes_with(&seconds), NONE);
        // Launches that come meanwhile may fail, with a reason; soon they work again.
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            match server.sandboxes.launch(shell("echo fine")).await {
                Ok(sandbox) => {
                    assert_eq!(finish(sandbox).await.stdout, "fine\n");
                    break;
                }
                Err(error) => {
                    assert!(format!("{error:#}").contains("ended"), "{error:#}");
                    assert!(Instant::now() < end, "{error:#}");
                }
            }
        }
    });
}

/// Not a test by itself: a server with sandboxes, for another test to kill.
#[test]
fn helper_server() {
    if !is_helper("helper_server") {
        return;
    }
    let folder = std::path::PathBuf::from(std::env::var_os("FOLDER").unwrap());
    let seconds = std::env::var("SECONDS").unwrap();
    runtime().block_on(async {
        let sandboxes = Sandboxes::start(config(&folder, TierChoice::Namespace)).await.unwrap();
        let mut running = Vec::new();
        for _ in 0..3 {
            let script = stubborn(&seconds, "time.sleep(1000)");
            let sandbox = sandboxes.launch(python(&script)).await.unwrap();
            assert_eq!(line(&sandbox).await, "ready");
            running.push(sandbox);
        }
        println!("\nserver ready");
        std::future::pending::<()>().await;
    });
}

#[tokio::test]
async fn nothing_is_left_of_a_server_that_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let seconds = unique_seconds();
    let mut helper = again("life::helper_server", "helper_server");
    let mut helper =
        helper.env("FOLDER", folder.path()).env("SECONDS", &seconds).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(helper.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "server ready"), "the helper did not start");
    assert!(processes_with(&seconds).len() >= 15);

    // Its folder is taken while it lives.
    let error = Sandboxes::start(config(folder.path(), TierChoice::Namespace)).await.unwrap_err();
    assert!(error.to_string().contains("another server uses"), "{error:#}");

    let first = children_of(helper.id());
    assert_eq!(first.len(), 1, "the process that cleans up");
    let mounted = mounts();
    helper.kill().unwrap();
    helper.wait().unwrap();
    eventually("all sleepers are gone", Duration::from_secs(10), || processes_with(&seconds).is_empty());
    eventually("no cgroup is left", Duration::from_secs(10), || cgroups_of(folder.path()).is_empty());
    let process = std::path::PathBuf::from(format!("/proc/{}", first[0]));
    eventually("nothing of the server runs", Duration::from_secs(10), || !process.exists());
    assert_eq!(mounts(), mounted);

    let sandboxes = Sandboxes::start(config(folder.path(), TierChoice::Namespace)).await.unwrap();
    let server = crate::support::Server { sandboxes, folder };
    eventually("no group of a sandbox is left", Duration::from_secs(5), || {
        server.sandbox_cgroups().len() <= GROUPS_READY_MAX
    });
    let root = server.sandboxes.tier() == (Tier::Namespace { root: true });
    assert_eq!(!server.cgroups().is_empty(), root);
    assert_eq!(server.shell("echo fine").await, "fine\n");
}

#[tokio::test]
async fn a_server_that_is_killed_can_be_started_again_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let mut helper = again("life::helper_server", "helper_server");
        let helper = helper.env("FOLDER", folder.path()).env("SECONDS", unique_seconds());
        let mut helper = helper.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(helper.stdout.take().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line == "server ready"), "the helper did not start");
        helper.kill().unwrap();
        helper.wait().unwrap();
        let sandboxes = Sandboxes::start(config(folder.path(), TierChoice::Namespace)).await.unwrap();
        let output = finish(sandboxes.launch(shell("echo fine")).await.unwrap()).await;
        assert_eq!(output.stdout, "fine\n");
        sandboxes.shutdown().await;
    }
    eventually("no cgroup is left", Duration::from_secs(10), || cgroups_of(folder.path()).is_empty());
}

#[tokio::test]
async fn many_launches_at_once_all_succeed() {
    let server = server().await;
    let launches = (0..40).map(|number| {
        let sandboxes = server.sandboxes.clone();
        tokio::spawn(async move {
            let sandbox = sandboxes.launch(shell(&format!("echo {number}"))).await.unwrap();
            assert_eq!(finish(sandbox).await.stdout, format!("{number}\n"));
        })
    });
    for launch in launches.collect::<Vec<_>>() {
        launch.await.unwrap();
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// The spawner of the only server in this process: the child of the child that waits for it.
fn spawner() -> u32 {
    let waiting = children_of(std::process::id());
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    children_of(waiting[0])[0]
}

fn children_of(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten();
    let lists = threads.map(|thread| fs::read_to_string(thread.path().join("children")).unwrap_or_default());
    lists
        .flat_map(|list| list.split_whitespace().map(|child| child.parse().unwrap()).collect::<Vec<_>>())
        .collect()
}

fn kill_process(process: u32) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(process as i32), nix::sys::signal::Signal::SIGKILL)
        .unwrap();
}

fn mounts() -> usize {
    fs::read_to_string("/proc/self/mountinfo").unwrap().lines().count()
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}
