//! Which installed interpreter runs a requested runtime.

use super::{Found, Resolution, Version};
use crate::function::RuntimeKind;

/// Oldest versions our runtime clients run on.
const NODE_MAJOR_MIN: u32 = 16;
const PYTHON_MINOR_MIN: u32 = 8;

/// The exact version, else the next newer one, else the newest.
pub(super) fn choose(found: &[Found], requested: &str) -> Resolution {
    let Some((kind, wanted)) = parse(requested) else {
        return Resolution::Missing { install: format!("{requested} is not a runtime of this platform") };
    };
    let usable = found.iter().filter(|found| found.kind == kind && release(found) >= oldest(kind));
    let best = usable.min_by_key(|found| {
        let offered = release(found);
        let distance = offered.abs_diff(wanted);
        // Exact first, newer before older, near before far; of one release the newest patch.
        (offered != wanted, offered < wanted, distance, std::cmp::Reverse(found.version))
    });
    match best {
        None => Resolution::Missing { install: install_command(kind, requested) },
        Some(interpreter) => {
            let warning = (release(interpreter) != wanted).then(|| {
                format!(
                    "{requested} is not installed: functions run on {} {}",
                    name(kind),
                    interpreter.version
                )
            });
            Resolution::Found { interpreter: interpreter.clone(), warning }
        }
    }
}

/// The number that makes a release of the language: Node's major, Python's minor version.
fn release(found: &Found) -> u32 {
    let Version { major, minor, .. } = found.version;
    match found.kind {
        RuntimeKind::Python if major == 3 => minor,
        RuntimeKind::Python => 0,
        _ => major,
    }
}

fn oldest(kind: RuntimeKind) -> u32 {
    if kind == RuntimeKind::Python { PYTHON_MINOR_MIN } else { NODE_MAJOR_MIN }
}

fn parse(requested: &str) -> Option<(RuntimeKind, u32)> {
    if let Some(major) = requested.strip_prefix("nodejs") {
        return Some((RuntimeKind::Node, major.strip_suffix(".x")?.parse().ok()?));
    }
    Some((RuntimeKind::Python, requested.strip_prefix("python3.")?.parse().ok()?))
}

fn name(kind: RuntimeKind) -> &'static str {
    if kind == RuntimeKind::Python { "Python" } else { "Node.js" }
}

fn install_command(kind: RuntimeKind, requested: &str) -> String {
    let python = kind == RuntimeKind::Python;
    let command = match package_manager() {
        "apt-get" if python => "apt-get install -y python3",
        "apt-get" => "apt-get install -y nodejs",
        "dnf" if python => "dnf install -y python3",
        "dnf" => "dnf install -y nodejs",
        "apk" if python => "apk add python3",
        "apk" => "apk add nodejs",
        "brew" if python => "brew install python",
        _ if python => "see https://www.python.org/downloads",
        "brew" => "brew install node",
        _ => "see https://nodejs.org/en/download",
    };
    format!("{requested} needs {}, which is not installed; install it with: {command}", name(kind))
}

fn package_manager() -> &'static str {
    let folders: Vec<_> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    ["apt-get", "dnf", "apk", "brew"]
        .into_iter()
        .find(|name| folders.iter().any(|folder| folder.join(name).is_file()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(kind: RuntimeKind, major: u32, minor: u32) -> Found {
        let version = Version { major, minor, patch: 1 };
        Found { kind, version, program: format!("/{major}.{minor}").into(), prefix: "/".into() }
    }

    fn chosen(requested: &str) -> (String, bool) {
        use RuntimeKind::{Node, Python};
        let found = [
            installed(Node, 22, 4),
            installed(Node, 20, 9),
            installed(Node, 12, 0),
            installed(Python, 3, 13),
            installed(Python, 3, 11),
            installed(Python, 3, 6),
        ];
        match choose(&found, requested) {
            Resolution::Found { interpreter, warning } => {
                (interpreter.version.to_string(), warning.is_some())
            }
            Resolution::Missing { install } => (install, false),
        }
    }

    #[test]
    fn the_closest_version_runs() {
        for (requested, version, warns) in [
            ("nodejs20.x", "20.9.1", false),
            ("nodejs18.x", "20.9.1", true),
            ("nodejs24.x", "22.4.1", true),
            ("nodejs12.x", "20.9.1", true),
            ("python3.11", "3.11.1", false),
            ("python3.12", "3.13.1", true),
            ("python3.14", "3.13.1", true),
            ("python3.7", "3.11.1", true),
        ] {
            assert_eq!(chosen(requested), (version.to_owned(), warns), "{requested}");
        }
    }

    #[test]
    fn a_missing_runtime_names_the_command() {
        let Resolution::Missing { install } = choose(&[], "nodejs20.x") else { panic!("found in nothing") };
        assert!(
            install.starts_with("nodejs20.x needs Node.js, which is not installed; install it with: "),
            "{install}"
        );
        let (message, _) = chosen("java21");
        assert_eq!(message, "java21 is not a runtime of this platform");
    }
}
