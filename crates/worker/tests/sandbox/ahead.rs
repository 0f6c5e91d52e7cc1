//! Sandboxes made before it is known what runs in them.

use std::time::Duration;

use worker::sandbox::{Exit, Limits};

use crate::support::{Server, eventually, finish, limits, program, python, server, shell};

pub(crate) async fn until_made(server: &Server, count: usize) {
    let made = async {
        while server.sandboxes.made_ahead() < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), made).await.expect("sandboxes are made ahead");
}

/// A server with one sandbox made ahead, and that one's number.
async fn server_ahead() -> (Server, u64) {
    let server = server().await;
    let before = server.sandboxes.launch(shell("true")).await.unwrap();
    server.sandboxes.make_ahead(1);
    until_made(&server, 1).await;
    let blank = before.id + 1;
    finish(before).await;
    (server, blank)
}

#[tokio::test]
async fn a_program_finds_everything_as_in_a_sandbox_of_its_own() {
    let (server, blank) = server_ahead().await;
    let script = "cat a /opt/b; ulimit -n; df -k /tmp | tail -1 | tr -s ' ' | cut -d' ' -f2; echo $NAME; pwd; \
                  (echo x > /var/task/a) 2>/dev/null || echo refused; echo x > /tmp/x && ls -A /tmp; ls /proc/self/fd; \
                  grep -c . /proc/1/environ 2>/dev/null || echo hidden; grep Seccomp: /proc/self/status";
    let mut spec = shell(script);
    spec.code = Some(server.folder_with("code", "a", "code "));
    spec.opt = Some(server.folder_with("opt", "b", "layer "));
    spec.environment.push(("NAME".into(), "value".into()));
    spec.working_folder = "/var/task".into();
    spec.limits = Limits { open_files: 32, tmp_bytes: 8 << 20, ..limits() };
    let made = server.sandboxes.launch(spec.clone()).await.unwrap();
    assert_eq!(made.id, blank, "it was there before");
    let made = finish(made).await;
    server.sandboxes.make_ahead(0);
    until_made(&server, 1).await;
    drop(server.sandboxes.launch(shell("true")).await.unwrap());
    assert_eq!(server.sandboxes.made_ahead(), 0);
    let own = finish(server.sandboxes.launch(spec).await.unwrap()).await;
    assert_eq!(made.stdout, own.stdout);
    assert!(made.stdout.starts_with("code layer 32\n8192\nvalue\n/var/task\nrefused\nx\n"), "{made:?}");
    assert_eq!((made.exit, own.exit), (Exit { code: Some(0), ..Exit::default() }, own.exit));
}

#[tokio::test]
async fn a_program_that_cannot_start_is_named() {
    let (server, _) = server_ahead().await;
    let error = server.sandboxes.launch(program("/var/task/bootstrap", &[])).await.unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("run /var/task/bootstrap") && text.contains("No such file"), "{text}");
    until_made(&server, 1).await;
    let mut spec = shell("true");
    spec.code = Some("/no/such/code".into());
    let text = format!("{:#}", server.sandboxes.launch(spec).await.unwrap_err());
    assert!(text.contains("/no/such/code"), "{text}");
    until_made(&server, 1).await;
    assert_eq!(server.shell("echo fine").await, "fine\n");
}

#[tokio::test]
async fn its_limits_are_the_programs() {
    let (server, blank) = server_ahead().await;
    let mut spec = python("x = bytearray(100 << 20); print(len(x))");
    spec.limits.memory_bytes = 200 << 20;
    let sandbox = server.sandboxes.launch(spec.clone()).await.unwrap();
    assert_eq!(sandbox.id, blank);
    assert_eq!(finish(sandbox).await.stdout, "104857600\n");
    until_made(&server, 1).await;
    // An ordinary user's memory is looked at from time to time.
    let mut spec = python("import time; x = bytearray(100 << 20); time.sleep(20)");
    spec.limits.memory_bytes = 50 << 20;
    spec.limits.tmp_bytes = 1 << 20;
    let exit = server.run(spec).await.exit;
    assert!(exit.out_of_memory && exit.signal == Some(9), "{exit:?}");
}

#[tokio::test]
async fn nothing_of_them_is_left() {
    let (server, _) = server_ahead().await;
    server.sandboxes.make_ahead(5);
    until_made(&server, 5).await;
    server.sandboxes.shutdown().await;
    assert_eq!(server.sandboxes.made_ahead(), 0);
    eventually("no cgroup is left", Duration::from_secs(5), || server.cgroups().is_empty());
}
