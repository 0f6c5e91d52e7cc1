//! `cloudling up --demo`: the example users API, deployed and called like anybody would.

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};
use std::io::Write as _;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::client::Client;
use crate::commands::deploy::runtime_of;
use crate::functions::{self, Draft};
use crate::output::Output;
use crate::package::Family;
use crate::progress::waiting;

const NAME: &str = "users-api";
/// A handler in the shape of the AWS documentation: `httpMethod`, `path` and `body` in; `statusCode`, `headers` and
/// `body` out.
const SOURCE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/users-api/index.js"));

pub(crate) async fn run(client: &Client, output: &Output) -> anyhow::Result<()> {
    let runtime = runtime_of(Family::Node).await;
    if let worker::runtimes::Resolution::Missing { install } =
        worker::runtimes::resolve(std::path::Path::new(""), &runtime).await
    {
        bail!("the demo is a Node.js function, and Node.js is not installed: {install}");
    }
    let code = json!({ "ZipFile": STANDARD.encode(package()?) });
    let draft = Draft {
        name: NAME,
        runtime: &runtime,
        handler: "index.handler",
        code: &code,
        timeout_seconds: 10,
        memory_mib: 128,
        environment: &json!({}),
    };
    waiting(output, "deploying the example", functions::put(client, &draft)).await?;
    let function_url = functions::url(client, NAME).await?;
    let base = format!("{}/_aws/lambda-rest/{NAME}", client.endpoint());
    output.say(&format!(
        "\nDeployed examples/users-api as the function {NAME} ({runtime}). Calling it over HTTP:\n"
    ));
    let mut calls = Vec::new();
    let created = call(
        client,
        output,
        &mut calls,
        Method::POST,
        &format!("{base}/users"),
        Some(&json!({ "name": "Ada" })),
    )
    .await?;
    call(client, output, &mut calls, Method::GET, &format!("{base}/users"), None).await?;
    if let Some(id) = created.get("id").and_then(id_text) {
        call(client, output, &mut calls, Method::GET, &format!("{base}/users/{id}"), None).await?;
    }
    output.result(
        &format!(
            "\nIt stays up. Try:\n\
             \x20 curl {base}/users\n\
             \x20 curl -X POST {base}/users -H 'content-type: application/json' -d '{{\"name\": \"Grace\"}}'\n\
             \x20 cloudling --endpoint {endpoint} logs {NAME}\n\
             \x20 aws --endpoint-url {endpoint} lambda list-functions\n\n\
             Its function URL, with events of format 2.0: {function_url}\n\
             Stop with Ctrl-C.",
            endpoint = client.endpoint(),
        ),
        &json!({ "function": NAME, "rest_url": base, "function_url": function_url, "calls": calls }),
    );
    Ok(())
}

async fn call(
    client: &Client,
    output: &Output,
    calls: &mut Vec<Value>,
    method: Method,
    url: &str,
    body: Option<&Value>,
) -> anyhow::Result<Value> {
    let sent = body.map(Value::to_string).unwrap_or_default();
    let answer = waiting(output, "calling the example", client.plain(method.clone(), url, body)).await?;
    output.say(&format!(
        "  {method} {url} {sent}\n    → {} {}",
        answer.status.as_u16(),
        answer.text().trim_end()
    ));
    calls.push(json!({ "method": method.as_str(), "url": url, "body": body, "status": answer.status.as_u16(), "answer": answer.text() }));
    if !answer.status.is_success() {
        bail!(
            "the example answered {}: look at `cloudling --endpoint {} logs {NAME}`",
            answer.status,
            client.endpoint()
        );
    }
    answer.json()
}

fn id_text(id: &Value) -> Option<String> {
    match id {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn package() -> anyhow::Result<Vec<u8>> {
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("index.js", SimpleFileOptions::default().unix_permissions(0o644)).context("zip")?;
    archive.write_all(SOURCE.as_bytes()).context("zip")?;
    Ok(archive.finish().context("zip")?.into_inner())
}
