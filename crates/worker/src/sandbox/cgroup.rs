//! Control groups: memory, processor and process limits of one sandbox, and what it used.
//!
//! Both layouts are supported, controller by controller: version 1, a hierarchy each, and version 2,
//! one for all. Groups are made below the server's own, so limits on the server hold for its sandboxes
//! too. Whatever controller cannot be used is left to other means (resource limits, polling).

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::Limits;
use super::plumbing::{self, lock};

/// Period over which processor time is shared out.
const CPU_PERIOD_MICROSECONDS: u64 = 100_000;
/// Smallest quota the kernel takes.
const CPU_QUOTA_MICROSECONDS_MIN: u64 = 1_000;
/// Processes the limit does not count: the sandbox's own first one.
const OWN_PROCESSES: u64 = 1;
/// Sets of groups kept ready for sandboxes to come.
const READY_MAX: usize = 8;
/// Attempts to remove a group, and the pause before the second; it doubles each time.
const REMOVE_ATTEMPTS: u32 = 8;
const REMOVE_PAUSE: Duration = Duration::from_millis(1);

/// What can be limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Controller {
    Memory,
    Processor,
    Processes,
}

const CONTROLLERS: [Controller; 3] = [Controller::Memory, Controller::Processor, Controller::Processes];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

/// Where the groups of this server's sandboxes are made.
#[derive(Debug)]
pub(super) struct Cgroups {
    parents: Vec<Parent>,
    ready: Mutex<Vec<Cgroup>>,
    next_name: AtomicU64,
    closed: AtomicBool,
}

#[derive(Debug, Clone)]
struct Parent {
    version: Version,
    controllers: Vec<Controller>,
    folder: PathBuf,
}

/// The groups of one sandbox. They are removed by [`Cgroup::remove`].
#[derive(Debug)]
pub(super) struct Cgroup {
    groups: Vec<Parent>,
    /// The highest use of memory, read after every call and so kept open. Version 2 measures since the last write
    /// through the same open file.
    peak: Option<File>,
    /// Version 1 writes here when memory reaches what was last set as the limit.
    alarm: Option<OwnedFd>,
}

/// Memory of a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usage {
    /// Everything the kernel charges: private memory, files in `/tmp`, cached files, its own structures.
    pub(super) total_bytes: u64,
    /// What processes have for themselves.
    pub(super) private_bytes: u64,
}

impl Cgroups {
    /// Finds usable hierarchies and clears away what an earlier server with the same folder left.
    ///
    /// `owner` is the server's run folder, whose identity names the groups.
    pub(super) fn prepare(owner: &Path) -> io::Result<Self> {
        let owner = fs::metadata(owner)?;
        let name = format!("cloudling-{:x}-{:x}", owner.dev(), owner.ino());
        let mut parents: Vec<Parent> = Vec::new();
        for hierarchy in hierarchies() {
            let folder = hierarchy.folder.join(&name);
            let controllers = match hierarchy.version {
                Version::One => make_own_folder(&folder).map(|()| hierarchy.controllers.clone()),
                Version::Two => delegate(&hierarchy, &folder),
            };
            match controllers {
                Ok(controllers) if !controllers.is_empty() => {
                    parents.push(Parent { version: hierarchy.version, controllers, folder });
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(folder = %folder.display(), %error, "a cgroup hierarchy cannot be used");
                }
            }
        }
        let cgroups = Self {
            parents,
            ready: Mutex::default(),
            next_name: AtomicU64::new(1),
            closed: AtomicBool::new(false),
        };
        cgroups.sweep();
        Ok(cgroups)
    }

    /// The folders in which groups are made.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        self.parents.iter().map(|parent| parent.folder.clone()).collect()
    }

    /// What can be limited here.
    pub(super) fn has(&self, controller: Controller) -> bool {
        self.parents.iter().any(|parent| parent.controllers.contains(&controller))
    }

    /// Groups made ahead for one sandbox, or new ones, with its limits.
    pub(super) fn take(&self, limits: &Limits) -> io::Result<Cgroup> {
        let ready = lock(&self.ready).pop();
        let cgroup = ready.map_or_else(|| self.create(), Ok)?;
        if let Err(error) = cgroup.limit(limits) {
            cgroup.remove();
            return Err(error);
        }
        Ok(cgroup)
    }

    /// Makes groups ahead.
    pub(super) fn refill(&self) -> io::Result<()> {
        while self.wants_more() {
            let cgroup = self.create()?;
            let mut ready = lock(&self.ready);
            if self.closed.load(Ordering::Acquire) {
                drop(ready);
                cgroup.remove();
                break;
            }
            ready.push(cgroup);
        }
        Ok(())
    }

    fn wants_more(&self) -> bool {
        let ready = lock(&self.ready);
        !self.closed.load(Ordering::Acquire) && ready.len() < READY_MAX
    }

    fn create(&self) -> io::Result<Cgroup> {
        let name = self.next_name.fetch_add(1, Ordering::Relaxed).to_string();
        let mut cgroup = Cgroup { groups: Vec::with_capacity(self.parents.len()), peak: None, alarm: None };
        for parent in &self.parents {
            let folder = parent.folder.join(&name);
            if let Err(error) = DirBuilder::new().create(&folder) {
                cgroup.remove();
                return Err(error);
            }
            cgroup.groups.push(Parent { folder, ..parent.clone() });
        }
        if let Err(error) = cgroup.set_up() {
            cgroup.remove();
            return Err(error);
        }
        Ok(cgroup)
    }

    /// Removes the folders the groups are made in.
    pub(super) fn close(&self) {
        let ready: Vec<_> = {
            let mut ready = lock(&self.ready);
            self.closed.store(true, Ordering::Release);
            ready.drain(..).collect()
        };
        ready.iter().for_each(Cgroup::remove);
        for parent in &self.parents {
            remove_group(&parent.folder);
        }
    }

    /// Kills what still runs in groups of an earlier server and removes them.
    fn sweep(&self) {
        for parent in &self.parents {
            let Ok(entries) = fs::read_dir(&parent.folder) else { continue };
            for group in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
                tracing::info!(group = %group.display(), "removing what an earlier server left");
                kill_all(&group);
                remove_group(&group);
            }
        }
    }
}

impl Cgroup {
    fn set_up(&mut self) -> io::Result<()> {
        if let Some(memory) = self.of(Controller::Memory) {
            let (file, value) = match memory.version {
                Version::One => ("memory.swappiness", "0"),
                Version::Two => ("memory.swap.max", "0"),
            };
            // Without swap in the kernel there is no such file, and nothing to forbid.
            let _ = fs::write(memory.folder.join(file), value);
            let peak = match memory.version {
                Version::One => "memory.max_usage_in_bytes",
                Version::Two => "memory.peak",
            };
            let peak = OpenOptions::new().read(true).write(true).open(memory.folder.join(peak)).ok();
            if memory.version == Version::One {
                self.alarm = Some(plumbing::event()?);
            }
            self.peak = peak;
        }
        Ok(())
    }

    /// Sets the limits. The kernel's memory limit includes `/tmp`, whose files it counts as memory; the
    /// function's own is held by `Memory`. Fails when the sandbox already uses more.
    pub(super) fn limit(&self, limits: &Limits) -> io::Result<()> {
        if let Some(memory) = self.of(Controller::Memory) {
            let file = match memory.version {
                Version::One => "memory.limit_in_bytes",
                Version::Two => "memory.max",
            };
            write(memory, file, &limits.memory_bytes.saturating_add(limits.tmp_bytes).to_string())?;
        }
        if let Some(processor) = self.of(Controller::Processor) {
            let quota = u64::from(limits.cpu_quota_percent) * CPU_PERIOD_MICROSECONDS / 100;
            let quota = quota.max(CPU_QUOTA_MICROSECONDS_MIN);
            match processor.version {
                Version::One => write(processor, "cpu.cfs_quota_us", &quota.to_string())?,
                Version::Two => write(processor, "cpu.max", &format!("{quota} {CPU_PERIOD_MICROSECONDS}"))?,
            }
        }
        if let Some(processes) = self.of(Controller::Processes) {
            write(processes, "pids.max", &limits.processes.saturating_add(OWN_PROCESSES).to_string())?;
        }
        Ok(())
    }

    /// Has [`Cgroup::alarm`] raised when memory reaches this many bytes. Earlier settings stay.
    ///
    /// Takes milliseconds: the kernel waits until nobody looks at the settings before.
    pub(super) fn set_alarm(&self, bytes: u64) -> io::Result<()> {
        let (Some(alarm), Some(memory)) = (&self.alarm, self.of(Controller::Memory)) else { return Ok(()) };
        let usage = File::open(memory.folder.join("memory.usage_in_bytes"))?;
        let order = format!("{} {} {bytes}", alarm.as_raw_fd(), usage.as_raw_fd());
        write(memory, "cgroup.event_control", &order)
    }

    /// Becomes readable when memory reaches the limit, where the kernel offers that.
    pub(super) fn alarm(&self) -> Option<&OwnedFd> {
        self.alarm.as_ref()
    }

    /// Memory in use now. Private memory is only looked at when everything together is above `from_bytes`.
    pub(super) fn memory_usage(&self, from_bytes: u64) -> Option<Usage> {
        let memory = self.of(Controller::Memory)?;
        let (file, name) = match memory.version {
            Version::One => ("memory.usage_in_bytes", "total_rss "),
            Version::Two => ("memory.current", "anon "),
        };
        let total_bytes = fs::read_to_string(memory.folder.join(file)).ok()?.trim().parse().ok()?;
        if total_bytes < from_bytes {
            return Some(Usage { total_bytes, private_bytes: 0 });
        }
        let details = fs::read_to_string(memory.folder.join("memory.stat")).ok()?;
        let private_bytes = details.lines().find_map(|line| line.strip_prefix(name))?.trim().parse().ok()?;
        Some(Usage { total_bytes, private_bytes })
    }

    /// Files a process writes `0` to in order to enter.
    pub(super) fn entrances(&self) -> io::Result<Vec<OwnedFd>> {
        self.groups
            .iter()
            .map(|group| Ok(OpenOptions::new().write(true).open(group.folder.join("cgroup.procs"))?.into()))
            .collect()
    }

    /// How often the kernel killed a process of the sandbox for want of memory.
    pub(super) fn out_of_memory_kills(&self) -> u64 {
        let Some(memory) = self.of(Controller::Memory) else { return 0 };
        let file = match memory.version {
            Version::One => "memory.oom_control",
            Version::Two => "memory.events",
        };
        let text = fs::read_to_string(memory.folder.join(file)).unwrap_or_default();
        text.lines()
            .find_map(|line| line.strip_prefix("oom_kill "))
            .and_then(|count| count.trim().parse().ok())
            .unwrap_or(0)
    }

    /// The most memory used since the last reset.
    pub(super) fn memory_peak_bytes(&self) -> Option<u64> {
        let memory = self.of(Controller::Memory)?;
        let text = match (memory.version, &self.peak) {
            (_, Some(peak)) => read_from_start(peak).ok()?,
            (Version::One, None) => return None,
            (Version::Two, None) => fs::read_to_string(memory.folder.join("memory.current")).ok()?,
        };
        text.trim().parse().ok()
    }

    /// Starts a new measurement of the peak, where the kernel can.
    pub(super) fn memory_peak_reset(&self) {
        if let Some(peak) = &self.peak {
            // A kernel that cannot reset it reports the peak of the sandbox's whole life, which is still a bound.
            let _ = std::os::unix::fs::FileExt::write_all_at(peak, b"0", 0);
        }
    }

    /// Removes the groups. All processes must have ended; those that are still ending are waited for.
    pub(super) fn remove(&self) {
        for group in &self.groups {
            remove_group(&group.folder);
        }
    }

    fn of(&self, controller: Controller) -> Option<&Parent> {
        self.groups.iter().find(|group| group.controllers.contains(&controller))
    }
}

fn write(group: &Parent, file: &str, value: &str) -> io::Result<()> {
    fs::write(group.folder.join(file), value)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot set {file} to {value}: {error}")))
}

fn read_from_start(file: &File) -> io::Result<String> {
    let mut bytes = [0; 32];
    let length = std::os::unix::fs::FileExt::read_at(file, &mut bytes, 0)?;
    Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
}

/// As [`make_folder`], and sees that groups can be made in it: it may be what another user left.
fn make_own_folder(folder: &Path) -> io::Result<()> {
    make_folder(folder)?;
    Ok(nix::unistd::access(folder, nix::unistd::AccessFlags::W_OK)?)
}

fn make_folder(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Makes room for sandboxes in a version 2 hierarchy: groups with controllers may not hold processes, so
/// the server itself moves into a group beside theirs. Gives the controllers that became available.
fn delegate(hierarchy: &Parent, folder: &Path) -> io::Result<Vec<Controller>> {
    if hierarchy.folder.join("cgroup.type").exists() {
        let own = hierarchy.folder.join("cloudling-server");
        make_folder(&own)?;
        fs::write(own.join("cgroup.procs"), "0")?;
    }
    make_own_folder(folder)?;
    let mut available = Vec::new();
    for controller in &hierarchy.controllers {
        let enable = format!("+{}", controller.name(Version::Two));
        let enabled = fs::write(hierarchy.folder.join("cgroup.subtree_control"), &enable)
            .and_then(|()| fs::write(folder.join("cgroup.subtree_control"), &enable));
        if enabled.is_ok() {
            available.push(*controller);
        }
    }
    Ok(available)
}

fn kill_all(group: &Path) {
    let processes = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    for process in
        processes.lines().filter_map(|line| line.parse::<i32>().ok()).filter(|process| *process > 1)
    {
        // SAFETY: plain system call. The process is in a group only our sandboxes are put in.
        unsafe { libc::kill(process, libc::SIGKILL) };
    }
}

fn remove_group(folder: &Path) {
    let mut pause = REMOVE_PAUSE;
    for _ in 0..REMOVE_ATTEMPTS {
        match fs::remove_dir(folder) {
            Ok(()) => return,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            // A process that has just ended is counted for a moment longer.
            Err(_) => std::thread::sleep(pause),
        }
        pause *= 2;
    }
    tracing::warn!(folder = %folder.display(), "a cgroup could not be removed; the next start removes it");
}

/// What could be limited here, and by which version: the hierarchies the server may make groups in.
pub(super) fn available() -> Vec<(Controller, Version)> {
    let writable =
        |parent: &Parent| nix::unistd::access(&parent.folder, nix::unistd::AccessFlags::W_OK).is_ok();
    let usable = hierarchies().into_iter().filter(writable);
    usable.flat_map(|parent| parent.controllers.into_iter().map(move |name| (name, parent.version))).collect()
}

impl Version {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::One => "version 1",
            Self::Two => "version 2",
        }
    }
}

impl Controller {
    /// In words.
    pub(super) fn plain_name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Processor => "processor time",
            Self::Processes => "processes",
        }
    }

    pub(super) fn name(self, version: Version) -> &'static str {
        match (self, version) {
            (Self::Memory, _) => "memory",
            (Self::Processor, _) => "cpu",
            (Self::Processes, _) => "pids",
        }
    }
}

/// The hierarchies that carry our controllers, at the server's own group.
fn hierarchies() -> Vec<Parent> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    find_hierarchies(&mounts, &own, |folder| {
        fs::read_to_string(folder.join("cgroup.controllers")).unwrap_or_default()
    })
}

fn find_hierarchies(mounts: &str, own: &str, controllers_of: impl Fn(&Path) -> String) -> Vec<Parent> {
    let mut found: Vec<Parent> = Vec::new();
    for line in mounts.lines() {
        let Some(mount) = Mount::parse(line) else { continue };
        let group = own.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':');
            let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
            let matches = match mount.version {
                Version::One => !controllers.is_empty() && mount.carries(controllers),
                Version::Two => controllers.is_empty(),
            };
            matches.then_some(path)
        });
        let below = group.and_then(|path| Path::new(path).strip_prefix(mount.root).ok());
        let folder = below.map_or_else(|| mount.point.to_owned(), |below| mount.point.join(below));
        let available = match mount.version {
            Version::One => mount.options.to_owned(),
            Version::Two => controllers_of(&folder).replace(char::is_whitespace, ","),
        };
        let controllers: Vec<_> = CONTROLLERS
            .into_iter()
            .filter(|controller| available.split(',').any(|name| name == controller.name(mount.version)))
            .filter(|controller| !found.iter().any(|earlier| earlier.controllers.contains(controller)))
            .collect();
        if !controllers.is_empty() {
            found.push(Parent { version: mount.version, controllers, folder });
        }
    }
    found
}

/// One line of `/proc/self/mountinfo` that mounts cgroups.
struct Mount<'a> {
    version: Version,
    root: &'a str,
    point: PathBuf,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (mount, kind) = line.split_once(" - ")?;
        let mut kind = kind.split(' ');
        let version = match kind.next()? {
            "cgroup" => Version::One,
            "cgroup2" => Version::Two,
            _ => return None,
        };
        let options = kind.nth(1)?;
        let mut mount = mount.split(' ').skip(3);
        Some(Self { version, root: mount.next()?, point: mount.next()?.into(), options })
    }

    fn carries(&self, controllers: &str) -> bool {
        controllers.split(',').all(|name| self.options.split(',').any(|option| option == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION_1: &str = "\
30 24 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755
31 30 0:27 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
33 30 0:29 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
34 30 0:30 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";

    fn folders(found: &[Parent]) -> Vec<(Version, &[Controller], &str)> {
        found
            .iter()
            .map(|parent| (parent.version, parent.controllers.as_slice(), parent.folder.to_str().unwrap()))
            .collect()
    }

    #[test]
    fn version_1_is_found_a_hierarchy_each() {
        let own = "9:memory:/user/one\n8:cpu,cpuacct:/\n7:pids:/user\n0::/\n";
        let found = find_hierarchies(VERSION_1, own, |_| "hugetlb\n".to_owned());
        assert_eq!(
            folders(&found),
            [
                (Version::One, &[Controller::Memory][..], "/sys/fs/cgroup/memory/user/one"),
                (Version::One, &[Controller::Processor], "/sys/fs/cgroup/cpu,cpuacct/"),
                (Version::One, &[Controller::Processes], "/sys/fs/cgroup/pids/user"),
            ]
        );
    }

    #[test]
    fn version_2_is_found_at_the_servers_group() {
        let mounts = "35 24 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate";
        let found = find_hierarchies(mounts, "0::/user.slice/a\n", |folder| {
            assert_eq!(folder, Path::new("/sys/fs/cgroup/user.slice/a"));
            "cpuset cpu io memory pids\n".to_owned()
        });
        assert_eq!(folders(&found), [(Version::Two, &CONTROLLERS[..], "/sys/fs/cgroup/user.slice/a")]);
    }

    #[test]
    fn a_controller_that_is_not_delegated_is_not_used() {
        let mounts = "35 24 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate";
        let found = find_hierarchies(mounts, "0::/user.slice\n", |_| "memory pids\n".to_owned());
        assert_eq!(found[0].controllers, [Controller::Memory, Controller::Processes]);
    }

    #[test]
    fn in_a_container_the_mounts_root_is_taken_off() {
        let mounts = "31 30 0:27 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory";
        let found = find_hierarchies(mounts, "9:memory:/docker/abc/inner\n", |_| String::new());
        assert_eq!(found[0].folder, Path::new("/sys/fs/cgroup/memory/inner"));
    }

    #[test]
    fn nonsense_is_no_hierarchy() {
        assert!(find_hierarchies("nonsense\n1 2 3 - cgroup", "nonsense", |_| String::new()).is_empty());
    }
}
