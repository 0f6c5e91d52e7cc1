//! `cloudling runtimes install`: the AWS SDKs that functions find without bundling them.

use std::path::Path;

use serde_json::json;

use crate::arguments::{Runtimes, RuntimesCommand};
use crate::output::Output;

pub(crate) async fn run(runtimes: &Runtimes, output: &Output) -> anyhow::Result<()> {
    let RuntimesCommand::Install(install_into) = &runtimes.command;
    let folder = install_into.folders.runtimes();
    install(&folder, &|text: &str| output.note(text)).await?;
    let status = worker::runtimes::status(&folder);
    let list = |packages: &[(String, String)]| {
        packages.iter().map(|(name, version)| format!("{name} {version}")).collect::<Vec<_>>().join(", ")
    };
    output.result(
        &format!("Node: {}\nPython: {}\nin {}", list(&status.node), list(&status.python), folder.display()),
        &json!({ "folder": folder.display().to_string(), "node": status.node, "python": status.python }),
    );
    Ok(())
}

/// Installs what is missing; `say` is told each step.
pub(crate) async fn install(folder: &Path, say: &(dyn Fn(&str) + Send + Sync)) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let progress =
        |step: worker::runtimes::Progress| say(&format!("[{}/{}] {}", step.step, step.steps, step.message));
    worker::runtimes::install(folder, &progress).await.map(drop)
}
