//! A hostile static program: a custom runtime that makes system calls itself, past every library.
//!
//! Answers an object of attempts: the number of the error that stopped each, or `REACHED`.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

extern "C" {
    fn syscall(number: i64, ...) -> i64;
    fn fork() -> i32;
    fn setsid() -> i32;
    fn signal(number: i32, disposition: usize) -> usize;
    fn prctl(option: i32, ...) -> i32;
}

const SIG_IGN: usize = 1;

fn main() {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap();
    loop {
        let (head, body) = http(&api, "GET /2018-06-01/runtime/invocation/next", "");
        let id = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("lambda-runtime-aws-request-id: ").map(str::to_owned))
            .unwrap();
        let answer = attempt(&body);
        http(&api, &format!("POST /2018-06-01/runtime/invocation/{}/response", id.trim()), &answer);
    }
}

fn http(api: &str, request: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(api).unwrap();
    let length = body.len();
    write!(stream, "{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// The text after `"name":"`; the events of the test hold nothing that needs more.
fn text(event: &str, name: &str) -> String {
    let start = event.find(&format!("\"{name}\":")).map(|at| at + name.len() + 3).unwrap();
    let rest = event[start..].trim_start().trim_start_matches('"');
    rest.split(['"', ',', '}']).next().unwrap().to_owned()
}

fn attempt(event: &str) -> String {
    match text(event, "do").as_str() {
        "outlive" => outlive(event),
        "memory" => memory(),
        _ => escape(event),
    }
}

fn escape(event: &str) -> String {
    let mut results: Vec<(String, String)> = Vec::new();
    let secret = text(event, "secret");
    let server = text(event, "server");
    for path in [secret.as_str(), "/etc/shadow", "/proc/1/mem", "/dev/mem", &format!("/proc/{server}/environ")] {
        results.push((format!("read {path}"), result(fs::read(path))));
    }
    for path in ["/new", "/var/task/new", "/usr/new", "/etc/hosts", "/proc/sysrq-trigger"] {
        results.push((format!("write {path}"), result(fs::write(path, "x"))));
    }
    let port = text(event, "port");
    for host in [format!("127.0.0.1:{port}"), "169.254.169.254:80".into(), "1.1.1.1:443".into(), "10.0.0.1:80".into()] {
        let address = host.to_socket_addrs().unwrap().next().unwrap();
        results.push((format!("connect to {host}"), result(TcpStream::connect_timeout(&address, Duration::from_secs(2)))));
    }
    let mut room = [0_u8; 4096];
    let room = room.as_mut_ptr();
    // Numbers of x86_64.
    let calls: [(&str, i64, [i64; 5]); 24] = [
        ("ptrace", 101, [16, 1, 0, 0, 0]),
        ("process_vm_writev", 311, [1, room as i64, 1, room as i64, 1]),
        ("mount", 165, [c"x".as_ptr() as i64, c"/tmp".as_ptr() as i64, c"tmpfs".as_ptr() as i64, 0, 0]),
        ("umount2", 166, [c"/proc".as_ptr() as i64, 2, 0, 0, 0]),
        ("open_tree", 428, [-100, c"/".as_ptr() as i64, 1, 0, 0]),
        ("fsopen", 430, [c"tmpfs".as_ptr() as i64, 0, 0, 0, 0]),
        ("pivot_root", 155, [c"/tmp".as_ptr() as i64, c"/tmp".as_ptr() as i64, 0, 0, 0]),
        ("unshare", 272, [0x1000_0000, 0, 0, 0, 0]),
        ("clone with namespaces", 56, [0x1000_0000 | 17, 0, 0, 0, 0]),
        ("setns", 308, [3, 0, 0, 0, 0]),
        ("bpf", 321, [0, room as i64, 64, 0, 0]),
        ("perf_event_open", 298, [room as i64, 0, -1, -1, 0]),
        ("userfaultfd", 323, [1, 0, 0, 0, 0]),
        ("io_uring_setup", 425, [8, room as i64, 0, 0, 0]),
        ("keyctl", 250, [0, -3, 1, 0, 0]),
        ("init_module", 175, [room as i64, 16, c"".as_ptr() as i64, 0, 0]),
        ("kexec_load", 246, [0, 0, 0, 0, 0]),
        ("open_by_handle_at", 304, [-100, room as i64, 0, 0, 0]),
        ("setuid", 105, [0, 0, 0, 0, 0]),
        ("raw socket", 41, [2, 3, 1, 0, 0]),
        ("packet socket", 41, [17, 3, 3, 0, 0]),
        ("vsock", 41, [40, 1, 0, 0, 0]),
        ("a later call", 700, [0, 0, 0, 0, 0]),
        ("a 32-bit number", 0x4000_0000 | 101, [0, 0, 0, 0, 0]),
    ];
    for (name, number, [a, b, c, d, e]) in calls {
        // SAFETY: hostile on purpose; nothing here may succeed.
        let done = unsafe { syscall(number, a, b, c, d, e) };
        results.push((name.to_owned(), if done < 0 { errno() } else { format!("REACHED {done}") }));
    }
    results.push(("the 32-bit entrance".into(), thirty_two_bit()));
    // SAFETY: as above. Becoming traceable again, and regaining privileges.
    let regained = unsafe { prctl(38, 0, 0, 0, 0) };
    results.push(("take back no_new_privs".into(), if regained < 0 { errno() } else { "REACHED".into() }));
    let fields: Vec<String> = results.iter().map(|(name, result)| format!("\"{name}\":\"{result}\"")).collect();
    format!("{{{}}}", fields.join(","))
}

fn result<T>(result: std::io::Result<T>) -> String {
    match result {
        Ok(_) => "REACHED".into(),
        Err(error) => error.raw_os_error().map_or_else(|| error.kind().to_string(), |code| code.to_string()),
    }
}

fn errno() -> String {
    std::io::Error::last_os_error().raw_os_error().unwrap().to_string()
}

/// `ptrace` by the old interrupt, where calls have other numbers.
#[cfg(target_arch = "x86_64")]
fn thirty_two_bit() -> String {
    let result: i64;
    // SAFETY: the kernel changes no register but the one of the result; `rbx` is the compiler's and kept.
    unsafe {
        std::arch::asm!("push rbx", "xor ebx, ebx", "int 0x80", "pop rbx", inlateout("rax") 26_i64 => result, in("rcx") 0, in("rdx") 0);
    }
    if (result as i32) < 0 { (-(result as i32)).to_string() } else { "REACHED".into() }
}

#[cfg(not(target_arch = "x86_64"))]
fn thirty_two_bit() -> String {
    "none here".into()
}

fn outlive(event: &str) -> String {
    let mark = std::ffi::CString::new(text(event, "mark")).unwrap();
    // SAFETY: one thread; the children only ignore signals, take a name and sleep.
    unsafe {
        if fork() == 0 {
            setsid();
            if fork() == 0 {
                for number in 1..65 {
                    let _ = signal(number, SIG_IGN);
                }
                prctl(15, mark.as_ptr());
                loop {
                    std::thread::sleep(Duration::from_secs(1));
                }
            }
            std::process::exit(0);
        }
    }
    std::thread::sleep(Duration::from_secs(60));
    "\"done\"".into()
}

fn memory() -> String {
    let mut kept: Vec<Vec<u8>> = Vec::new();
    loop {
        kept.push(vec![1; 16 << 20]);
    }
}
