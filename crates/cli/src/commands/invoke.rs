//! `cloudling invoke`: one call, its answer, and on request the end of its log.

use std::io::Read as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::arguments::Invoke;
use crate::client::Client;
use crate::functions::{function_path, segment};
use crate::output::{self, Output};
use crate::progress::waiting;

pub(crate) async fn run(invoke: &Invoke, client: &Client, output: &Output) -> anyhow::Result<ExitCode> {
    let payload = payload(&invoke.payload)?;
    let mut path = format!("{}/invocations", function_path(&invoke.name));
    if let Some(qualifier) = &invoke.qualifier {
        path += &format!("?Qualifier={}", segment(qualifier));
    }
    let headers: &[(&'static str, &str)] = if invoke.tail { &[("x-amz-log-type", "Tail")] } else { &[] };
    let call = client.send("lambda", Method::POST, &path, headers, payload);
    let answer = waiting(output, &format!("waiting for {}", invoke.name), call).await?;
    if !answer.status.is_success() {
        let body = answer.json().unwrap_or_default();
        let message = body["message"].as_str().or(body["Message"].as_str()).unwrap_or_default().to_owned();
        if answer.status.as_u16() == 404 {
            bail!("{message}: `cloudling ls` shows the functions there are");
        }
        bail!("{}: {message}", answer.error_code());
    }
    let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    let log = match header("x-amz-log-result") {
        Some(encoded) => {
            String::from_utf8_lossy(&STANDARD.decode(encoded).context("the log is not base64")?).into_owned()
        }
        None => String::new(),
    };
    let error = header("x-amz-function-error");
    if output.is_json() {
        let payload: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|_| answer.text().into());
        output.result("", &json!({ "payload": payload, "function_error": error, "log": log }));
    } else {
        output::raw(&answer.body);
        if !log.is_empty() {
            output.note(log.trim_end());
        }
    }
    Ok(if error.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// JSON as given, from a file, or from standard input.
fn payload(argument: &str) -> anyhow::Result<Bytes> {
    let bytes = match argument.strip_prefix('@') {
        Some(file) => std::fs::read(file).with_context(|| format!("cannot read {file}"))?,
        None if argument == "-" => {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
            bytes
        }
        None => argument.as_bytes().to_vec(),
    };
    if let Err(error) = serde_json::from_slice::<Value>(&bytes) {
        bail!("the payload is not JSON: {error}");
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_json_from_here_or_from_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[1]").unwrap();
        assert_eq!(payload("{}").unwrap(), "{}");
        assert_eq!(payload(&format!("@{}", file.path().display())).unwrap(), "[1]");
        assert!(payload("{").unwrap_err().to_string().contains("not JSON"));
        assert!(payload("@/nowhere/at/all").unwrap_err().to_string().contains("/nowhere/at/all"));
    }
}
