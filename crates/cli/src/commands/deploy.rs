//! `cloudling deploy`: a folder becomes a function with a URL.

use std::path::Path;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use worker::RuntimeKind;

use crate::arguments::Deploy;
use crate::client::Client;
use crate::functions::{self, Deployed, Draft};
use crate::output::Output;
use crate::package::{self, Detected, Family};
use crate::progress::waiting;

/// Versions that the API knows; the newest installed one of them is asked for.
const NODE_MAJORS: [u32; 4] = [18, 20, 22, 24];
const PYTHON_MINORS: std::ops::RangeInclusive<u32> = 9..=14;

pub(crate) async fn run(deploy: &Deploy, client: &Client, output: &Output) -> anyhow::Result<()> {
    let name = match &deploy.name {
        Some(name) => name.clone(),
        None => folder_name(&deploy.folder)?,
    };
    let code = json!({ "ZipFile": STANDARD.encode(package::zip(&deploy.folder)?) });
    function(deploy, &name, &code, client, output).await
}

/// The folder as a function with this code.
pub(crate) async fn function(
    deploy: &Deploy,
    name: &str,
    code: &Value,
    client: &Client,
    output: &Output,
) -> anyhow::Result<()> {
    let (runtime, handler) = match (&deploy.runtime, &deploy.handler) {
        (Some(runtime), Some(handler)) => (runtime.clone(), handler.clone()),
        (runtime, handler) => {
            let Detected { family, handler: found } = package::detect(&deploy.folder)?;
            let runtime = match runtime {
                Some(runtime) => runtime.clone(),
                None => runtime_of(family).await,
            };
            (runtime, handler.clone().unwrap_or(found))
        }
    };
    let environment = environment(&deploy.environment)?;
    let draft = Draft {
        name,
        runtime: &runtime,
        handler: &handler,
        code,
        timeout_seconds: deploy.timeout,
        memory_mib: deploy.memory,
        environment: &environment,
    };
    let deployed = waiting(output, &format!("deploying {name}"), functions::put(client, &draft)).await?;
    let url = if deploy.no_url { None } else { Some(functions::url(client, name).await?) };
    let verb = match deployed {
        Deployed::Created => "created",
        Deployed::Updated => "updated",
    };
    let mut text = format!("{verb} {name} ({runtime}, {handler})");
    if let Some(url) = &url {
        text += &format!("\n  {url}");
        if let Some(path) = functions::path_url(client, url) {
            text += &format!("\n  {path}");
        }
    }
    text += &format!("\n  cloudling invoke {name} --payload '{{}}'");
    output.result(
        &text,
        &json!({ "name": name, "action": verb, "runtime": runtime, "handler": handler, "url": url }),
    );
    Ok(())
}

pub(crate) fn folder_name(folder: &Path) -> anyhow::Result<String> {
    let full = folder.canonicalize().with_context(|| format!("folder {}", folder.display()))?;
    let name =
        full.file_name().context("say the function's name with --name")?.to_string_lossy().into_owned();
    // Function names allow letters, digits, hyphens and underscores.
    Ok(name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '-' })
        .collect())
}

/// The runtime that is installed here, under its name in the API.
pub(crate) async fn runtime_of(family: Family) -> String {
    let kind = match family {
        Family::Node => RuntimeKind::Node,
        Family::Python => RuntimeKind::Python,
        Family::Custom => return "provided.al2023".into(),
    };
    let found = worker::runtimes::discover(Path::new("")).await;
    let versions =
        || found.iter().filter(|interpreter| interpreter.kind == kind).map(|interpreter| interpreter.version);
    match family {
        Family::Node => match versions().find(|version| NODE_MAJORS.contains(&version.major)) {
            Some(version) => format!("nodejs{}.x", version.major),
            None => "nodejs22.x".into(),
        },
        _ => match versions().find(|version| version.major == 3 && PYTHON_MINORS.contains(&version.minor)) {
            Some(version) => format!("python3.{}", version.minor),
            None => "python3.12".into(),
        },
    }
}

fn environment(pairs: &[String]) -> anyhow::Result<Value> {
    let mut variables = serde_json::Map::new();
    for pair in pairs {
        let Some((name, value)) = pair.split_once('=') else {
            bail!("--env {pair}: write NAME=VALUE");
        };
        variables.insert(name.to_owned(), value.into());
    }
    Ok(Value::Object(variables))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_pairs() {
        assert_eq!(environment(&["A=1".into(), "B=x=y".into()]).unwrap(), json!({ "A": "1", "B": "x=y" }));
        assert!(environment(&["A".into()]).unwrap_err().to_string().contains("NAME=VALUE"));
    }

    #[test]
    fn folder_names_become_function_names() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("my api.v2");
        std::fs::create_dir(&folder).unwrap();
        assert_eq!(folder_name(&folder).unwrap(), "my-api-v2");
    }
}
