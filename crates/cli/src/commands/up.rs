//! `cloudling up`: the server, in the foreground.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use server::{Config, Encryption, Enforcement, Running, SourceLimits};
use service::Mode;
use tasks::{OnFailure, TaskKind};
use tokio::signal::unix::{SignalKind, signal};
use worker::sandbox::{Tier, TierChoice};

use crate::arguments::{ModeName, SandboxName, Up};
use crate::client::Client;
use crate::commands::{demo, keys, runtimes};
use crate::output::{Output, line};

static INSTALL: TaskKind = TaskKind {
    name: "cli: install the SDKs for functions",
    on_failure: OnFailure::Log,
    stop_within: std::time::Duration::from_secs(1),
};

pub(crate) async fn run(up: Up, output: &Output) -> anyhow::Result<()> {
    let demo = up.demo;
    serve(up, output, async |client| if demo { demo::run(&client, output).await } else { Ok(()) }).await
}

/// Starts a server, does `work` with it, and goes on until it is told to stop or the work fails.
pub(crate) async fn serve(
    up: Up,
    output: &Output,
    work: impl AsyncFnOnce(Client) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    // Before anything is started, so that no signal is lost.
    let mut interrupt = signal(SignalKind::interrupt()).context("signals")?;
    let mut terminate = signal(SignalKind::terminate()).context("signals")?;
    let running = server::start(Config {
        listen: up.listen,
        data_dir: up.folders.data.clone(),
        mode: match up.mode {
            ModeName::Dev => Mode::Dev,
            ModeName::Secure => Mode::Secure,
        },
        enforcement: if up.enforce { Enforcement::On } else { Enforcement::Off },
        runtimes_dir: up.folders.runtimes.clone(),
        sandbox: match up.sandbox {
            SandboxName::Auto => TierChoice::Auto,
            SandboxName::Namespace => TierChoice::Namespace,
            SandboxName::Process => TierChoice::Process,
        },
        spares: up.spares,
        workers_max: up.workers.map(usize::from),
        keep_alive: up.keep_alive.map(Duration::from_secs),
        encryption: encryption(&up),
        allowed_hosts: up.allow_host.clone(),
        sources: sources(&up),
        egress: up.egress.clone(),
    })
    .await?;
    announce(&running, output);
    if !up.no_runtimes_install {
        install_missing(&running, output);
    }
    let client = Client::new(&running.url())?;
    let work = work(client);
    let stopped = tokio::select! {
        worked = work => match worked {
            Ok(()) => tokio::select! {
                _ = interrupt.recv() => Ok(()),
                _ = terminate.recv() => Ok(()),
                failure = running.failed() => Err(anyhow::anyhow!("the server stopped itself: {failure}")),
            },
            Err(error) => Err(error),
        },
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    };
    output.note("Stopping: what runs may finish.");
    let report = tokio::select! {
        report = running.shutdown() => report,
        // Whoever asks twice does not want to wait.
        _ = interrupt.recv() => return stopped,
    };
    if !report.is_clean() {
        output.note(&format!("{} requests did not finish in time.", report.requests_aborted));
    }
    stopped
}

fn encryption(up: &Up) -> Encryption {
    match (&up.tls_cert, &up.tls_key) {
        (Some(certificate), Some(key)) => {
            Encryption::Files { certificate: certificate.clone(), key: key.clone() }
        }
        _ if up.tls => Encryption::OwnCertificate { names: up.tls_name.clone() },
        _ => Encryption::Off,
    }
}

/// Limits that somebody gives are meant for everybody; the usual ones are not for this machine.
fn sources(up: &Up) -> Option<SourceLimits> {
    if up.source_connections.is_none() && up.source_requests.is_none() {
        return None;
    }
    let usual = SourceLimits::default();
    let connections = up.source_connections.and_then(|connections| usize::try_from(connections).ok());
    Some(SourceLimits {
        connections_max: connections.unwrap_or(usual.connections_max),
        requests_per_second_max: up.source_requests.unwrap_or(usual.requests_per_second_max),
        loopback: true,
    })
}

/// The address, then `Ready.` alone on its line: tools wait for exactly that.
fn announce(running: &Running, output: &Output) {
    let folder = running.folder.root().display().to_string();
    let sandbox = match running.workers.tier() {
        Tier::Namespace { root: true } => "namespaces",
        Tier::Namespace { root: false } => "namespaces without root",
        Tier::Process => "plain processes: functions are not separated from this machine",
    };
    let mut text = format!("Cloudling {} on {}", server::VERSION, running.url());
    let mut value =
        json!({ "version": server::VERSION, "address": running.url(), "data": folder, "sandbox": sandbox });
    if let Some(url) = running.encrypted_url() {
        text += &format!(" and {url}");
        value["encrypted_address"] = url.into();
    }
    text += &format!("\n  data in {folder}\n  functions in {sandbox}");
    if running.is_own_authority() {
        let file = running.authority_file().display().to_string();
        text += &format!("\n  clients trust {file} (AWS_CA_BUNDLE)");
        value["authority"] = file.into();
    }
    if let Some(key) = &running.first_key {
        text += &format!("\n\n{}\n", keys::made(key));
        value["first_key"] = keys::value(key);
    }
    output.result(&text, &value);
    if running.is_exposed_in_the_clear() {
        output.note(
            "Other machines can reach this server, and what they send can be read on the way: use --tls, --tls-cert, or a \
             proxy that encrypts.",
        );
    }
    line("Ready.");
}

/// Fills the SDK folder at first start, behind the running server.
fn install_missing(running: &Running, output: &Output) {
    let folder: PathBuf = running.folder.runtimes();
    let status = worker::runtimes::status(&folder);
    if !status.node.is_empty() && !status.python.is_empty() {
        return;
    }
    let is_json = output.is_json();
    let say = Arc::new(move |text: &str| {
        if !is_json {
            line(text);
        }
    });
    running.platform.tasks().spawn(&INSTALL, async move {
        say("Installing the AWS SDKs that functions find (once, in the background) …");
        match runtimes::install(&folder, &*say).await {
            Ok(()) => say("The AWS SDKs for functions are installed."),
            Err(error) => say(&format!(
                "The AWS SDKs for functions could not be installed: {error:#}\nFunctions that do not need them run all the \
                 same. Try again with `cloudling runtimes install`."
            )),
        }
        Ok(())
    });
}
