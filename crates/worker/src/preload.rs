//! Which part of the platform's SDK a function uses, so that it is given a worker that has it loaded.
//!
//! Found by a look at the code, once for each function. The look may be wrong without harm: a function
//! that resolves a module of its own gets its own, whatever the worker has loaded, and one whose use is
//! not seen loads the SDK itself.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::function::{Function, RuntimeKind};

/// Files and bytes looked at, and folders below each other; what lies beyond is not seen.
const SCAN_FILES_MAX: usize = 500;
const SCAN_BYTES_MAX: u64 = 8 * 1024 * 1024;
const SCAN_DEPTH_MAX: usize = 8;

/// Functions whose use of the SDK is remembered.
const REMEMBERED_MAX: usize = 10_000;

/// What a worker without a function has loaded ahead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) enum Preload {
    #[default]
    Nothing,
    /// SDK for JavaScript version 3, for `require`: the clients of S3 and DynamoDB and, with them, the core
    /// every client uses. 15 MiB of memory.
    RequireSdk3,
    /// The same for `import` too, which reads each package once more. 17 MiB.
    ImportSdk3,
    /// SDK for JavaScript version 2. 13 MiB.
    RequireSdk2,
    /// boto3, with the descriptions of S3 and DynamoDB. 35 MiB.
    Boto3,
}

impl Preload {
    /// Below the platform folder; it is there when the SDK is installed.
    fn mark(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::RequireSdk3 | Self::ImportSdk3 => {
                Some("nodejs/node_modules/@aws-sdk/client-s3/package.json")
            }
            Self::RequireSdk2 => Some("nodejs/node_modules/aws-sdk/package.json"),
            Self::Boto3 => Some("python/boto3/__init__.py"),
        }
    }

    /// The runtimes it is for; none when it is for all.
    pub(crate) fn kind(self) -> Option<RuntimeKind> {
        match self {
            Self::Nothing => None,
            Self::RequireSdk3 | Self::ImportSdk3 | Self::RequireSdk2 => Some(RuntimeKind::Node),
            Self::Boto3 => Some(RuntimeKind::Python),
        }
    }

    /// Whether there is something to load.
    pub(crate) fn is_installed(self, platform_dir: &Path) -> bool {
        self.mark().is_some_and(|mark| platform_dir.join(mark).is_file())
    }

    /// What our runtime client is told; `runtime_dir` is the platform folder as the client sees it.
    pub(crate) fn arguments(self, runtime_dir: &Path) -> Vec<std::ffi::OsString> {
        let modules = || runtime_dir.join("nodejs/node_modules").into();
        match self {
            Self::Nothing => Vec::new(),
            Self::RequireSdk3 => vec![modules(), "require".into(), SDK_3.into()],
            Self::ImportSdk3 => vec![modules(), "import".into(), SDK_3.into()],
            Self::RequireSdk2 => vec![modules(), "require".into(), "aws-sdk".into()],
            Self::Boto3 => vec![runtime_dir.join("python").into()],
        }
    }
}

/// Packages of version 3, the most used ones first.
const SDK_3: &str = "@aws-sdk/client-s3,@aws-sdk/client-dynamodb,@aws-sdk/lib-dynamodb";

/// What was found, by the keys of functions.
#[derive(Debug, Default)]
pub(crate) struct Preloads {
    known: std::sync::Mutex<HashMap<String, Preload>>,
}

impl Preloads {
    /// What `function` would have loaded. The first time its code is read, on a thread for such work.
    pub(crate) async fn of(&self, function: &Function) -> Preload {
        if function.runtime == RuntimeKind::Custom {
            return Preload::Nothing;
        }
        if let Some(known) = self.lock().get(&function.key) {
            return *known;
        }
        let (kind, code, opt) = (function.runtime, function.code.clone(), function.opt.clone());
        let found = tokio::task::spawn_blocking(move || look(kind, &code, opt.as_deref()));
        let found = found.await.unwrap_or_default();
        let mut known = self.lock();
        if known.len() >= REMEMBERED_MAX {
            // Looking again is cheap.
            known.clear();
        }
        known.insert(function.key.clone(), found);
        found
    }

    pub(crate) fn forget(&self, key_prefix: &str) {
        self.lock().retain(|key, _| !key.starts_with(key_prefix));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Preload>> {
        // Held for single changes only: a panicking holder leaves nothing half done.
        self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn look(kind: RuntimeKind, code: &Path, opt: Option<&Path>) -> Preload {
    let brings = |folders: &[&str]| {
        let places = [Some(code), opt];
        places.iter().flatten().any(|place| folders.iter().any(|folder| place.join(folder).is_dir()))
    };
    let mut seen = Seen::default();
    let mut budget = Budget { files: SCAN_FILES_MAX, bytes: SCAN_BYTES_MAX };
    match kind {
        RuntimeKind::Custom => Preload::Nothing,
        RuntimeKind::Python => {
            if brings(&["boto3", "python/boto3"]) {
                return Preload::Nothing;
            }
            scan(code, 0, &["py"], &mut budget, &mut |text| seen.boto3 |= imports_boto3(text));
            if seen.boto3 { Preload::Boto3 } else { Preload::Nothing }
        }
        RuntimeKind::Node => {
            let extensions = ["js", "cjs", "mjs"];
            scan(code, 0, &extensions, &mut budget, &mut |text| seen.add(text));
            let own_3 = brings(&["node_modules/@aws-sdk", "nodejs/node_modules/@aws-sdk"]);
            let own_2 = brings(&["node_modules/aws-sdk", "nodejs/node_modules/aws-sdk"]);
            match seen {
                Seen { import_3: true, .. } if !own_3 => Preload::ImportSdk3,
                Seen { require_3: true, .. } if !own_3 => Preload::RequireSdk3,
                Seen { version_2: true, .. } if !own_2 => Preload::RequireSdk2,
                _ => Preload::Nothing,
            }
        }
    }
}

#[derive(Debug, Default)]
struct Seen {
    require_3: bool,
    import_3: bool,
    version_2: bool,
    boto3: bool,
}

impl Seen {
    /// Looks for `require('@aws-sdk/…')`, `from "@aws-sdk/…"`, `import('@aws-sdk/…')` and the same of
    /// `aws-sdk`. A bundle that only holds the SDK's text has none of them.
    fn add(&mut self, text: &[u8]) {
        for at in places(text, b"aws-sdk") {
            let (version_3, start) = match text[..at].last() {
                Some(b'@') => (true, at - 1),
                _ => (false, at),
            };
            let Some((quote, before)) = text[..start].split_last() else { continue };
            let after = text.get(at + b"aws-sdk".len());
            if !matches!(quote, b'"' | b'\'' | b'`') || version_3 && after != Some(&b'/') {
                continue;
            }
            if !version_3 && !matches!(after, Some(after) if *after == *quote || *after == b'/') {
                continue;
            }
            let before = before.trim_ascii_end();
            let called = before.strip_suffix(b"(").map(<[u8]>::trim_ascii_end);
            let required = called.is_some_and(|called| called.ends_with(b"require"));
            let imported = before.ends_with(b"from")
                || before.ends_with(b"import")
                || called.is_some_and(|called| called.ends_with(b"import"));
            self.require_3 |= version_3 && required;
            self.import_3 |= version_3 && imported;
            self.version_2 |= !version_3 && (required || imported);
        }
    }
}

fn imports_boto3(text: &[u8]) -> bool {
    places(text, b"boto3").any(|at| {
        let before = text[..at].trim_ascii_end();
        at > before.len()
            && (before.ends_with(b"import") || before.ends_with(b"from") || before.ends_with(b","))
    })
}

fn places<'a>(text: &'a [u8], word: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let first = word[0];
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let at = from + text[from..].iter().position(|byte| *byte == first)?;
            from = at + 1;
            if text[at..].starts_with(word) {
                return Some(at);
            }
        }
    })
}

struct Budget {
    files: usize,
    bytes: u64,
}

/// Shows `look` the files with one of these extensions, but for installed packages.
fn scan(folder: &Path, depth: usize, extensions: &[&str], budget: &mut Budget, look: &mut impl FnMut(&[u8])) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut folders: Vec<PathBuf> = Vec::new();
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        if kind.is_dir() && entry.file_name() != "node_modules" {
            folders.push(path);
        } else if kind.is_file()
            && path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted))
        {
            if budget.files == 0 || budget.bytes == 0 {
                return;
            }
            let mut text = Vec::new();
            let read = File::open(&path).and_then(|file| file.take(budget.bytes).read_to_end(&mut text));
            budget.files -= 1;
            budget.bytes = budget.bytes.saturating_sub(text.len() as u64);
            if read.is_ok() {
                look(&text);
            }
        }
    }
    if depth < SCAN_DEPTH_MAX {
        for folder in folders {
            scan(&folder, depth + 1, extensions, budget, look);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: RuntimeKind, files: &[(&str, &str)], expected: Preload) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        assert_eq!(look(kind, folder.path(), None), expected, "{files:?}");
    }

    #[test]
    fn what_node_code_uses_is_seen() {
        let node = |files: &[(&str, &str)], expected| check(RuntimeKind::Node, files, expected);
        node(&[("index.js", "const s3 = require('@aws-sdk/client-s3')")], Preload::RequireSdk3);
        node(&[("index.js", "var a=require( \"@aws-sdk/client-sqs\" )")], Preload::RequireSdk3);
        node(&[("src/a.mjs", "import{S3Client}from\"@aws-sdk/client-s3\"")], Preload::ImportSdk3);
        node(&[("index.mjs", "await import('@aws-sdk/client-s3')")], Preload::ImportSdk3);
        node(&[("index.js", "const AWS = require('aws-sdk');")], Preload::RequireSdk2);
        node(&[("index.js", "require('aws-sdk/clients/s3')")], Preload::RequireSdk2);
        // A bundle that holds the SDK, a look-alike, and code without it.
        node(&[("index.js", "// node_modules/@aws-sdk/core\nn='@aws-sdk/client-s3'")], Preload::Nothing);
        node(&[("index.js", "require('aws-sdk-mock'); require('not-aws-sdk')")], Preload::Nothing);
        node(&[("index.js", "exports.handler = 1")], Preload::Nothing);
    }

    #[test]
    fn a_function_with_its_own_copy_needs_none() {
        let own = ("node_modules/@aws-sdk/client-s3/index.js", "require('@aws-sdk/core')");
        check(RuntimeKind::Node, &[("index.js", "require('@aws-sdk/client-s3')"), own], Preload::Nothing);
        check(
            RuntimeKind::Python,
            &[("app.py", "import boto3"), ("boto3/__init__.py", "")],
            Preload::Nothing,
        );
    }

    #[test]
    fn what_python_code_uses_is_seen() {
        let python = |text, expected| check(RuntimeKind::Python, &[("app.py", text)], expected);
        python("import boto3\n", Preload::Boto3);
        python("from boto3.dynamodb.conditions import Key", Preload::Boto3);
        python("import json, boto3", Preload::Boto3);
        python("boto3 = None", Preload::Nothing);
        python("import myboto3", Preload::Nothing);
    }
}
