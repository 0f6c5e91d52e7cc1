//! The program as people and tools start it.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_cloudling");

/// A server on a free port over a data folder of its own.
struct Server {
    child: Child,
    url: String,
    lines: Vec<String>,
}

impl Server {
    fn start(data: &std::path::Path) -> Self {
        let mut child =
            up(data, "127.0.0.1:0").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(reader.read_line(&mut line).unwrap(), 0, "ended before it was ready: {lines:?}");
            let line = line.trim_end().to_owned();
            lines.push(line);
            if lines.last().is_some_and(|line| line == "Ready.") {
                break;
            }
        }
        let url =
            lines.iter().find_map(|line| line.split_whitespace().find(|word| word.starts_with("http://")));
        Server { url: url.unwrap().to_owned(), child, lines }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(PROGRAM)
            .args(["--endpoint", &self.url])
            .args(arguments)
            .env_remove("AWS_ENDPOINT_URL")
            .output()
            .unwrap()
    }

    /// Asks it to stop; gives the exit code.
    fn stop(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn up(data: &std::path::Path, listen: &str) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(["up", "--listen", listen, "--sandbox", "process", "--no-runtimes-install", "--data"])
        .arg(data)
        .env_remove("CLOUDLING_RUNTIMES");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn it_says_where_it_is_and_that_it_is_ready_and_stops_when_asked() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    assert_eq!(server.lines.last().map(String::as_str), Some("Ready."));
    let port: u16 = server.url.rsplit(':').next().unwrap().parse().unwrap();
    assert_ne!(port, 0);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn commands_work_with_a_server_and_say_what_to_do_without_one() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let listed = server.run(&["ls"]);
    assert!(listed.status.success());
    assert!(text(&listed.stdout).contains("cloudling deploy"), "{}", text(&listed.stdout));
    let json = server.run(&["ls", "--output", "json"]);
    assert_eq!(text(&json.stdout), "[]\n");
    let absent = server.run(&["rm", "nobody"]);
    assert_eq!(absent.status.code(), Some(1));
    assert!(text(&absent.stderr).contains("there is no function nobody"), "{}", text(&absent.stderr));
    assert!(server.run(&["reset"]).status.success());
    assert!(!server.run(&["reset", "--account", "1"]).status.success());
    let elsewhere = Command::new(PROGRAM).args(["--endpoint", "http://127.0.0.1:1", "ls"]).output().unwrap();
    assert_eq!(
        text(&elsewhere.stderr),
        "error: no server at http://127.0.0.1:1: start one with `cloudling up`\n"
    );
}

#[test]
fn functions_survive_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let code = tempfile::tempdir().unwrap();
    std::fs::write(code.path().join("index.js"), "exports.handler = async () => 'hi'\n").unwrap();
    let folder = code.path().to_str().unwrap();
    let mut server = Server::start(data.path());
    for verb in ["created hello", "updated hello"] {
        let deployed = server.run(&["deploy", folder, "--name", "hello"]);
        assert!(
            text(&deployed.stdout).starts_with(verb),
            "{}{}",
            text(&deployed.stdout),
            text(&deployed.stderr)
        );
    }
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let again = Server::start(data.path());
    let listed = text(&again.run(&["ls"]).stdout);
    assert!(listed.contains("hello") && listed.contains("/_aws/lambda-url/"), "{listed}");
    assert!(again.run(&["rm", "hello"]).status.success());
}

#[test]
fn addresses_that_are_taken_or_public_are_refused_with_advice() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let other = tempfile::tempdir().unwrap();
    let taken = up(other.path(), server.url.strip_prefix("http://").unwrap()).output().unwrap();
    assert_eq!(taken.status.code(), Some(1));
    assert!(text(&taken.stderr).contains("--listen 127.0.0.1:0"), "{}", text(&taken.stderr));
    let public = up(other.path(), "0.0.0.0:0").output().unwrap();
    assert!(text(&public.stderr).contains("can be reached from other machines"), "{}", text(&public.stderr));
    let same_folder = up(data.path(), "127.0.0.1:0").output().unwrap();
    assert_eq!(same_folder.status.code(), Some(1));
    assert!(text(&same_folder.stderr).contains("in use"), "{}", text(&same_folder.stderr));
}

#[test]
fn a_terminal_that_is_closed_does_not_end_the_server() {
    let data = tempfile::tempdir().unwrap();
    // Its output was closed with the reader when it was ready.
    let server = Server::start(data.path());
    assert!(server.run(&["ls"]).status.success());
    let mut error_text = String::new();
    let mut server = server;
    let mut errors = server.child.stderr.take().unwrap();
    assert_eq!(server.stop(), Some(0));
    errors.read_to_string(&mut error_text).unwrap();
    assert!(!error_text.contains("panicked"), "{error_text}");
}

#[test]
fn a_backup_of_a_running_server_becomes_a_server() {
    let place = tempfile::tempdir().unwrap();
    let (data, backup, other) =
        (place.path().join("data"), place.path().join("backup"), place.path().join("other"));
    let code = tempfile::tempdir().unwrap();
    std::fs::write(code.path().join("index.js"), "exports.handler = async () => 'hi'\n").unwrap();
    let server = Server::start(&data);
    let deployed = server.run(&["deploy", code.path().to_str().unwrap(), "--name", "kept"]);
    assert!(deployed.status.success(), "{}", text(&deployed.stderr));
    let of = |command: &str, folder: &std::path::Path, data: &std::path::Path| {
        Command::new(PROGRAM).arg(command).arg(folder).arg("--data").arg(data).output().unwrap()
    };
    let copied = of("backup", &backup, &data);
    assert!(copied.status.success(), "{}", text(&copied.stderr));
    assert!(text(&copied.stdout).contains("1 blobs"), "{}", text(&copied.stdout));
    let again = of("backup", &backup, &data);
    assert!(text(&again.stderr).contains("is not empty"), "{}", text(&again.stderr));
    let inside = of("backup", &data.join("inside"), &data);
    assert!(text(&inside.stderr).contains("lies in the data folder"), "{}", text(&inside.stderr));
    // Deleted after the backup, so not in it.
    assert!(server.run(&["rm", "kept"]).status.success());
    assert_eq!(server.stop(), Some(0));

    let restored = of("restore", &backup, &other);
    assert!(restored.status.success(), "{}", text(&restored.stderr));
    let refused = of("restore", &backup, &other);
    assert!(text(&refused.stderr).contains("is not empty"), "{}", text(&refused.stderr));
    let server = Server::start(&other);
    let listed = text(&server.run(&["ls"]).stdout);
    assert!(listed.contains("kept"), "{listed}");
    assert_eq!(server.stop(), Some(0));
    let offline = of("backup", &place.path().join("offline"), &other);
    assert!(offline.status.success(), "{}", text(&offline.stderr));
    let none = of("backup", &place.path().join("none"), place.path());
    assert!(text(&none.stderr).contains("is not a data folder"), "{}", text(&none.stderr));
}

#[test]
fn the_doctor_reads_everything_and_names_what_is_damaged() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let code = tempfile::tempdir().unwrap();
    std::fs::write(code.path().join("index.js"), "exports.handler = async () => 'hi'\n").unwrap();
    let verify = || Command::new(PROGRAM).args(["doctor", "--verify", "--data"]).arg(&data).output().unwrap();
    let server = Server::start(&data);
    assert!(server.run(&["deploy", code.path().to_str().unwrap(), "--name", "kept"]).status.success());
    let in_use = verify();
    assert_eq!(in_use.status.code(), Some(1));
    assert!(text(&in_use.stderr).contains("is in use by process"), "{}", text(&in_use.stderr));
    assert_eq!(server.stop(), Some(0));
    let whole = verify();
    assert!(whole.status.success(), "{}{}", text(&whole.stdout), text(&whole.stderr));
    let shard = std::fs::read_dir(data.join("blobs")).unwrap().map(|entry| entry.unwrap().path());
    let shard = shard.into_iter().find(|path| !path.ends_with("temporary")).unwrap();
    let blob = std::fs::read_dir(shard).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&blob).unwrap();
    bytes[10] ^= 1;
    std::fs::write(&blob, bytes).unwrap();
    let damaged = verify();
    assert_eq!(damaged.status.code(), Some(1));
    let name = blob.file_name().unwrap().to_str().unwrap();
    assert!(text(&damaged.stdout).contains(name), "{}", text(&damaged.stdout));
}
