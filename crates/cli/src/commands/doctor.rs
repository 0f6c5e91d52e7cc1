//! `cloudling doctor`: what functions need on this machine.

use std::process::ExitCode;

use http::Method;
use serde_json::json;
use worker::RuntimeKind;
use worker::sandbox::{Finding, Sandboxes};

use crate::arguments::Doctor;
use crate::client::Client;
use crate::output::Output;

pub(crate) async fn run(doctor: &Doctor, endpoint: &str, output: &Output) -> anyhow::Result<ExitCode> {
    if doctor.verify {
        return super::verify::run(&doctor.folders.data, output).await;
    }
    let folder = doctor.folders.runtimes();
    let mut findings = interpreters(&folder).await;
    findings.extend(sdks(&folder));
    // The probe starts processes and waits for them.
    findings.extend(tokio::task::spawn_blocking(Sandboxes::probe).await?);
    findings.push(server(endpoint).await);
    let is_fine = findings.iter().all(|finding| finding.ok || finding.fix.is_empty());
    let text: Vec<String> = findings
        .iter()
        .map(|finding| {
            let mark = if finding.ok { "ok     " } else { "missing" };
            let fix = if finding.ok || finding.fix.is_empty() {
                String::new()
            } else {
                format!("\n           → {}", finding.fix)
            };
            format!("{mark}  {}: {}{fix}", finding.what, finding.detail)
        })
        .collect();
    let value: Vec<_> = findings
        .iter()
        .map(|finding| json!({ "what": finding.what, "ok": finding.ok, "detail": finding.detail, "fix": finding.fix }))
        .collect();
    output.result(&text.join("\n"), &json!(value));
    Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn interpreters(folder: &std::path::Path) -> Vec<Finding> {
    let found = worker::runtimes::discover(folder).await;
    let mut findings = Vec::new();
    for (kind, name, requested) in
        [(RuntimeKind::Node, "Node.js", "nodejs22.x"), (RuntimeKind::Python, "Python", "python3.12")]
    {
        let all: Vec<String> = found
            .iter()
            .filter(|interpreter| interpreter.kind == kind)
            .map(|interpreter| format!("{} ({})", interpreter.version, interpreter.program.display()))
            .collect();
        let fix = match worker::runtimes::resolve(folder, requested).await {
            worker::runtimes::Resolution::Missing { install } => install,
            worker::runtimes::Resolution::Found { .. } => String::new(),
        };
        let detail = if all.is_empty() { "not found".to_owned() } else { all.join(", ") };
        findings.push(Finding { what: name.to_owned(), ok: !all.is_empty(), detail, fix });
    }
    findings
}

fn sdks(folder: &std::path::Path) -> Vec<Finding> {
    let status = worker::runtimes::status(folder);
    [("AWS SDKs for Node.js functions", status.node), ("AWS SDK for Python functions", status.python)]
        .into_iter()
        .map(|(what, packages)| {
            let names: Vec<String> =
                packages.iter().map(|(name, version)| format!("{name} {version}")).collect();
            Finding {
                what: what.to_owned(),
                ok: !names.is_empty(),
                detail: if names.is_empty() {
                    format!("not in {}", folder.display())
                } else {
                    names.join(", ")
                },
                fix: "cloudling runtimes install".to_owned(),
            }
        })
        .collect()
}

/// A server that is not running is nothing to mend.
async fn server(endpoint: &str) -> Finding {
    let health = match Client::new(endpoint) {
        Ok(client) => client.plain(Method::GET, &format!("{endpoint}/_cloudling/health"), None).await,
        Err(error) => Err(error),
    };
    match health {
        Ok(answer) if answer.status.is_success() => Finding {
            what: "server".into(),
            ok: true,
            detail: format!("running at {endpoint}"),
            fix: String::new(),
        },
        Ok(answer) => Finding {
            what: "server".into(),
            ok: false,
            detail: format!("{endpoint} answers {} and is not Cloudling", answer.status),
            fix: String::new(),
        },
        Err(error) => {
            Finding { what: "server".into(), ok: false, detail: error.to_string(), fix: String::new() }
        }
    }
}
