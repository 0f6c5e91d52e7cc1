//! Where interpreters are installed. Looks at names and links only.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::function::RuntimeKind;

/// An interpreter whose version is not known yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) prefix: PathBuf,
    is_node: bool,
}

impl Program {
    pub(super) fn kind(&self) -> RuntimeKind {
        if self.is_node { RuntimeKind::Node } else { RuntimeKind::Python }
    }
}

const USUAL_FOLDERS: [&str; 4] = ["/usr/local/bin", "/usr/bin", "/bin", "/opt/homebrew/bin"];

/// Version managers keep one folder a version, each with a `bin`.
const MANAGERS: [&str; 7] = [
    ".pyenv/versions",
    ".local/share/uv/python",
    ".nvm/versions/node",
    ".local/share/mise/installs/node",
    ".local/share/mise/installs/python",
    ".asdf/installs/nodejs",
    ".asdf/installs/python",
];

/// What lies here is replaced by a sandbox's own, and comes and goes on the host.
const UNSUITABLE: [&str; 4] = ["/tmp", "/proc", "/sys", "/dev"];

pub(super) fn programs() -> Vec<Program> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> =
        std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    folders.extend(USUAL_FOLDERS.map(PathBuf::from));
    if let Some(home) = std::env::var_os("HOME") {
        for manager in MANAGERS {
            let versions = fs::read_dir(Path::new(&home).join(manager)).into_iter().flatten().flatten();
            folders.extend(versions.map(|version| version.path().join("bin")));
        }
    }
    let mut programs = programs_in(&folders);
    programs.retain(|program| !UNSUITABLE.iter().any(|folder| program.prefix.starts_with(folder)));
    programs
}

fn programs_in(folders: &[PathBuf]) -> Vec<Program> {
    let mut programs = BTreeSet::new();
    for folder in folders {
        let names = fs::read_dir(folder).into_iter().flatten().flatten();
        for name in names {
            let file_name = name.file_name();
            let Some(kind) = file_name.to_str().and_then(kind_of) else { continue };
            if let Some(program) = program(&name.path(), kind) {
                programs.insert(program);
            }
        }
    }
    programs.into_iter().collect()
}

fn kind_of(name: &str) -> Option<RuntimeKind> {
    match name {
        "node" | "nodejs" => Some(RuntimeKind::Node),
        "python3" => Some(RuntimeKind::Python),
        _ => {
            let minor = name.strip_prefix("python3.")?;
            (!minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit()))
                .then_some(RuntimeKind::Python)
        }
    }
}

/// The real program behind a name. A script, such as a shim of a version manager, is none.
fn program(path: &Path, kind: RuntimeKind) -> Option<Program> {
    let path = path.canonicalize().ok()?;
    let metadata = path.metadata().ok()?;
    if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
        return None;
    }
    let mut first = [0; 2];
    File::open(&path).ok()?.read_exact(&mut first).ok()?;
    if first == *b"#!" {
        return None;
    }
    let folder = path.parent()?;
    let prefix = match folder.file_name() {
        Some(name) if name == "bin" => {
            folder.parent().filter(|prefix| *prefix != Path::new("/")).unwrap_or(folder)
        }
        _ => folder,
    };
    Some(Program { prefix: prefix.to_owned(), is_node: kind == RuntimeKind::Node, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_interpreters() {
        assert_eq!(kind_of("node"), Some(RuntimeKind::Node));
        assert_eq!(kind_of("python3.12"), Some(RuntimeKind::Python));
        for other in ["python", "python2.7", "python3.12-config", "python3.", "nodemon", "python3.x"] {
            assert_eq!(kind_of(other), None, "{other}");
        }
    }

    #[test]
    fn links_are_followed_and_scripts_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (real, shims) = (root.join("3.12.1/bin"), root.join("shims"));
        fs::create_dir_all(&real).unwrap();
        fs::create_dir_all(&shims).unwrap();
        let write = |path: PathBuf, text: &str| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        };
        write(real.join("python3.12"), "\x7fELF");
        std::os::unix::fs::symlink("python3.12", real.join("python3")).unwrap();
        write(shims.join("python3"), "#!/bin/sh\n");
        let found = programs_in(&[shims, real.clone(), root.join("missing")]);
        let expected = Program { path: real.join("python3.12"), prefix: root.join("3.12.1"), is_node: false };
        assert_eq!(found, [expected]);
    }
}
