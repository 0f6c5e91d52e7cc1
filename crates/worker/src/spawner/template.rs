//! The template: the read-only root that every sandbox is born into.
//!
//! A small tmpfs that shows the host's programs and libraries, the interpreters, a few devices and a
//! made-up `/etc`. Nothing else of the host is in it: no data folder, no home, no `/sys`, no `/run`.

use std::ffi::CString;
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail};

use super::certificates::{self, AUTHORITY_FILE, BUNDLE_FILE, BUNDLES};
use super::protocol::Config;
use super::serve::{GROUP_INSIDE, USER_INSIDE};
use super::sys::{self, Devices};

/// Size of the template itself: folders, links and a few small files.
const TEMPLATE_MEBIBYTES: u32 = 16;

/// Shown as they are on the host: a link stays a link, a folder is shown with what is mounted below it.
const PROGRAMS: &[&str] =
    &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix", "/etc/alternatives"];
/// Certificates, where the common systems keep them.
const CERTIFICATES: &[&str] =
    &["/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/pki/ca-trust", "/etc/ca-certificates"];
/// Files copied from the host.
const COPIED: &[&str] = &[
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/mime.types",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl/openssl.cnf",
    "/etc/ssl/cert.pem",
];
/// Largest file copied.
const COPIED_BYTES_MAX: u64 = 2 * 1024 * 1024;

const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];
/// Links that programs expect in `/dev`.
const DEVICE_LINKS: &[(&str, &str)] = &[
    ("/proc/self/fd", "/dev/fd"),
    ("/proc/self/fd/0", "/dev/stdin"),
    ("/proc/self/fd/1", "/dev/stdout"),
    ("/proc/self/fd/2", "/dev/stderr"),
];

/// Import statements of Node look for `node_modules` in every folder above the code, and nowhere else:
/// so they find what layers bring, then what the platform has.
const MODULE_LINKS: &[(&str, &str)] = &[
    ("/opt/nodejs/node_modules", "/var/node_modules"),
    ("/var/runtime/nodejs/node_modules", "/node_modules"),
];

/// Empty in the template: each sandbox mounts its own over them.
const PLACES: &[&str] = &["/proc", "/tmp", "/var/task", "/opt", "/var/runtime"];
/// An interpreter below one of these would be hidden in a sandbox.
const HIDDEN: &[&str] = &["/proc", "/tmp", "/var/task", "/dev", "/sys", "/var/runtime"];

/// Builds the template and makes it this process's root, in a mount namespace of its own.
pub(super) fn enter(config: &Config) -> anyhow::Result<()> {
    sys::unshare(libc::CLONE_NEWNS).context("no second mount namespace")?;
    sys::change_propagation("/", libc::MS_PRIVATE).context("the mounts cannot be separated")?;
    let root = Root { path: config.template.clone() };
    let options = CString::new(format!("mode=755,size={TEMPLATE_MEBIBYTES}m"))?;
    let target = sys::c_path(&root.path)?;
    sys::mount(c"tmpfs", &target, libc::MS_NOSUID | libc::MS_NODEV, &options)
        .with_context(|| format!("cannot mount over {}", root.path.display()))?;

    for place in PLACES {
        root.folder(place)?;
    }
    for path in PROGRAMS {
        root.show_as_it_is(path)?;
    }
    for (target, link) in MODULE_LINKS {
        symlink(target, root.at(link)).with_context(|| format!("cannot link {link}"))?;
    }
    for path in CERTIFICATES {
        if Path::new(path).is_dir() {
            root.show(Path::new(path), Path::new(path))?;
        }
    }
    for runtime in &config.runtimes {
        root.show_runtime(runtime)?;
    }
    root.show(&config.platform, Path::new("/var/runtime"))?;
    root.write_etc()?;
    if let Some(authority) = &config.authority {
        root.trust(authority, &config.platform)?;
    }
    root.make_devices()?;
    // Mounted while the host's is still in sight, which the kernel demands of an ordinary user; and never
    // covered in part, which it demands of every sandbox that mounts its own.
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    sys::mount(c"proc", &sys::c_path(root.at("/proc"))?, flags, c"").context("cannot mount /proc")?;

    std::env::set_current_dir(&root.path)?;
    sys::become_root_here().context("cannot make the template the root")?;
    sys::seal(c"/").context("cannot make the template read-only")
}

struct Root {
    path: PathBuf,
}

impl Root {
    /// Where a path of the sandbox lies while the template is built.
    fn at(&self, inside: impl AsRef<Path>) -> PathBuf {
        let mut path = self.path.clone();
        path.extend(inside.as_ref().components().filter(|part| matches!(part, Component::Normal(_))));
        path
    }

    /// Makes a folder and those above it, open to everyone for looking.
    fn folder(&self, inside: impl AsRef<Path>) -> anyhow::Result<PathBuf> {
        let path = self.at(inside);
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    }

    fn show(&self, host: &Path, inside: &Path) -> anyhow::Result<()> {
        let target = self.folder(inside)?;
        let tree = sys::read_only_tree(host, Devices::Refused)
            .with_context(|| format!("cannot show {}", host.display()))?;
        sys::attach(&tree, &sys::c_path(target)?).with_context(|| format!("cannot show {}", host.display()))
    }

    fn show_as_it_is(&self, path: &str) -> anyhow::Result<()> {
        let Ok(found) = fs::symlink_metadata(path) else { return Ok(()) };
        if found.is_symlink() {
            return symlink(fs::read_link(path)?, self.at(path))
                .with_context(|| format!("cannot link {path}"));
        }
        self.show(Path::new(path), Path::new(path))
    }

    /// Shows an interpreter's folder at its own path and, when links lead to it, at its real path.
    fn show_runtime(&self, runtime: &Path) -> anyhow::Result<()> {
        let real =
            fs::canonicalize(runtime).with_context(|| format!("no runtime at {}", runtime.display()))?;
        for inside in [real.as_path(), runtime] {
            if inside.parent().is_none() {
                bail!("{} is the root folder, not a runtime", runtime.display());
            }
            if let Some(hidden) = HIDDEN.iter().find(|hidden| inside.starts_with(hidden)) {
                bail!(
                    "the runtime {} is below {hidden}, which every sandbox has its own of",
                    inside.display()
                );
            }
            // Already there, with /usr or with a runtime above it.
            if !self.at(inside).exists() {
                self.show(&real, inside)?;
            }
        }
        Ok(())
    }

    fn write_etc(&self) -> anyhow::Result<()> {
        self.folder("/etc/ssl")?;
        let files = [
            (
                "/etc/passwd",
                format!(
                    "root:x:0:0:root:/:/bin/false\n\
                     sbx_user1051:x:{USER_INSIDE}:{GROUP_INSIDE}::/tmp:/bin/sh\n\
                     nobody:x:65534:65534:nobody:/:/bin/false\n"
                ),
            ),
            ("/etc/group", format!("root:x:0:\nsbx_user1051:x:{GROUP_INSIDE}:\nnogroup:x:65534:\n")),
            ("/etc/hosts", "127.0.0.1 localhost sandbox\n::1 localhost\n".to_owned()),
            ("/etc/hostname", "sandbox\n".to_owned()),
            ("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:5 attempts:2\n".to_owned()),
            (
                "/etc/nsswitch.conf",
                "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n".to_owned(),
            ),
            ("/etc/machine-id", String::new()),
        ];
        for (path, text) in files {
            self.write(path, text.as_bytes())?;
        }
        for path in COPIED {
            // A file that is missing, or is larger than such files are, is left out.
            if fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() <= COPIED_BYTES_MAX) {
                self.write(path, &fs::read(path).with_context(|| format!("cannot read {path}"))?)?;
            }
        }
        Ok(())
    }

    /// Has programs trust an authority by the bundle they look into by themselves, and by one of ours.
    fn trust(&self, authority: &Path, platform: &Path) -> anyhow::Result<()> {
        let authority =
            fs::read(authority).with_context(|| format!("cannot read {}", authority.display()))?;
        self.folder("/etc/cloudling")?;
        self.write(AUTHORITY_FILE, &authority)?;
        self.write(BUNDLE_FILE, &certificates::bundle(&authority, platform))?;
        for bundle in BUNDLES {
            let target = self.at(bundle);
            if fs::symlink_metadata(&target).is_ok_and(|found| found.is_file()) {
                let tree = sys::read_only_tree(&self.at(BUNDLE_FILE), Devices::Refused);
                tree.and_then(|tree| sys::attach(&tree, &sys::c_path(&target)?))
                    .with_context(|| format!("cannot cover {bundle}"))?;
            }
        }
        Ok(())
    }

    fn write(&self, inside: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.at(inside);
        fs::write(&path, bytes).with_context(|| format!("cannot write {inside}"))?;
        fs::set_permissions(&path, Permissions::from_mode(0o644))?;
        Ok(())
    }

    fn make_devices(&self) -> anyhow::Result<()> {
        self.folder("/dev")?;
        for device in DEVICES {
            let path = self.at(device);
            fs::write(&path, "").with_context(|| format!("cannot make {device}"))?;
            let tree = sys::read_only_tree(Path::new(device), Devices::Work)
                .and_then(|tree| sys::attach(&tree, &sys::c_path(&path)?));
            tree.with_context(|| format!("cannot show {device}"))?;
        }
        for (target, link) in DEVICE_LINKS {
            symlink(target, self.at(link)).with_context(|| format!("cannot link {link}"))?;
        }
        Ok(())
    }
}
