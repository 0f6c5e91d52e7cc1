//! What this machine offers for sandboxes, in words an operator can act on.

use std::fs;

use super::Finding;
use super::cgroup::{Controller, available};
use crate::spawner::SECCOMP_ARCHITECTURE_KNOWN;

/// Oldest kernel with everything the namespace tier calls (`mount_setattr`).
const KERNEL_MIN: (u32, u32) = (5, 12);

/// Everything that decides how functions are run, most important first.
pub(super) fn findings() -> Vec<Finding> {
    let root = nix::unistd::geteuid().is_root();
    let parts = vec![kernel(), user_namespaces(), seccomp()];
    let namespaces = parts.iter().all(|finding| finding.ok);
    let mut findings = vec![tier(root, namespaces)];
    findings.extend(parts);
    findings.push(cgroups(root));
    findings.push(landlock());
    findings
}

fn tier(root: bool, namespaces: bool) -> Finding {
    let what = "sandbox tier";
    match (namespaces, root) {
        (true, true) => good(what, "namespace, as root: each sandbox has a user of its own".to_owned()),
        (true, false) => {
            good(what, "namespace, rootless: sandboxes run as this user in user namespaces".to_owned())
        }
        (false, _) => bad(
            what,
            "process: functions are NOT isolated, they can read and change everything this user can"
                .to_owned(),
            "see the findings below that are not ok",
        ),
    }
}

fn kernel() -> Finding {
    let what = "kernel";
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = release.trim();
    match version(release) {
        Some(found) if found >= KERNEL_MIN => good(what, format!("Linux {release}")),
        _ => bad(
            what,
            format!("Linux {release}"),
            &format!("sandboxes need Linux {}.{} or newer", KERNEL_MIN.0, KERNEL_MIN.1),
        ),
    }
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|letter: char| !letter.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn user_namespaces() -> Finding {
    let what = "user namespaces";
    let setting = |name: &str| -> Option<u64> {
        fs::read_to_string(format!("/proc/sys/{name}")).ok()?.trim().parse().ok()
    };
    if setting("user/max_user_namespaces") == Some(0) {
        return bad(what, "none allowed".to_owned(), "sysctl -w user.max_user_namespaces=10000");
    }
    if !fs::exists("/proc/self/ns/user").unwrap_or(false) {
        return bad(what, "not in this kernel".to_owned(), "use a kernel with CONFIG_USER_NS");
    }
    if !nix::unistd::geteuid().is_root() {
        if setting("kernel/unprivileged_userns_clone") == Some(0) {
            let fix = "sysctl -w kernel.unprivileged_userns_clone=1, or run as root";
            return bad(what, "only for root".to_owned(), fix);
        }
        if setting("kernel/apparmor_restrict_unprivileged_userns") == Some(1) {
            let fix = "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run as root";
            return bad(what, "AppArmor refuses them to ordinary programs".to_owned(), fix);
        }
    }
    good(what, "allowed".to_owned())
}

fn seccomp() -> Finding {
    let what = "system call filter (seccomp)";
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if !status.lines().any(|line| line.starts_with("Seccomp:")) {
        return bad(what, "not in this kernel".to_owned(), "use a kernel with CONFIG_SECCOMP_FILTER");
    }
    if !SECCOMP_ARCHITECTURE_KNOWN {
        let fix = "run on x86_64 or aarch64 for a filter; the other walls stand without it";
        return bad(what, format!("no filter for {}", std::env::consts::ARCH), fix);
    }
    good(what, "works".to_owned())
}

fn cgroups(root: bool) -> Finding {
    let what = "cgroups";
    let found = available();
    let names: Vec<_> = found.iter().map(|(controller, version)| controller.name(*version)).collect();
    let version = found.first().map_or("no", |(_, version)| version.text());
    let missing: Vec<_> = [Controller::Memory, Controller::Processor, Controller::Processes]
        .into_iter()
        .filter(|controller| !found.iter().any(|(found, _)| found == controller))
        .map(Controller::plain_name)
        .collect();
    if missing.is_empty() {
        return good(what, format!("{version} cgroups with {}", names.join(", ")));
    }
    let detail = format!(
        "{version} cgroups; not bounded by the kernel: {} (memory is then watched by polling, processes by a \
         resource limit, processor time not at all)",
        missing.join(", ")
    );
    let fix = if root {
        "mount the cgroup file systems, or give the container a writable cgroup"
    } else {
        "run under systemd with Delegate=yes (systemd-run --user --scope -p Delegate=yes …), or as root"
    };
    bad(what, detail, fix)
}

fn landlock() -> Finding {
    let what = "second wall against writing (Landlock)";
    const VERSION: libc::c_uint = 1;
    // SAFETY: asked for the version, the call takes no pointers.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0, VERSION) };
    if version > 0 {
        good(what, format!("version {version}"))
    } else {
        let fix = "start the kernel with lsm=landlock,… for a second wall; read-only mounts hold without it";
        bad(what, "not in this kernel".to_owned(), fix)
    }
}

fn good(what: &str, detail: String) -> Finding {
    Finding { what: what.to_owned(), ok: true, detail, fix: String::new() }
}

fn bad(what: &str, detail: String, fix: &str) -> Finding {
    Finding { what: what.to_owned(), ok: false, detail, fix: fix.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_versions_are_read() {
        assert_eq!(version("6.18.44-generic"), Some((6, 18)));
        assert_eq!(version("5.4"), Some((5, 4)));
        assert_eq!(version("unknown"), None);
    }

    #[test]
    fn whatever_is_not_ok_has_a_fix() {
        let findings = findings();
        assert_eq!(findings[0].what, "sandbox tier");
        for finding in findings {
            assert_eq!(finding.ok, finding.fix.is_empty(), "{finding:?}");
        }
    }
}
