//! What a program may do.

use std::collections::BTreeMap;

use crate::support::{finish, line, program, python, server, shell};

#[tokio::test]
async fn a_program_has_no_capability_and_cannot_gain_any() {
    let server = server().await;
    let status = server.shell("cat /proc/self/status").await;
    let fields: BTreeMap<_, _> = status.lines().filter_map(|line| line.split_once(":\t")).collect();
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(fields[set], "0000000000000000", "{set}");
    }
    assert_eq!(fields["NoNewPrivs"], "1");
    assert_eq!(fields["Seccomp"], "2");
    assert_eq!(fields["Uid"], "993\t993\t993\t993");
    assert_eq!(fields["Gid"], "990\t990\t990\t990");
    assert_eq!(fields["TracerPid"], "0");
}

#[tokio::test]
async fn dangerous_system_calls_are_refused() {
    let server = server().await;
    let script = "
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(256)
def call(name, number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(number, *arguments)
    print(name, 'done' if result >= 0 else errno.errorcode[ctypes.get_errno()])
call('ptrace', 101, 0, 0, 0, 0)
call('ptrace_init', 101, 16, 1, 0, 0)
call('process_vm_readv', 310, 1, buffer, 1, buffer, 1, 0)
call('mount', 165, b'none', b'/tmp', b'tmpfs', 0, 0)
call('umount2', 166, b'/proc', 2)
call('open_tree', 428, -100, b'/', 1)
call('move_mount', 429, -1, b'', -100, b'/tmp', 4)
call('fsopen', 430, b'tmpfs', 0)
call('mount_setattr', 442, -100, b'/', 0, buffer, 32)
call('pivot_root', 155, b'/tmp', b'/tmp')
call('chroot', 161, b'/tmp')
call('unshare_user', 272, 0x10000000)
call('unshare_mount', 272, 0x20000)
call('setns', 308, 0, 0)
call('clone_user', 56, 0x10000000 | 17, 0, 0, 0, 0)
call('clone_net', 56, 0x40000000 | 17, 0, 0, 0, 0)
call('clone3', 435, buffer, 64)
call('bpf', 321, 0, buffer, 64)
call('perf_event_open', 298, buffer, 0, -1, -1, 0)
call('userfaultfd', 323, 1)
call('io_uring_setup', 425, 8, buffer)
call('keyctl', 250, 0, -3, 1)
call('add_key', 248, b'user', b'a', b'b', 1, -3)
call('kexec_load', 246, 0, 0, 0, 0)
call('init_module', 175, buffer, 16, b'')
call('reboot', 169, 0xfee1dead, 672274793, 0)
call('settimeofday', 164, buffer, 0)
call('sethostname', 170, b'x', 1)
call('open_by_handle_at', 304, -1, buffer, 0)
call('quotactl', 179, 0, 0, 0, 0)
call('syslog', 103, 3, buffer, 10)
call('pidfd_getfd', 438, 0, 0, 0)
call('socket_vsock', 41, 40, 1, 0)
call('socket_packet', 41, 17, 3, 0)
call('socket_alg', 41, 38, 5, 0)
call('mknod_device', 133, b'/tmp/device', 0o20666, 0x103)
call('future', 900)
call('getpid', 39)
";
    if !cfg!(target_arch = "x86_64") {
        eprintln!("SKIPPED: the script has the call numbers of x86_64");
        return;
    }
    let answers = server.python(script).await;
    for line in answers.lines() {
        let (name, answer) = line.split_once(' ').unwrap();
        let wanted = match name {
            "getpid" => "done",
            "clone3" | "future" => "ENOSYS",
            _ => "EPERM",
        };
        assert_eq!(answer, wanted, "{name}");
    }
    assert_eq!(answers.lines().count(), 38);
}

#[tokio::test]
async fn the_first_process_of_a_sandbox_is_out_of_reach() {
    let server = server().await;
    let script = "
import os, signal
for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGSEGV):
    try:
        os.kill(1, number)
    except PermissionError:
        pass
for name in ('mem', 'environ', 'maps', 'fd', 'root', 'cwd', 'exe'):
    path = '/proc/1/' + name
    try:
        if name == 'fd':
            os.listdir(path)
        elif name in ('root', 'cwd', 'exe'):
            os.readlink(path)
        else:
            open(path, 'rb').read(1)
        print('REACHED', path)
    except PermissionError:
        pass
print('alive')
";
    assert_eq!(server.python(script).await, "alive\n");
}

#[tokio::test]
async fn other_sandboxes_are_invisible() {
    let server = server().await;
    let mut first = shell("echo $SECRET > /tmp/mine; echo ready; sleep 1000");
    first.environment.push(("SECRET".into(), "hidden".into()));
    first.code = Some(server.folder_with("code", "first.js", "first"));
    let first = server.sandboxes.launch(first).await.unwrap();
    assert_eq!(line(&first).await, "ready");

    let output = server.shell("ls /tmp /var/task; ls /proc | grep -E '^[0-9]+$' | sort -n | tail -1; ls -d /proc/[0-9]* | wc -l; grep -c . /proc/mounts > /dev/null; ipcs -m 2>/dev/null | grep -c 0x; true").await;
    let numbers: Vec<u32> = output.lines().filter_map(|line| line.parse().ok()).collect();
    assert!(numbers[0] < 20, "processes of others are seen: {output}");
    assert!(numbers[1] < 8, "processes of others are seen: {output}");
    assert!(!output.contains("mine") && !output.contains("first.js"), "{output}");
    first.kill();
    finish(first).await;
}

#[tokio::test]
async fn exactly_four_descriptors_are_open() {
    let server = server().await;
    let script = "
import os, stat
kinds = []
for number in range(0, 4096):
    try:
        mode = os.fstat(number).st_mode
    except OSError:
        continue
    kinds.append((number, 'pipe' if stat.S_ISFIFO(mode) else 'socket' if stat.S_ISSOCK(mode) else os.readlink('/proc/self/fd/%d' % number)))
print(kinds)
";
    let output = server.python(script).await;
    assert_eq!(output, "[(0, '/dev/null'), (1, 'pipe'), (2, 'pipe'), (3, 'socket')]\n");
}

#[tokio::test]
async fn the_environment_is_what_was_given() {
    let server = server().await;
    let mut spec = program("/usr/bin/env", &[]);
    spec.environment = vec![("A".into(), "1=2".into()), ("EMPTY".into(), "".into())];
    assert_eq!(server.run(spec).await.stdout, "A=1=2\nEMPTY=\n");
}

#[tokio::test]
async fn node_and_python_work_inside() {
    let server = server().await;
    let script = "
import threading, subprocess, socket, tempfile, ssl, json, multiprocessing.dummy, os
threads = [threading.Thread(target=lambda: None) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
left, right = socket.socketpair(); left.send(b'x'); right.recv(1)
tempfile.NamedTemporaryFile().write(b'x')
ssl.create_default_context()
print(subprocess.run(['/bin/echo', 'child'], capture_output=True, text=True).stdout.strip(), os.cpu_count() > 0)
";
    assert_eq!(server.python(script).await, "child True\n");

    if !std::path::Path::new("/usr/bin/node").exists() {
        eprintln!("SKIPPED: there is no /usr/bin/node");
        return;
    }
    let script = "
const { Worker } = require('worker_threads'); const fs = require('fs'); const os = require('os');
fs.writeFileSync('/tmp/a', 'text');
require('child_process').execFile('/bin/echo', ['child'], (error, out) => {
  new Worker('require(\"worker_threads\").parentPort.postMessage(1)', { eval: true }).on('message', () => {
    require('crypto').randomBytes(16);
    console.log(out.trim(), fs.readFileSync('/tmp/a', 'utf8'), os.cpus().length > 0, os.totalmem() > 0);
  });
});
";
    let mut spec = program("/usr/bin/node", &["-e", script]);
    spec.limits.memory_bytes = 1 << 30;
    let output = server.run(spec).await;
    assert_eq!(output.stdout, "child text true true\n", "{output:?}");
}

#[tokio::test]
async fn a_signal_to_itself_ends_a_program_as_anywhere() {
    let server = server().await;
    let output = server.run(python("import os; os.abort()")).await;
    assert_eq!((output.exit.code, output.exit.signal), (None, Some(libc::SIGABRT)));
    let output = server.run(shell("kill -TERM $$")).await;
    assert_eq!((output.exit.code, output.exit.signal), (None, Some(libc::SIGTERM)));
    let output = server.run(shell("exit 7")).await;
    assert_eq!((output.exit.code, output.exit.signal), (Some(7), None));
}
