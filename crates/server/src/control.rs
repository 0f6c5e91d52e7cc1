//! What the owner of the data folder may ask the running server: a backup, and keys of accounts.
//!
//! Over a socket in the folder, which only its owner can reach. The HTTP port is open to every function and to every
//! user of the machine; what writes files as the server's user has no place there.
//!
//! One line of JSON goes in, `{"backup": FOLDER}` or `{"keys": "create"|"rotate"|"list", "account": ID}`; lines of JSON
//! come out: of a backup how far it is, and as the last one either `{"done": …}` or `{"error": TEXT}`.

use std::fs;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use service::{AccountId, Platform};
use store::Copied;
use tasks::{OnFailure, TaskKind};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use crate::backup::{self, OnProgress};
use crate::folder::DataFolder;
use crate::keys::{self, KeysOrder, RootKey};

const SOCKET: &str = "control";

/// The longest question, in bytes.
const QUESTION_BYTES_MAX: u64 = 8 * 1024;

/// How long a question may take to arrive.
const QUESTION_WITHIN: Duration = Duration::from_secs(5);

const PROGRESS_EVERY: Duration = Duration::from_millis(200);

static ANSWERING: TaskKind = TaskKind {
    name: "server: answers the owner of the data folder",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(5),
};

/// Listens until the server stops. One question at a time is answered.
pub(crate) fn serve(platform: &Arc<Platform>, folder: &DataFolder) -> anyhow::Result<()> {
    let place = Place::of(folder)?;
    match fs::remove_file(folder.root().join(SOCKET)) {
        // What a server before us has left; the lock of the store says that it is gone.
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).context("removing the old control socket");
        }
        _ => {}
    }
    let listener = UnixListener::bind(&place.path).context("control socket in the data folder")?;
    fs::set_permissions(folder.root().join(SOCKET), fs::Permissions::from_mode(0o600))?;
    let mut stopping = platform.tasks().stopping();
    let (serving, folder) = (platform.clone(), folder.clone());
    platform.tasks().spawn(&ANSWERING, async move {
        loop {
            let question = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stopping.wait() => return Ok(()),
            };
            let answered = match question {
                Ok((stream, _)) => tokio::select! {
                    answered = answer(stream, &serving, &folder) => answered,
                    () = stopping.wait() => return Ok(()),
                },
                Err(error) => Err(error.into()),
            };
            if let Err(error) = answered {
                // Whoever asked has mostly gone.
                tracing::debug!(error = %format!("{error:#}"), "a question on the control socket was not answered");
            }
        }
    });
    Ok(())
}

async fn answer(stream: UnixStream, platform: &Arc<Platform>, folder: &DataFolder) -> anyhow::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut question = String::new();
    let mut lines = BufReader::new(read.take(QUESTION_BYTES_MAX));
    tokio::time::timeout(QUESTION_WITHIN, lines.read_line(&mut question)).await??;
    let question: Value = serde_json::from_str(&question).context("a line of JSON")?;
    if let Some(order) = question.get("keys") {
        let order: KeysOrder = serde_json::from_value(order.clone()).context("an order about keys")?;
        let account = question["account"].as_str().and_then(AccountId::parse).context("an account")?;
        let last = match keys::obey(platform, order, &account).await {
            Ok(keys) => json!({ "done": keys }),
            Err(error) => json!({ "error": format!("{error:#}") }),
        };
        return say(&mut write, &last).await;
    }
    let Some(into) = question["backup"].as_str().map(PathBuf::from).filter(|into| into.is_absolute()) else {
        return say(&mut write, &json!({ "error": "a question is {\"backup\": an absolute path}" })).await;
    };
    let (progress, mut latest) = watch::channel(Copied::default());
    let (platform, folder) = (platform.clone(), folder.clone());
    // Reading rows blocks its thread.
    let mut copying = tokio::task::spawn_blocking(move || {
        tokio::runtime::Handle::current().block_on(async {
            let mut on_progress = |copied| _ = progress.send(copied);
            backup::copy(&**platform.kv(), &**platform.blobs(), &folder, &into, &mut on_progress).await
        })
    });
    loop {
        match tokio::time::timeout(PROGRESS_EVERY, &mut copying).await {
            Ok(done) => {
                let last = match done? {
                    Ok(copied) => json!({ "done": value(copied) }),
                    Err(error) => json!({ "error": format!("{error:#}") }),
                };
                return say(&mut write, &last).await;
            }
            Err(_) => {
                let copied = *latest.borrow_and_update();
                say(&mut write, &value(copied)).await?;
            }
        }
    }
}

async fn say(write: &mut (impl tokio::io::AsyncWrite + Unpin), line: &Value) -> anyhow::Result<()> {
    Ok(write.write_all(format!("{line}\n").as_bytes()).await?)
}

fn value(copied: Copied) -> Value {
    json!({
        "rows": copied.rows,
        "row_bytes": copied.row_bytes,
        "blobs": copied.blobs,
        "blobs_in_all": copied.blobs_in_all,
        "blob_bytes": copied.blob_bytes,
    })
}

fn copied(value: &Value) -> Copied {
    let number = |name: &str| value[name].as_u64().unwrap_or_default();
    Copied {
        rows: number("rows"),
        row_bytes: number("row_bytes"),
        blobs: number("blobs"),
        blobs_in_all: number("blobs_in_all"),
        blob_bytes: number("blob_bytes"),
    }
}

/// The asking side.
pub(crate) struct Connection {
    stream: UnixStream,
}

impl Connection {
    /// Connects to the server that runs over a folder; None when none does.
    pub(crate) async fn open(folder: &DataFolder) -> anyhow::Result<Option<Self>> {
        match UnixStream::connect(&Place::of(folder)?.path).await {
            Ok(stream) => Ok(Some(Self { stream })),
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) =>
            {
                Ok(None)
            }
            Err(error) => Err(error).context("the server that runs over the data folder cannot be reached"),
        }
    }

    pub(crate) async fn keys(self, order: KeysOrder, account: &AccountId) -> anyhow::Result<Vec<RootKey>> {
        let (read, mut write) = self.stream.into_split();
        say(&mut write, &json!({ "keys": order, "account": account.as_str() })).await?;
        let mut lines = BufReader::new(read).lines();
        let line = lines.next_line().await?.context("the server went away")?;
        let line: Value = serde_json::from_str(&line).context("an answer that is not JSON")?;
        match line["error"].as_str() {
            Some(error) => bail!("{error}"),
            None => serde_json::from_value(line["done"].clone()).context("an answer about keys"),
        }
    }

    pub(crate) async fn backup(self, into: &Path, on_progress: OnProgress<'_>) -> anyhow::Result<Copied> {
        let (read, mut write) = self.stream.into_split();
        let into = into.to_str().context("the name of the folder is not UTF-8")?;
        say(&mut write, &json!({ "backup": into })).await?;
        let mut lines = BufReader::new(read).lines();
        while let Some(line) = lines.next_line().await.context("the server went away")? {
            let line: Value = serde_json::from_str(&line).context("an answer that is not JSON")?;
            if let Some(error) = line["error"].as_str() {
                bail!("{error}");
            }
            if line["done"].is_object() {
                return Ok(copied(&line["done"]));
            }
            on_progress(copied(&line));
        }
        bail!("the server ended before the backup was complete: what it wrote is of no use")
    }
}

/// The socket by a path that is short whatever the folder's is: the system takes only a hundred bytes.
struct Place {
    path: PathBuf,
    _folder: fs::File,
}

impl Place {
    fn of(folder: &DataFolder) -> anyhow::Result<Self> {
        let opened = fs::File::open(folder.root()).context("opening the data folder")?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", opened.as_raw_fd()));
        Ok(Self { path, _folder: opened })
    }
}
