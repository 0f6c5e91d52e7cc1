//! The server under measurement, and the signed requests sent to it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use auth::Credentials;

use crate::http::{Answer, Connection};

/// Any account: twelve digits as access key.
const ACCOUNT: &str = "100000000001";
pub(super) const REGION: &str = "us-east-1";

/// How long a server may take to end before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);

pub(super) struct Cloud {
    /// `None`: it was there before.
    process: Option<Child>,
    data: PathBuf,
    pub(super) address: String,
    credentials: Credentials,
}

impl Cloud {
    /// Starts the binary on a free port with an empty data folder; `options` follow `up`.
    pub(super) fn start(binary: &Path, options: &[&str]) -> Result<Self> {
        let (mut cloud, mut lines) = Self::spawn(binary, options)?;
        // The rest of the output must be read, or the server would one day wait for us.
        std::thread::spawn(move || while lines.read_line(&mut String::new()).is_ok_and(|read| read > 0) {});
        cloud.credentials = cloud.session()?;
        Ok(cloud)
    }

    /// A server that runs already; it takes any credentials.
    pub(super) fn at(address: &str) -> Self {
        Self {
            process: None,
            data: PathBuf::new(),
            address: address.to_owned(),
            credentials: any_credentials(),
        }
    }

    /// Time from starting the process to its first answer over HTTP.
    pub(super) fn time_to_first_answer(binary: &Path) -> Result<Duration> {
        let began = Instant::now();
        let (cloud, _lines) = Self::spawn(binary, &[])?;
        let request = format!("GET /_localstack/health HTTP/1.1\r\nHost: {}\r\n\r\n", cloud.address);
        let answer = Connection::open(&cloud.address)?.send(request.as_bytes())?;
        let time = began.elapsed();
        if answer.status != 200 {
            bail!("the first answer was {}", answer.status);
        }
        Ok(time)
    }

    /// Starts the process and reads its output until the address is printed.
    fn spawn(binary: &Path, options: &[&str]) -> Result<(Self, BufReader<std::process::ChildStdout>)> {
        let data = std::env::temp_dir().join(format!("cloudling-bench-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&data);
        let mut process = Command::new(binary)
            .args(["up", "--no-runtimes-install", "--listen", "127.0.0.1:0", "--data"])
            .arg(&data)
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {}", binary.display()))?;
        let mut lines = BufReader::new(process.stdout.take().expect("stdout was asked for"));
        let mut line = String::new();
        let address = loop {
            line.clear();
            if lines.read_line(&mut line)? == 0 {
                bail!("the server ended before it printed its address: {}", process.wait()?);
            }
            if let Some((_, rest)) = line.split_once("http://127.0.0.1:") {
                let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
                break format!("127.0.0.1:{port}");
            }
        };
        Ok((Self { process: Some(process), data, address, credentials: any_credentials() }, lines))
    }

    /// Credentials the server issued itself, so that it verifies the signature of every request.
    fn session(&self) -> Result<Credentials> {
        let form = b"Action=GetSessionToken&Version=2011-06-15";
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let answer = self.call("sts", "POST", "/", &kind, form)?;
        let text = String::from_utf8_lossy(&answer.body);
        let element = |name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>"))?;
            Some(rest.split_once('<')?.0.to_owned())
        };
        Ok(Credentials {
            access_key_id: element("AccessKeyId").context("no AccessKeyId in GetSessionToken")?,
            secret_access_key: element("SecretAccessKey").context("no SecretAccessKey")?,
            session_token: element("SessionToken"),
        })
    }

    /// One signed request on a connection of its own; an error answer is an error.
    pub(super) fn call(
        &self,
        service: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer> {
        let answer =
            Connection::open(&self.address)?.send(&self.signed(service, method, path, headers, body)?)?;
        if !(200..300).contains(&answer.status) {
            bail!("{method} {path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        Ok(answer)
    }

    /// The bytes of a signed request. They may be sent again for minutes: the driver signs once.
    pub(super) fn signed(
        &self,
        service: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Vec<u8>> {
        let mut request = http::Request::builder().method(method).uri(path).header("host", &self.address);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(())?.into_parts();
        auth::sign(&mut parts, body, &self.credentials, REGION, service, now_epoch_millis()?);
        let mut bytes =
            format!("{method} {path} HTTP/1.1\r\ncontent-length: {}\r\n", body.len()).into_bytes();
        for (name, value) in &parts.headers {
            bytes.extend_from_slice(format!("{name}: ").as_bytes());
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        Ok(bytes)
    }

    pub(super) fn account(&self) -> &'static str {
        ACCOUNT
    }

    /// Resident memory of the server process, without its children.
    pub(super) fn resident_mib(&self) -> Result<f64> {
        let process = self.process.as_ref().context("no process of this bench")?;
        let file = format!("/proc/{}/status", process.id());
        let value = crate::machine::field(&file, "VmRSS").context("no VmRSS: is this Linux?")?;
        let kib: f64 = value.trim_end_matches("kB").trim().parse()?;
        Ok(kib / 1024.0)
    }
}

impl Drop for Cloud {
    /// Asks the server to end as a user would, so that its sandboxes go with it.
    fn drop(&mut self) {
        let Some(process) = &mut self.process else { return };
        let _ = Command::new("kill").args(["-TERM", &process.id().to_string()]).status();
        let end = Instant::now() + STOP_TIMEOUT;
        while matches!(process.try_wait(), Ok(None)) {
            if Instant::now() > end {
                let _ = process.kill();
                let _ = process.wait();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

fn any_credentials() -> Credentials {
    Credentials {
        access_key_id: ACCOUNT.to_owned(),
        secret_access_key: "secret".to_owned(),
        session_token: None,
    }
}

#[allow(clippy::disallowed_methods, reason = "a client signs with the real time")]
fn now_epoch_millis() -> Result<i64> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?)
}
