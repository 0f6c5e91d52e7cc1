//! Which system calls a program may make.
//!
//! An allow-list of what Node, Python, Go, Java and static programs use. What is dangerous is answered
//! with EPERM; whatever else the kernel may know, now or later, with ENOSYS, so that libraries fall
//! back to what they did before it existed. Nothing is killed for trying.
//!
//! The filter is compiled once to a binary search over the call's number. That keeps installing it
//! cheap, because at that moment the kernel works out, for every call, whether it is always allowed;
//! such calls then never run the filter at all. A list of comparisons costs that step ten times more.

use std::io;

use libc::{c_long, sock_filter};

use super::sys::check;

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: Option<u32> = Some(0xC000_003E);
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: Option<u32> = Some(0xC000_00B7);
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ARCHITECTURE: Option<u32> = None;

/// Whether there is a filter for this processor.
pub(crate) const SECCOMP_ARCHITECTURE_KNOWN: bool = ARCHITECTURE.is_some();

const RETURN_ALLOW: u32 = 0x7FFF_0000;
const RETURN_ERRNO: u32 = 0x0005_0000;

/// Offsets in the kernel's `struct seccomp_data`; of the arguments, which are 64 bits, the lower half.
const OFFSET_NUMBER: u32 = 0;
const OFFSET_ARCHITECTURE: u32 = 4;
const OFFSET_ARGUMENT_0: u32 = 16;
const OFFSET_ARGUMENT_1: u32 = 24;
const OFFSET_ARGUMENT_2: u32 = 32;

/// `clone` may not make namespaces; `clone3`, whose flags a filter cannot see, is unknown here.
const NAMESPACE_FLAGS: u32 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u32
    | 0x80; // CLONE_NEWTIME

/// Kinds of sockets allowed. Others, such as AF_VSOCK, are not bound to the network namespace.
const SOCKET_FAMILIES: [u32; 3] = [libc::AF_UNIX as u32, libc::AF_INET as u32, libc::AF_INET6 as u32];
/// Requests that put input into a terminal.
const TERMINAL_INPUT: [u32; 2] = [0x5412, 0x541C];
/// The ordinary personality, and the question which one it is.
const PERSONALITIES: [u32; 2] = [0, u32::MAX];

/// How the memory of a sandbox is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
    /// By the kernel, whatever holds it.
    Counted,
    /// By looking at its processes. What holds memory that no process has mapped is unknown then.
    Watched,
}

/// Make memory that is not a process's.
const UNSEEN_MEMORY: [c_long; 2] = [libc::SYS_memfd_create, libc::SYS_shmget];

/// What is done about one system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Allow,
    /// EPERM.
    Deny,
    /// ENOSYS.
    Unknown,
    /// Denied when the first argument has one of these bits.
    DenyBits(u32),
    /// Denied unless of an allowed family; of netlink, which libraries ask for addresses, unless about routes.
    Socket,
    /// Denied unless the first argument is one of these.
    OnlyFirst(&'static [u32]),
    /// Denied when the second argument is one of these.
    NeverSecond(&'static [u32]),
}

/// A compiled filter.
pub(super) struct Filter {
    instructions: Vec<sock_filter>,
}

impl Filter {
    pub(super) fn compile(memory: Memory) -> Self {
        let Some(architecture) = ARCHITECTURE else { return Self { instructions: Vec::new() } };
        let mut instructions = vec![
            load(OFFSET_ARCHITECTURE),
            jump(libc::BPF_JEQ, architecture, 1, 0),
            give(RETURN_ERRNO | libc::EPERM as u32),
            load(OFFSET_NUMBER),
        ];
        instructions.extend(search(&segments(memory)));
        Self { instructions }
    }

    /// Filters the calling process from now on. It must have given up gaining privileges.
    pub(super) fn install(&self) -> io::Result<()> {
        if self.instructions.is_empty() {
            return Ok(());
        }
        let program = libc::sock_fprog {
            len: self.instructions.len() as libc::c_ushort,
            filter: self.instructions.as_ptr().cast_mut(),
        };
        // SAFETY: the kernel reads the program during the call and keeps its own copy.
        check(unsafe {
            libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program)
        })
        .map(drop)
    }
}

/// Rules by call number: each holds from its number up to the next one's.
fn segments(memory: Memory) -> Vec<(u32, Rule)> {
    let mut rules: Vec<(u32, Rule)> = Vec::new();
    rules.extend(ALLOWED.iter().chain(ALLOWED_HERE).map(|&call| (call as u32, Rule::Allow)));
    rules.extend(DENIED.iter().chain(DENIED_HERE).map(|&call| (call as u32, Rule::Deny)));
    rules.extend([
        (libc::SYS_clone as u32, Rule::DenyBits(NAMESPACE_FLAGS)),
        (libc::SYS_socket as u32, Rule::Socket),
        (libc::SYS_personality as u32, Rule::OnlyFirst(&PERSONALITIES)),
        (libc::SYS_ioctl as u32, Rule::NeverSecond(&TERMINAL_INPUT)),
    ]);
    if memory == Memory::Watched {
        rules.retain(|(call, _)| !UNSEEN_MEMORY.contains(&c_long::from(*call)));
    }
    rules.sort_by_key(|(call, _)| *call);

    let mut segments = vec![(0, Rule::Unknown)];
    let mut next = 0;
    for (call, rule) in rules {
        if call > next {
            push(&mut segments, next, Rule::Unknown);
        }
        push(&mut segments, call, rule);
        next = call + 1;
    }
    push(&mut segments, next, Rule::Unknown);
    segments
}

fn push(segments: &mut Vec<(u32, Rule)>, from: u32, rule: Rule) {
    match segments.last_mut() {
        Some((_, last)) if *last == rule => {}
        Some((start, last)) if *start == from => *last = rule,
        _ => segments.push((from, rule)),
    }
}

fn search(segments: &[(u32, Rule)]) -> Vec<sock_filter> {
    let [(_, rule)] = segments else {
        let (lower, upper) = segments.split_at(segments.len() / 2);
        let (boundary, _) = upper[0];
        let lower = search(lower);
        let upper = search(upper);
        let skipped =
            u8::try_from(lower.len()).expect("half of the rules fit in one jump; a test compiles them");
        let mut instructions = vec![jump(libc::BPF_JGE, boundary, skipped, 0)];
        instructions.extend(lower);
        instructions.extend(upper);
        return instructions;
    };
    apply(*rule)
}

fn apply(rule: Rule) -> Vec<sock_filter> {
    let (allow, deny) = (give(RETURN_ALLOW), give(RETURN_ERRNO | libc::EPERM as u32));
    let one_of = |offset: u32, values: &[u32], found: sock_filter, otherwise: sock_filter| {
        let mut instructions = vec![load(offset)];
        for (index, value) in values.iter().enumerate() {
            instructions.push(jump(libc::BPF_JEQ, *value, (values.len() - index) as u8, 0));
        }
        instructions.extend([otherwise, found]);
        instructions
    };
    match rule {
        Rule::Allow => vec![allow],
        Rule::Deny => vec![deny],
        Rule::Unknown => vec![give(RETURN_ERRNO | libc::ENOSYS as u32)],
        Rule::DenyBits(bits) => {
            vec![load(OFFSET_ARGUMENT_0), jump(libc::BPF_JSET, bits, 1, 0), allow, deny]
        }
        Rule::Socket => {
            let mut instructions = one_of(OFFSET_ARGUMENT_0, &SOCKET_FAMILIES, allow, deny);
            // In the place of denying: whether it is netlink, and then which.
            let denied = instructions.len() - 2;
            let netlink = [
                jump(libc::BPF_JEQ, libc::AF_NETLINK as u32, 1, 0),
                deny,
                load(OFFSET_ARGUMENT_2),
                jump(libc::BPF_JEQ, libc::NETLINK_ROUTE as u32, 1, 0),
                deny,
            ];
            for jump in &mut instructions[1..denied] {
                jump.jt += (netlink.len() - 1) as u8;
            }
            instructions.splice(denied..=denied, netlink);
            instructions
        }
        Rule::OnlyFirst(values) => one_of(OFFSET_ARGUMENT_0, values, allow, deny),
        Rule::NeverSecond(values) => one_of(OFFSET_ARGUMENT_1, values, deny, allow),
    }
}

fn load(offset: u32) -> sock_filter {
    sock_filter { code: (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, jt: 0, jf: 0, k: offset }
}

fn jump(test: u32, value: u32, then: u8, otherwise: u8) -> sock_filter {
    sock_filter { code: (libc::BPF_JMP | test | libc::BPF_K) as u16, jt: then, jf: otherwise, k: value }
}

fn give(action: u32) -> sock_filter {
    sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: action }
}

/// Calls that every processor has.
#[rustfmt::skip]
const ALLOWED: &[c_long] = &[
    // files
    libc::SYS_close, libc::SYS_close_range, libc::SYS_copy_file_range, libc::SYS_dup, libc::SYS_dup3,
    libc::SYS_faccessat, libc::SYS_faccessat2, libc::SYS_fadvise64, libc::SYS_fallocate, libc::SYS_fchdir,
    libc::SYS_fchmod, libc::SYS_fchmodat, libc::SYS_fchown, libc::SYS_fchownat, libc::SYS_fcntl,
    libc::SYS_fdatasync, libc::SYS_fgetxattr, libc::SYS_flistxattr, libc::SYS_flock, libc::SYS_fremovexattr,
    libc::SYS_fsetxattr, libc::SYS_fstat, libc::SYS_fstatfs, libc::SYS_fsync, libc::SYS_ftruncate,
    libc::SYS_chdir, libc::SYS_getcwd, libc::SYS_getdents64, libc::SYS_getxattr, libc::SYS_inotify_add_watch,
    libc::SYS_inotify_init1, libc::SYS_inotify_rm_watch, libc::SYS_lgetxattr, libc::SYS_linkat,
    libc::SYS_listxattr, libc::SYS_llistxattr, libc::SYS_lremovexattr, libc::SYS_lseek, libc::SYS_lsetxattr,
    libc::SYS_memfd_create, libc::SYS_mkdirat, libc::SYS_mknodat, libc::SYS_newfstatat, libc::SYS_openat,
    libc::SYS_openat2, libc::SYS_pipe2, libc::SYS_pread64, libc::SYS_preadv, libc::SYS_preadv2,
    libc::SYS_pwrite64, libc::SYS_pwritev, libc::SYS_pwritev2, libc::SYS_read, libc::SYS_readahead,
    libc::SYS_readlinkat, libc::SYS_readv, libc::SYS_removexattr, libc::SYS_renameat, libc::SYS_renameat2,
    libc::SYS_sendfile, libc::SYS_setxattr, libc::SYS_splice, libc::SYS_statfs, libc::SYS_statx,
    libc::SYS_symlinkat, libc::SYS_sync, libc::SYS_sync_file_range, libc::SYS_syncfs, libc::SYS_tee,
    libc::SYS_truncate, libc::SYS_umask, libc::SYS_unlinkat, libc::SYS_utimensat, libc::SYS_vmsplice,
    libc::SYS_write, libc::SYS_writev,
    // waiting
    libc::SYS_epoll_create1, libc::SYS_epoll_ctl, libc::SYS_epoll_pwait, libc::SYS_epoll_pwait2,
    libc::SYS_eventfd2, libc::SYS_ppoll, libc::SYS_pselect6, libc::SYS_signalfd4, libc::SYS_timerfd_create,
    libc::SYS_timerfd_gettime, libc::SYS_timerfd_settime, libc::SYS_io_cancel, libc::SYS_io_destroy,
    libc::SYS_io_getevents, libc::SYS_io_setup, libc::SYS_io_submit,
    // memory
    libc::SYS_brk, libc::SYS_get_mempolicy, libc::SYS_madvise, libc::SYS_membarrier, libc::SYS_mincore,
    libc::SYS_mlock, libc::SYS_mlock2, libc::SYS_mlockall, libc::SYS_mmap, libc::SYS_mprotect,
    libc::SYS_mremap, libc::SYS_msync, libc::SYS_munlock, libc::SYS_munlockall, libc::SYS_munmap,
    libc::SYS_pkey_alloc, libc::SYS_pkey_free, libc::SYS_pkey_mprotect,
    // processes and threads
    libc::SYS_capget, libc::SYS_capset, libc::SYS_execve, libc::SYS_execveat, libc::SYS_exit,
    libc::SYS_exit_group, libc::SYS_futex, libc::SYS_futex_waitv, libc::SYS_get_robust_list,
    libc::SYS_getcpu, libc::SYS_getegid, libc::SYS_geteuid, libc::SYS_getgid, libc::SYS_getgroups,
    libc::SYS_getpgid, libc::SYS_getpid, libc::SYS_getppid, libc::SYS_getpriority, libc::SYS_getresgid,
    libc::SYS_getresuid, libc::SYS_getrusage, libc::SYS_getsid, libc::SYS_gettid, libc::SYS_getuid,
    libc::SYS_ioprio_get, libc::SYS_ioprio_set, libc::SYS_kill, libc::SYS_landlock_add_rule,
    libc::SYS_landlock_create_ruleset, libc::SYS_landlock_restrict_self, libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal, libc::SYS_prctl, libc::SYS_prlimit64, libc::SYS_restart_syscall,
    libc::SYS_rseq, libc::SYS_rt_sigaction, libc::SYS_rt_sigpending, libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigqueueinfo, libc::SYS_rt_sigreturn, libc::SYS_rt_sigsuspend, libc::SYS_rt_sigtimedwait,
    libc::SYS_rt_tgsigqueueinfo, libc::SYS_sched_get_priority_max, libc::SYS_sched_get_priority_min,
    libc::SYS_sched_getaffinity, libc::SYS_sched_getattr, libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler, libc::SYS_sched_rr_get_interval, libc::SYS_sched_setaffinity,
    libc::SYS_sched_setattr, libc::SYS_sched_setparam, libc::SYS_sched_setscheduler, libc::SYS_sched_yield,
    libc::SYS_seccomp, libc::SYS_set_robust_list, libc::SYS_set_tid_address, libc::SYS_setfsgid,
    libc::SYS_setfsuid, libc::SYS_setgid, libc::SYS_setgroups, libc::SYS_setpgid, libc::SYS_setpriority,
    libc::SYS_setregid, libc::SYS_setresgid, libc::SYS_setresuid, libc::SYS_setreuid, libc::SYS_setsid,
    libc::SYS_setuid, libc::SYS_sigaltstack, libc::SYS_tgkill, libc::SYS_tkill, libc::SYS_wait4,
    libc::SYS_waitid,
    // time and information
    libc::SYS_clock_getres, libc::SYS_clock_gettime, libc::SYS_clock_nanosleep, libc::SYS_getitimer,
    libc::SYS_getrandom, libc::SYS_gettimeofday, libc::SYS_nanosleep, libc::SYS_setitimer,
    libc::SYS_sysinfo, libc::SYS_timer_create, libc::SYS_timer_delete, libc::SYS_timer_getoverrun,
    libc::SYS_timer_gettime, libc::SYS_timer_settime, libc::SYS_times, libc::SYS_uname,
    // sockets and System V communication, which the sandbox has its own of
    libc::SYS_accept, libc::SYS_accept4, libc::SYS_bind, libc::SYS_connect, libc::SYS_getpeername,
    libc::SYS_getsockname, libc::SYS_getsockopt, libc::SYS_listen, libc::SYS_recvfrom, libc::SYS_recvmmsg,
    libc::SYS_recvmsg, libc::SYS_sendmmsg, libc::SYS_sendmsg, libc::SYS_sendto, libc::SYS_setsockopt,
    libc::SYS_shutdown, libc::SYS_socketpair, libc::SYS_mq_getsetattr, libc::SYS_mq_notify,
    libc::SYS_mq_open, libc::SYS_mq_timedreceive, libc::SYS_mq_timedsend, libc::SYS_mq_unlink,
    libc::SYS_msgctl, libc::SYS_msgget, libc::SYS_msgrcv, libc::SYS_msgsnd, libc::SYS_semctl,
    libc::SYS_semget, libc::SYS_semop, libc::SYS_semtimedop, libc::SYS_shmat, libc::SYS_shmctl,
    libc::SYS_shmdt, libc::SYS_shmget,
];

/// Older calls of this processor that libraries still use.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const ALLOWED_HERE: &[c_long] = &[
    libc::SYS_access, libc::SYS_alarm, libc::SYS_arch_prctl, libc::SYS_chmod, libc::SYS_chown,
    libc::SYS_creat, libc::SYS_dup2, libc::SYS_epoll_create, libc::SYS_epoll_wait, libc::SYS_eventfd,
    libc::SYS_fork, libc::SYS_futimesat, libc::SYS_getdents, libc::SYS_getpgrp, libc::SYS_getrlimit,
    libc::SYS_inotify_init, libc::SYS_lchown, libc::SYS_link, libc::SYS_lstat, libc::SYS_mkdir,
    libc::SYS_mknod, libc::SYS_open, libc::SYS_pause, libc::SYS_pipe, libc::SYS_poll, libc::SYS_readlink,
    libc::SYS_rename, libc::SYS_rmdir, libc::SYS_select, libc::SYS_setrlimit, libc::SYS_signalfd,
    libc::SYS_stat, libc::SYS_symlink, libc::SYS_time, libc::SYS_unlink, libc::SYS_utime, libc::SYS_utimes,
    libc::SYS_vfork,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_HERE: &[c_long] = &[];

/// Calls that reach other processes, mounts, namespaces, the kernel or the machine.
#[rustfmt::skip]
const DENIED: &[c_long] = &[
    libc::SYS_acct, libc::SYS_add_key, libc::SYS_adjtimex, libc::SYS_bpf, libc::SYS_chroot,
    libc::SYS_clock_adjtime, libc::SYS_clock_settime, libc::SYS_delete_module, libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark, libc::SYS_finit_module, libc::SYS_fsconfig, libc::SYS_fsmount,
    libc::SYS_fsopen, libc::SYS_fspick, libc::SYS_init_module, libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register, libc::SYS_io_uring_setup, libc::SYS_kcmp, libc::SYS_kexec_load,
    libc::SYS_keyctl, libc::SYS_mbind, libc::SYS_migrate_pages, libc::SYS_mount,
    libc::SYS_mount_setattr, libc::SYS_move_mount, libc::SYS_move_pages, libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at, libc::SYS_open_tree, libc::SYS_perf_event_open, libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root, libc::SYS_process_vm_readv, libc::SYS_process_vm_writev, libc::SYS_ptrace,
    libc::SYS_quotactl, libc::SYS_reboot, libc::SYS_request_key, libc::SYS_set_mempolicy,
    libc::SYS_setdomainname, libc::SYS_sethostname, libc::SYS_setns, libc::SYS_settimeofday,
    libc::SYS_swapoff, libc::SYS_swapon, libc::SYS_syslog, libc::SYS_umount2, libc::SYS_unshare,
    libc::SYS_userfaultfd, libc::SYS_vhangup,
];

#[cfg(target_arch = "x86_64")]
const DENIED_HERE: &[c_long] =
    &[libc::SYS_ioperm, libc::SYS_iopl, libc::SYS_kexec_file_load, libc::SYS_modify_ldt, libc::SYS_ustat];
#[cfg(not(target_arch = "x86_64"))]
const DENIED_HERE: &[c_long] = &[];

#[cfg(test)]
mod tests {
    use super::*;

    /// What the filter answers, worked out by running its instructions.
    fn answer(architecture: u32, number: u32, arguments: [u32; 3]) -> u32 {
        answer_of(Memory::Counted, architecture, number, arguments)
    }

    fn answer_of(memory: Memory, architecture: u32, number: u32, arguments: [u32; 3]) -> u32 {
        let instructions = Filter::compile(memory).instructions;
        let (mut accumulator, mut at) = (0, 0);
        loop {
            let sock_filter { code, jt, jf, k } = instructions[at];
            let code = u32::from(code);
            at += 1;
            if code == libc::BPF_RET | libc::BPF_K {
                return k;
            }
            if code == libc::BPF_LD | libc::BPF_W | libc::BPF_ABS {
                accumulator = match k {
                    OFFSET_NUMBER => number,
                    OFFSET_ARCHITECTURE => architecture,
                    OFFSET_ARGUMENT_0 => arguments[0],
                    OFFSET_ARGUMENT_1 => arguments[1],
                    OFFSET_ARGUMENT_2 => arguments[2],
                    other => panic!("offset {other}"),
                };
                continue;
            }
            let holds = match code & 0xF0 {
                libc::BPF_JEQ => accumulator == k,
                libc::BPF_JGE => accumulator >= k,
                libc::BPF_JSET => accumulator & k != 0,
                other => panic!("instruction {other}"),
            };
            at += usize::from(if holds { jt } else { jf });
        }
    }

    fn here(call: c_long, arguments: [u32; 2]) -> u32 {
        let [first, second] = arguments;
        answer(ARCHITECTURE.unwrap(), call as u32, [first, second, 0])
    }

    const EPERM: u32 = RETURN_ERRNO | libc::EPERM as u32;
    const ENOSYS: u32 = RETURN_ERRNO | libc::ENOSYS as u32;

    #[test]
    fn every_listed_call_gets_its_answer() {
        for &call in ALLOWED.iter().chain(ALLOWED_HERE) {
            assert_eq!(here(call, [0, 0]), RETURN_ALLOW, "{call}");
        }
        for &call in DENIED.iter().chain(DENIED_HERE) {
            assert_eq!(here(call, [0, 0]), EPERM, "{call}");
        }
    }

    #[test]
    fn every_other_call_is_unknown() {
        let listed: Vec<c_long> = [ALLOWED, ALLOWED_HERE, DENIED, DENIED_HERE].concat();
        let checked = [libc::SYS_clone, libc::SYS_socket, libc::SYS_personality, libc::SYS_ioctl];
        for call in 0..2000 {
            if !listed.contains(&call) && !checked.contains(&call) {
                assert_eq!(here(call, [0, 0]), ENOSYS, "{call}");
            }
        }
        // The same calls under the numbers of another interface of the same processor.
        assert_eq!(here(libc::SYS_read | 0x4000_0000, [0, 0]), ENOSYS);
        assert_eq!(here(libc::SYS_clone3, [0, 0]), ENOSYS);
    }

    #[test]
    fn no_call_is_listed_twice() {
        let mut listed: Vec<c_long> = [ALLOWED, ALLOWED_HERE, DENIED, DENIED_HERE].concat();
        listed.sort_unstable();
        let before = listed.len();
        listed.dedup();
        assert_eq!(listed.len(), before);
    }

    #[test]
    fn arguments_decide_where_they_must() {
        let threads = (libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND) as u32;
        assert_eq!(here(libc::SYS_clone, [threads, 0]), RETURN_ALLOW);
        for flag in [libc::CLONE_NEWUSER, libc::CLONE_NEWNS, libc::CLONE_NEWNET, libc::CLONE_NEWPID] {
            assert_eq!(here(libc::SYS_clone, [threads | flag as u32, 0]), EPERM);
        }
        assert_eq!(here(libc::SYS_socket, [libc::AF_INET as u32, 0]), RETURN_ALLOW);
        assert_eq!(here(libc::SYS_socket, [libc::AF_NETLINK as u32, 0]), RETURN_ALLOW);
        let netlink = |protocol: libc::c_int| {
            let arguments = [libc::AF_NETLINK as u32, libc::SOCK_RAW as u32, protocol as u32];
            answer(ARCHITECTURE.unwrap(), libc::SYS_socket as u32, arguments)
        };
        assert_eq!(netlink(libc::NETLINK_ROUTE), RETURN_ALLOW);
        for protocol in [libc::NETLINK_NETFILTER, libc::NETLINK_AUDIT, libc::NETLINK_KOBJECT_UEVENT] {
            assert_eq!(netlink(protocol), EPERM, "{protocol}");
        }
        for family in [libc::AF_VSOCK, libc::AF_PACKET, libc::AF_ALG, 0, 99] {
            assert_eq!(here(libc::SYS_socket, [family as u32, 0]), EPERM);
        }
        assert_eq!(here(libc::SYS_personality, [0, 0]), RETURN_ALLOW);
        assert_eq!(here(libc::SYS_personality, [libc::ADDR_NO_RANDOMIZE as u32, 0]), EPERM);
        assert_eq!(here(libc::SYS_ioctl, [0, 0x5401]), RETURN_ALLOW);
        assert_eq!(here(libc::SYS_ioctl, [0, TERMINAL_INPUT[0]]), EPERM);
    }

    #[test]
    fn another_architecture_may_do_nothing() {
        let i386 = 0x4000_0003;
        assert_eq!(answer(i386, 11, [0; 3]), EPERM);
    }

    #[test]
    fn memory_that_nobody_sees_is_not_given_where_processes_are_watched() {
        for call in UNSEEN_MEMORY {
            let answer = answer_of(Memory::Watched, ARCHITECTURE.unwrap(), call as u32, [0; 3]);
            assert_eq!(answer, ENOSYS, "{call}");
        }
    }

    #[test]
    fn the_filter_is_small() {
        let length = Filter::compile(Memory::Counted).instructions.len();
        assert!(length < 400, "{length}");
    }
}
