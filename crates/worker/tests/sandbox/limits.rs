//! Bounds on what a program uses.

use std::time::{Duration, Instant};

use worker::sandbox::Tier;

use crate::support::{finish, gone, line, program, python, server, shell};

#[tokio::test]
async fn tmp_has_a_size() {
    let server = server().await;
    let script = "head -c 40000000 /dev/zero > /tmp/file 2>/dev/null || echo full; stat -c %s /tmp/file; \
                  rm /tmp/file; i=0; while (: > /tmp/$i) 2>/dev/null; do i=$((i+1)); done; [ $i -lt 5000 ] && echo few";
    let output = server.shell(script).await;
    assert_eq!(output, format!("full\n{}\nfew\n", 16 << 20));
}

#[tokio::test]
async fn too_much_memory_ends_the_sandbox() {
    let server = server().await;
    let output =
        server.run(python("x = bytearray(400 << 20)\nimport time; time.sleep(30)\nprint('LIVES')")).await;
    assert_eq!(output.exit.signal, Some(libc::SIGKILL), "{output:?}");
    assert!(output.exit.out_of_memory, "{output:?}");
    assert_eq!(output.stdout, "");
}

#[tokio::test]
async fn memory_of_all_processes_counts_together() {
    let server = server().await;
    let script = "
import os, time
for _ in range(8):
    if os.fork() == 0:
        x = bytearray(60 << 20)
        time.sleep(60)
        os._exit(0)
while os.wait()[1] != 9: pass
os.kill(os.getpid(), 9)
";
    let output = server.run(python(script)).await;
    assert!(output.exit.out_of_memory, "{output:?}");
}

#[tokio::test]
async fn files_in_tmp_are_not_memory_of_the_function() {
    let server = server().await;
    let mut spec = shell("head -c 100000000 /dev/zero > /tmp/file && echo written");
    spec.limits.memory_bytes = 48 << 20;
    spec.limits.tmp_bytes = 128 << 20;
    let output = server.run(spec).await;
    assert_eq!(output.stdout, "written\n", "{output:?}");
}

#[tokio::test]
async fn too_much_memory_is_told_from_files_in_tmp() {
    let server = server().await;
    let mut spec = python(
        "open('/tmp/file', 'wb').write(bytes(1 << 20) * 1)
for _ in range(60): open('/tmp/file', 'ab').write(bytes(1 << 20))
print('written', flush=True)
x = bytearray(200 << 20)
import time; time.sleep(30)
print('LIVES')",
    );
    spec.limits.memory_bytes = 64 << 20;
    spec.limits.tmp_bytes = 512 << 20;
    let output = server.run(spec).await;
    assert_eq!(output.stdout, "written\n", "{output:?}");
    assert!(output.exit.out_of_memory, "{output:?}");
}

#[tokio::test]
async fn an_ordinary_kill_is_not_for_want_of_memory() {
    let server = server().await;
    let sandbox = server.sandboxes.launch(shell("echo ready; sleep 1000")).await.unwrap();
    assert_eq!(line(&sandbox).await, "ready");
    sandbox.kill();
    let exit = gone(sandbox.handle()).await;
    assert_eq!((exit.signal, exit.out_of_memory), (Some(libc::SIGKILL), false));
}

#[tokio::test]
async fn a_fork_bomb_stays_inside() {
    let server = server().await;
    let script = "
import os, time
count = 0
while True:
    try:
        if os.fork() == 0:
            time.sleep(1000)
    except OSError:
        break
    count += 1
    if count > 1000:
        break
print(count, flush=True)
time.sleep(1000)
";
    let bomb = server.sandboxes.launch(python(script)).await.unwrap();
    let count: u32 = line(&bomb).await.parse().unwrap();
    assert!(count <= 64, "{count} processes");
    assert!(count >= 48, "{count} processes");
    // Another sandbox of the same server is not affected.
    assert_eq!(server.shell("echo $(echo fine)").await, "fine\n");
    bomb.kill();
    gone(bomb.handle()).await;
}

#[tokio::test]
async fn open_files_are_bounded() {
    let server = server().await;
    let script = "
files = []
try:
    while True: files.append(open('/dev/null'))
except OSError as error:
    print(error.errno, files[-1].fileno())
";
    assert_eq!(server.python(script).await, "24 255\n");
}

#[tokio::test]
async fn no_core_is_dumped() {
    let server = server().await;
    assert_eq!(server.shell("ulimit -c; ulimit -Hc").await, "0\n0\n");
}

#[tokio::test]
async fn processor_time_is_shared_out() {
    let server = server().await;
    if server.sandboxes.tier() != (Tier::Namespace { root: true }) {
        eprintln!("SKIPPED: without root there is no cgroup to bound processor time with");
        return;
    }
    let mut spec = python("import time\nwhile time.process_time() < 0.2: pass");
    spec.limits.cpu_quota_percent = 20;
    let started = Instant::now();
    assert_eq!(server.run(spec).await.exit.code, Some(0));
    assert!(started.elapsed() > Duration::from_millis(600), "took only {:?}", started.elapsed());
}

#[tokio::test]
async fn peak_memory_is_measured_from_the_last_reset() {
    let server = server().await;
    let script = "
import time
x = bytearray(120 << 20)
print('large', flush=True)
open(3, 'rb', buffering=0).read(1)
del x
print('small', flush=True)
time.sleep(1000)
";
    let sandbox = server.sandboxes.launch(python(script)).await.unwrap();
    assert_eq!(line(&sandbox).await, "large");
    let large = sandbox.memory_peak_bytes().unwrap();
    assert!(large > 120 << 20 && large <= 256 << 20, "{large}");
    std::io::Write::write_all(&mut &sandbox.control, b"x").unwrap();
    assert_eq!(line(&sandbox).await, "small");
    sandbox.memory_peak_reset();
    let small = sandbox.memory_peak_bytes().unwrap();
    assert!(small < 60 << 20, "{small}");
    sandbox.kill();
    finish(sandbox).await;
}

#[tokio::test]
async fn a_program_that_cannot_start_is_named() {
    let server = server().await;
    let error = server.sandboxes.launch(program("/var/task/bootstrap", &[])).await.unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("run /var/task/bootstrap") && text.contains("No such file"), "{text}");
    let mut spec = shell("true");
    spec.working_folder = "/nowhere".into();
    let text = format!("{:#}", server.sandboxes.launch(spec).await.unwrap_err());
    assert!(text.contains("enter the working folder"), "{text}");
    let mut spec = shell("true");
    spec.code = Some("/no/such/code".into());
    let text = format!("{:#}", server.sandboxes.launch(spec).await.unwrap_err());
    assert!(text.contains("/no/such/code"), "{text}");
    let mut spec = shell("true");
    spec.environment.push(("NAME".into(), "x".repeat(200_000).into()));
    let text = format!("{:#}", server.sandboxes.launch(spec).await.unwrap_err());
    assert!(text.contains("more than the 131072 allowed"), "{text}");
    let mut spec = shell("true");
    spec.arguments.push("a\0b".into());
    let text = format!("{:#}", server.sandboxes.launch(spec).await.unwrap_err());
    assert!(text.contains("NUL"), "{text}");
    // After all that, the spawner still works.
    assert_eq!(server.shell("echo fine").await, "fine\n");
}
