//! Our runtime clients: the programs inside a sandbox that load and call a Node or Python function.
//!
//! They are part of this binary and written out at start, so that they always speak its frames.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::function::RuntimeKind;

const FILES: [(&str, &str); 13] = [
    ("node/channel.cjs", include_str!("clients/node/channel.cjs")),
    ("node/console.cjs", include_str!("clients/node/console.cjs")),
    ("node/empty.mjs", include_str!("clients/node/empty.mjs")),
    ("node/errors.cjs", include_str!("clients/node/errors.cjs")),
    ("node/handler.cjs", include_str!("clients/node/handler.cjs")),
    ("node/main.cjs", include_str!("clients/node/main.cjs")),
    ("node/preload.cjs", include_str!("clients/node/preload.cjs")),
    ("node/streaming.cjs", include_str!("clients/node/streaming.cjs")),
    ("python/channel.py", include_str!("clients/python/channel.py")),
    ("python/context.py", include_str!("clients/python/context.py")),
    ("python/handler.py", include_str!("clients/python/handler.py")),
    ("python/logs.py", include_str!("clients/python/logs.py")),
    ("python/preload.py", include_str!("clients/python/preload.py")),
];
const PYTHON_MAIN: (&str, &str) = ("python/main.py", include_str!("clients/python/main.py"));

/// Writes the clients below `platform_dir` and gives their folder, relative to it. The name of the
/// folder follows from the content: servers of different versions may share a platform folder.
///
/// # Errors
/// When the files cannot be written.
pub(crate) fn write(platform_dir: &Path) -> anyhow::Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    FILES.hash(&mut hasher);
    PYTHON_MAIN.hash(&mut hasher);
    let relative = PathBuf::from(format!("client/{:016x}", hasher.finish()));
    let folder = platform_dir.join(&relative);
    // Written last, this file tells that the others are there.
    if fs::read_to_string(folder.join(PYTHON_MAIN.0)).is_ok_and(|text| text == PYTHON_MAIN.1) {
        return Ok(relative);
    }
    for (name, text) in FILES.into_iter().chain([PYTHON_MAIN]) {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(&folder);
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        let temporary = path.with_extension(format!("{}.new", std::process::id()));
        fs::write(&temporary, text).with_context(|| format!("cannot write {}", temporary.display()))?;
        fs::rename(&temporary, &path).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(relative)
}

/// Arguments that make an interpreter run its client, whose folder is `folder`.
pub(crate) fn arguments(kind: RuntimeKind, folder: &Path) -> Vec<std::ffi::OsString> {
    match kind {
        RuntimeKind::Node => vec![folder.join("node/main.cjs").into()],
        // Without the host's site packages, and without writing bytecode into the function's folder.
        RuntimeKind::Python => vec!["-S".into(), "-B".into(), folder.join("python/main.py").into()],
        RuntimeKind::Custom => Vec::new(),
    }
}
