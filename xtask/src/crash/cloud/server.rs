//! The server that is killed.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context as _, Result, bail, ensure};

use crate::http::Connection;
use crate::shell;

pub(super) struct Server {
    process: Mutex<Child>,
    address: String,
}

impl Server {
    /// Starts it on a free port and waits until it answers.
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let mut process = Command::new(shell::target().join("debug/cloudling"))
            .args(["up", "--no-runtimes-install", "--spares", "0", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("starting target/debug/cloudling")?;
        let mut lines = BufReader::new(process.stdout.take().context("its output")?).lines();
        let mut address = None;
        while let Some(line) = lines.next().transpose()? {
            if let Some((_, rest)) = line.split_once("http://127.0.0.1:") {
                let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
                address = Some(format!("127.0.0.1:{port}"));
            }
            if line == "Ready." {
                break;
            }
        }
        let Some(address) = address else {
            bail!("the server did not start: {}", process.wait()?);
        };
        // The rest of the output must be read, or the server would one day wait for us.
        std::thread::spawn(move || while let Some(Ok(_)) = lines.next() {});
        Ok(Self { process: Mutex::new(process), address })
    }

    pub(super) fn connect(&self) -> Result<Connection> {
        Connection::open(&self.address)
    }

    /// Ends it between two instructions.
    pub(super) fn kill(&self) -> Result<()> {
        let mut process = self.process.lock().ok().context("the process")?;
        process.kill()?;
        process.wait()?;
        Ok(())
    }

    /// Has everything in the folder of a server that has ended read.
    pub(super) fn verify(folder: &Path) -> Result<()> {
        let output = Command::new(shell::target().join("debug/cloudling"))
            .args(["doctor", "--verify", "--data"])
            .arg(folder)
            .output()?;
        ensure!(
            output.status.success(),
            "doctor --verify: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.kill();
    }
}
