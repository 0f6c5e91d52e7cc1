//! `cloudling dev`: the cloud with the functions of a folder, which run as they are saved.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use futures_util::future::try_join_all;
use serde_json::json;

use crate::arguments::{Deploy, Dev, Logs, ModeName};
use crate::client::Client;
use crate::commands::{deploy, logs, up};
use crate::output::Output;
use crate::package;

/// The bucket that stands for the machine's own folders.
const BUCKET: &str = "hot-reload";
/// Functions that one folder may hold.
const FUNCTIONS_MAX: usize = 100;

pub(crate) async fn run(dev: Dev, output: &Output) -> anyhow::Result<()> {
    let Dev { up, folders, environment } = dev;
    if matches!(up.mode, ModeName::Secure) {
        bail!("functions that run from a folder exist in development only: leave out --mode secure");
    }
    let mut functions = Vec::new();
    for folder in &folders {
        functions.extend(functions_in(folder)?);
    }
    up::serve(up, output, async |client| {
        let mut names = Vec::new();
        for folder in functions {
            names.push(put(&client, folder, &environment, output).await?);
        }
        let following = names.into_iter().map(|name| {
            let client = &client;
            async move { logs::run(&Logs { name, follow: true }, client, output).await }
        });
        try_join_all(following).await.map(drop)
    })
    .await
}

/// The folder itself when it is a function, else those in it that are.
fn functions_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let folder = folder.canonicalize().with_context(|| format!("folder {}", folder.display()))?;
    let refused = match package::detect(&folder) {
        Ok(_) => return Ok(vec![folder]),
        Err(refused) => refused,
    };
    let mut found = Vec::new();
    for entry in folder.read_dir().with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry.with_context(|| format!("cannot read {}", folder.display()))?.path();
        if path.is_dir() && package::detect(&path).is_ok() {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(refused);
    }
    if found.len() > FUNCTIONS_MAX {
        bail!("{} holds {} functions, more than {FUNCTIONS_MAX}", folder.display(), found.len());
    }
    Ok(found)
}

async fn put(
    client: &Client,
    folder: PathBuf,
    environment: &[String],
    output: &Output,
) -> anyhow::Result<String> {
    let name = deploy::folder_name(&folder)?;
    let code = json!({ "S3Bucket": BUCKET, "S3Key": folder });
    let deploy = Deploy {
        folder,
        name: None,
        runtime: None,
        handler: None,
        timeout: 30,
        memory: 256,
        environment: environment.to_vec(),
        no_url: false,
    };
    deploy::function(&deploy, &name, &code, client, output).await?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_a_function_or_holds_some() {
        let folder = tempfile::tempdir().unwrap();
        assert!(functions_in(folder.path()).is_err());
        for name in ["b/app.py", "a/index.js", "none/readme.md"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let names = |found: Vec<PathBuf>| -> Vec<String> {
            found.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(names(functions_in(folder.path()).unwrap()), ["a", "b"]);
        assert_eq!(names(functions_in(&folder.path().join("b")).unwrap()), ["b"]);
    }
}
