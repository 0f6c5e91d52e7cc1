//! A folder as a function: what runs it, and its zip.

use std::io::{Cursor, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use zip::write::{SimpleFileOptions, ZipWriter};

/// Lambda's limit for code sent inline. Larger code goes through S3.
const ZIP_BYTES_MAX: usize = 50 * 1024 * 1024;
const FILES_MAX: usize = 50_000;

/// What a folder's files say about how it runs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Detected {
    pub(crate) family: Family,
    pub(crate) handler: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Node,
    Python,
    Custom,
}

/// Looks at the top of the folder.
pub(crate) fn detect(folder: &Path) -> anyhow::Result<Detected> {
    if !folder.is_dir() {
        bail!("{} is not a folder", folder.display());
    }
    let has = |name: &str| folder.join(name).is_file();
    if has("bootstrap") {
        return Ok(Detected { family: Family::Custom, handler: "bootstrap".into() });
    }
    if ["index.js", "index.mjs", "index.cjs"].into_iter().any(has) {
        return Ok(Detected { family: Family::Node, handler: "index.handler".into() });
    }
    for module in ["lambda_function", "app", "main", "handler"] {
        if let Ok(source) = std::fs::read_to_string(folder.join(format!("{module}.py"))) {
            let function = if source.contains("def lambda_handler") { "lambda_handler" } else { "handler" };
            return Ok(Detected { family: Family::Python, handler: format!("{module}.{function}") });
        }
    }
    if let Some(main) = node_main(folder) {
        return Ok(Detected { family: Family::Node, handler: format!("{main}.handler") });
    }
    bail!(
        "nothing in {} looks like a function: it needs index.js, index.mjs, app.py, lambda_function.py or bootstrap at \
         its top, or say --runtime and --handler",
        folder.display()
    )
}

/// `main` of package.json without its extension.
fn node_main(folder: &Path) -> Option<String> {
    let package = std::fs::read(folder.join("package.json")).ok()?;
    let package: serde_json::Value = serde_json::from_slice(&package).ok()?;
    let main = package["main"].as_str()?.trim_start_matches("./");
    let stem = main
        .strip_suffix(".js")
        .or_else(|| main.strip_suffix(".mjs"))
        .or_else(|| main.strip_suffix(".cjs"))?;
    folder.join(main).is_file().then(|| stem.to_owned())
}

/// The folder's files; hidden ones are left out. The same files give the same bytes.
pub(crate) fn zip(folder: &Path) -> anyhow::Result<Vec<u8>> {
    let mut files = Vec::new();
    collect(folder, Path::new(""), &mut files)?;
    files.sort();
    if files.is_empty() {
        bail!(
            "{} has no files: a function needs index.js, index.mjs, app.py, lambda_function.py or bootstrap at its top",
            folder.display()
        );
    }
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for file in &files {
        let source = folder.join(file);
        let read = || format!("cannot read {}", source.display());
        let is_executable = source.metadata().with_context(read)?.permissions().mode() & 0o111 != 0;
        let options = SimpleFileOptions::default()
            .unix_permissions(if is_executable { 0o755 } else { 0o644 })
            .last_modified_time(zip::DateTime::default());
        archive.start_file(file.to_string_lossy(), options)?;
        archive.write_all(&std::fs::read(&source).with_context(read)?)?;
    }
    let bytes = archive.finish()?.into_inner();
    if bytes.len() > ZIP_BYTES_MAX {
        bail!(
            "{} is {} MiB as a zip, and code sent directly may have {} MiB: leave out what the function does not need",
            folder.display(),
            bytes.len() / (1024 * 1024),
            ZIP_BYTES_MAX / (1024 * 1024)
        );
    }
    Ok(bytes)
}

fn collect(folder: &Path, inside: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let here = folder.join(inside);
    let entries = std::fs::read_dir(&here).with_context(|| format!("cannot read {}", here.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", here.display()))?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = inside.join(entry.file_name());
        // Links are followed: what they point at is what the function needs.
        let kind =
            folder.join(&path).metadata().with_context(|| format!("cannot read {}", path.display()))?;
        if kind.is_dir() {
            collect(folder, &path, files)?;
        } else if kind.is_file() {
            files.push(path);
        }
        if files.len() > FILES_MAX {
            bail!("{} has more than {FILES_MAX} files", folder.display());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn files_at_the_top_tell_how_a_folder_runs() {
        for (files, family, handler) in [
            (vec![("index.js", "")], Family::Node, "index.handler"),
            (vec![("index.mjs", "")], Family::Node, "index.handler"),
            (
                vec![("package.json", r#"{"main":"./src/api.js"}"#), ("src/api.js", "")],
                Family::Node,
                "src/api.handler",
            ),
            (vec![("app.py", "def handler(event, context):")], Family::Python, "app.handler"),
            (vec![("app.py", "def lambda_handler(event, context):")], Family::Python, "app.lambda_handler"),
            (
                vec![("lambda_function.py", "def lambda_handler(e, c):")],
                Family::Python,
                "lambda_function.lambda_handler",
            ),
            (vec![("bootstrap", "")], Family::Custom, "bootstrap"),
        ] {
            let folder = folder(&files);
            assert_eq!(detect(folder.path()).unwrap(), Detected { family, handler: handler.into() });
        }
        let message = detect(folder(&[("readme.md", "")]).path()).unwrap_err().to_string();
        assert!(message.contains("index.js") && message.contains("--handler"), "{message}");
    }

    #[test]
    fn zips_are_the_same_for_the_same_files_and_leave_out_hidden_ones() {
        let files = [("index.js", "1"), ("lib/a.js", "2"), (".git/config", "x"), (".env", "secret")];
        let first = zip(folder(&files).path()).unwrap();
        assert_eq!(first, zip(folder(&files).path()).unwrap());
        let archive = zip::ZipArchive::new(Cursor::new(first)).unwrap();
        let mut names: Vec<_> = archive.file_names().map(str::to_owned).collect();
        names.sort();
        assert_eq!(names, ["index.js", "lib/a.js"]);
    }

    #[test]
    fn an_empty_folder_is_no_function() {
        assert!(zip(folder(&[(".hidden", "")]).path()).is_err());
    }
}
