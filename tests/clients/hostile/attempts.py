"""A hostile function: tries what the event names and tells what came of it.

Every attempt answers the name of the error that stopped it; what succeeds answers a text that starts with `REACHED`.
"""

import ctypes
import errno
import os
import signal
import socket
import struct
import sys
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(4096)


def handler(event, context):
    return globals()[event["do"]](event)


def nothing(event):
    return event["number"]


def stopped(action):
    """The name of the error that stops an action."""
    try:
        return f"REACHED {action()!r}"
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)


def call(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def read(path):
    with open(path, "rb") as file:
        return file.read(64)


def write(path):
    with open(path, "wb") as file:
        return file.write(b"x")


# --- files -----------------------------------------------------------------------------------------------------------


def files(event):
    server = event["server"]
    reads = [event["secret"], "/etc/shadow", "/proc/kcore", "/proc/kmsg", "/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/vda"]
    reads += [f"/proc/{process}/{file}" for process in (1, server) for file in ("mem", "environ", "maps", "auxv")]
    folders = [event["data"], "/home", "/run", "/sys", "/var/lib", "/var/log", "/mnt", "/srv", "/boot"]
    folders += [f"/proc/{process}/{file}" for process in (1, server) for file in ("root", "cwd", "fd", "task/1/root")]
    writes = ["/new", "/var/task/new", "/var/runtime/new", "/opt/new", "/usr/new", "/etc/passwd", "/dev/new", "/proc/new"]
    writes += ["/etc/cloudling/ca.pem", "/etc/resolv.conf", "/var/new", "/proc/1/oom_score_adj"]
    writes += ["/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/net/ipv4/ip_forward"]
    results = {f"read {path}": stopped(lambda: read(path)) for path in reads}
    results |= {f"list {path}": stopped(lambda: os.listdir(path)) for path in folders}
    results |= {f"write {path}": stopped(lambda: write(path)) for path in writes}

    def linked():
        os.path.lexists("/tmp/link") and os.unlink("/tmp/link")
        os.symlink(event["secret"], "/tmp/link")
        return read("/tmp/link")

    def set_user_id():
        with open("/tmp/tool", "wb") as file:
            file.write(open("/bin/true", "rb").read())
        os.chmod("/tmp/tool", 0o6755)
        os.chown("/tmp/tool", 0, 0)

    results["read through a link"] = stopped(linked)
    results["give a program to root"] = stopped(set_user_id)
    results["make a device"] = stopped(lambda: os.mknod("/tmp/disk", 0o60666, os.makedev(8, 0)))
    results["link the code to a writable place"] = stopped(lambda: os.link("/var/task/app.py", "/tmp/app.py"))
    results["rename the code"] = stopped(lambda: os.rename("/var/task/app.py", "/var/task/b.py"))
    results["leave by the parent folders"] = stopped(lambda: read("/.." * 20 + event["secret"]))
    return results


def others(event):
    """Looks everywhere it can for the secret of another function."""
    needle = event["needle"].encode()
    looked = []
    for folder, names, files in os.walk("/proc", onerror=None):
        names[:] = [name for name in names if name.isdigit() or name in ("task", "fd", "map_files")]
        for name in files:
            if name in ("environ", "cmdline", "maps", "mountinfo"):
                looked.append(os.path.join(folder, name))
    found = []
    own = f"/proc/{os.getpid()}/"
    for path in looked:
        try:
            if needle in open(path, "rb").read() and not path.startswith(own):
                found.append(path)
        except OSError:
            pass
    for folder in ("/tmp", "/var/task", "/opt", "/dev/shm", "/var/runtime", "/var"):
        for base, names, files in os.walk(folder):
            names[:] = [name for name in names if base != "/var" or name not in ("runtime",)]
            if base.startswith("/var/runtime"):
                names[:] = []
            for name in files:
                try:
                    if needle in open(os.path.join(base, name), "rb").read(1 << 20):
                        found.append(os.path.join(base, name))
                except OSError:
                    pass
    return {"found": found, "processes": len([name for name in os.listdir("/proc") if name.isdigit()])}


def hold(event):
    """The other function: keeps a secret in every place a function has, and listens."""
    secret = event["needle"]
    os.environ["SECRET"] = secret
    with open("/tmp/secret", "w") as file:
        file.write(secret)
    listener = socket.socket()
    listener.bind(("0.0.0.0", 7777))
    listener.listen()
    hidden = socket.socket(socket.AF_UNIX)
    hidden.bind("\0hidden")
    hidden.listen()
    shared = libc.shmget(4242, 4096, 0o1666)
    hold.kept = (listener, hidden, shared)
    return os.getpid()


# --- system calls ----------------------------------------------------------------------------------------------------

# Numbers of x86_64.
CALLS = {
    "ptrace another": (101, 16, 1, 0, 0),
    "ptrace itself": (101, 0, 0, 0, 0),
    "read another's memory": (310, 1, buffer, 1, buffer, 1, 0),
    "write another's memory": (311, 1, buffer, 1, buffer, 1, 0),
    "mount": (165, b"none", b"/tmp", b"tmpfs", 0, 0),
    "remount the root writable": (165, b"none", b"/", None, 32 | 4096, 0),
    "bind the root": (165, b"/", b"/tmp", None, 4096, 0),
    "umount": (166, b"/proc", 2),
    "open_tree": (428, -100, b"/", 1),
    "move_mount": (429, -1, b"", -100, b"/tmp", 4),
    "fsopen": (430, b"tmpfs", 0),
    "fsmount": (432, 0, 0, 0),
    "mount_setattr": (442, -100, b"/", 0, buffer, 32),
    "pivot_root": (155, b"/tmp", b"/tmp"),
    "chroot": (161, b"/tmp"),
    "unshare users": (272, 0x10000000),
    "unshare mounts": (272, 0x20000),
    "unshare network": (272, 0x40000000),
    "setns": (308, 3, 0),
    "clone with users": (56, 0x10000000 | 17, 0, 0, 0, 0),
    "clone with network": (56, 0x40000000 | 17, 0, 0, 0, 0),
    "clone with mounts": (56, 0x20000 | 17, 0, 0, 0, 0),
    "clone3": (435, buffer, 64),
    "bpf": (321, 0, buffer, 64),
    "perf_event_open": (298, buffer, 0, -1, -1, 0),
    "userfaultfd": (323, 1),
    "io_uring_setup": (425, 8, buffer),
    "io_uring_enter": (426, 0, 0, 0, 0, 0),
    "keyctl": (250, 0, -3, 1),
    "add_key": (248, b"user", b"a", b"b", 1, -3),
    "request_key": (249, b"user", b"a", b"b", -3),
    "kexec_load": (246, 0, 0, 0, 0),
    "init_module": (175, buffer, 16, b""),
    "finit_module": (313, 0, b"", 0),
    "reboot": (169, 0xFEE1DEAD, 672274793, 0),
    "settimeofday": (164, buffer, 0),
    "clock_settime": (227, 0, buffer),
    "sethostname": (170, b"x", 1),
    "open_by_handle_at": (304, -100, buffer, 0),
    "name_to_handle_at": (303, -100, b"/", buffer, buffer, 0),
    "quotactl": (179, 0, 0, 0, 0),
    "syslog": (103, 3, buffer, 10),
    "pidfd_getfd": (438, 3, 0, 0),
    "iopl": (172, 3),
    "modify_ldt": (154, 0, buffer, 16),
    "swapon": (167, b"/tmp/x", 0),
    "acct": (163, b"/tmp/x"),
    "fanotify_init": (300, 0, 0),
    "kcmp": (312, 1, 1, 0, 0, 0),
    "personality without randomness": (135, 0x40000),
    "become root": (105, 0),
    "take groups": (116, 1, buffer),
    "a call nobody knows": (999,),
    "a call by the other numbers of the processor": (0x40000000 | 39,),
}


def calls(event):
    return {name: stopped(lambda: call(*arguments)) for name, arguments in CALLS.items()}


# --- network ---------------------------------------------------------------------------------------------------------


def network(event):
    def connect(*address):
        with socket.create_connection(address, timeout=2):
            return address

    def datagram(*address):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.settimeout(1)
            sender.sendto(b"x", address)
            return sender.recv(10)

    def new_address():
        # RTM_NEWADDR: 10.9.9.9/24 on the loopback.
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link:
            body = struct.pack("=BBBBI", 2, 24, 0, 0, 1) + struct.pack("=HH4B", 8, 2, 10, 9, 9, 9)
            link.send(struct.pack("=IHHII", 16 + len(body), 20, 0x605, 1, 0) + body)
            number = struct.unpack_from("=i", link.recv(4096), 16)[0]
            if number < 0:
                raise OSError(-number, "")

    port = event["port"]
    return {
        "a service on the host": stopped(lambda: connect("127.0.0.1", port)),
        "a service on the host by IPv6": stopped(lambda: connect("::1", port)),
        "the cloud's own port on the host": stopped(lambda: connect("127.0.0.1", event["cloud_port"])),
        "the metadata service": stopped(lambda: connect("169.254.169.254", 80)),
        "the metadata service of containers": stopped(lambda: connect("169.254.170.2", 80)),
        "a private network": stopped(lambda: connect("10.0.0.1", 80)),
        "the gateway of docker": stopped(lambda: connect("172.17.0.1", 80)),
        "the internet by address": stopped(lambda: connect("1.1.1.1", 443)),
        "the machine by its address": stopped(lambda: connect(event["machine"], port)),
        "a name server outside": stopped(lambda: datagram("1.1.1.1", 53)),
        "the port of another function": stopped(lambda: connect("127.0.0.1", 7777)),
        "the hidden socket of another function": stopped(lambda: socket.socket(socket.AF_UNIX).connect("\0hidden")),
        "the shared memory of another function": stopped(lambda: call(29, 4242, 4096, 0)),
        "the spawner's socket": stopped(lambda: socket.socket(socket.AF_UNIX).connect(event["data"] + "/control")),
        "raw packets": stopped(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)),
        "raw packets of IPv6": stopped(lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, 58)),
        "frames": stopped(lambda: socket.socket(17, socket.SOCK_RAW, 3)),
        "the hypervisor": stopped(lambda: socket.socket(40, socket.SOCK_STREAM)),
        "the kernel's ciphers": stopped(lambda: socket.socket(38, socket.SOCK_SEQPACKET)),
        "bluetooth": stopped(lambda: socket.socket(31, socket.SOCK_RAW, 1)),
        "netfilter": stopped(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)),
        "audit": stopped(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9)),
        "device events": stopped(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15)),
        "an address of its own": stopped(new_address),
        "a privileged port": stopped(lambda: socket.socket().bind(("127.0.0.1", 81))),
    }


def descriptors(event):
    """Everything that is open, by number."""
    kinds = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            kinds[name] = os.readlink(f"/proc/self/fd/{name}").split(":")[0]
        except FileNotFoundError:
            pass  # It was the listing itself.
    return kinds


def garbage(event):
    """Speaks to the platform in the place of the runtime client."""
    os.write(3, bytes.fromhex(event["bytes"]))
    time.sleep(5)
    return "not ended"


# --- taking too much -------------------------------------------------------------------------------------------------


def bomb(event):
    """Every process starts two more, in sessions of their own, and ignores what would end it."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_IGN)
    while True:
        try:
            if os.fork() == 0:
                os.setsid()
        except OSError:
            time.sleep(event.get("wait_s", 0.01))


def memory(event):
    kind = event["kind"]
    kept = []
    while True:
        if kind == "private":
            kept.append(b"x" * (16 << 20))
        elif kind == "file without a name":
            file = os.memfd_create("x")
            os.write(file, b"x" * (16 << 20))
        elif kind == "shared":
            import mmap

            area = mmap.mmap(-1, 16 << 20, mmap.MAP_SHARED)
            area.write(b"x" * (16 << 20))
            kept.append(area)
        elif kind == "pipes":
            pair = os.pipe()
            import fcntl

            fcntl.fcntl(pair[1], 1031, 1 << 20)
            os.write(pair[1], b"x" * (1 << 20))


def inodes(event):
    made = 0
    try:
        while made < 1_000_000:
            open(f"/tmp/{made}", "w").close()
            made += 1
    except OSError as error:
        return {"error": errno.errorcode[error.errno], "made": made}
    finally:
        for number in range(made):
            os.unlink(f"/tmp/{number}")
    return {"made": made}


# --- outliving and background work -----------------------------------------------------------------------------------


def outlive(event):
    """Leaves a grandchild in a session of its own that ignores every signal, then does not end."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in range(1, 65):
                try:
                    signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError):
                    pass
            os.execv(sys.executable, [sys.executable, "-S", "-c", "import time\nwhile True: time.sleep(1)", event["mark"]])
        os._exit(0)
    os.wait()
    time.sleep(60 if event.get("wait") else 0.2)
    return "done"


def background(event):
    """Counts in a thread and in an orphaned process; tells the longest pause each has noticed."""
    path = "/tmp/pause"
    if not event.get("look"):
        threading.Thread(target=watch_clock, args=(path + "-thread",), daemon=True).start()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                watch_clock(path + "-process")
            os._exit(0)
        os.wait()
    time.sleep(0.3)
    return [float(open(path + kind).read() or 0) for kind in ("-thread", "-process")]


def watch_clock(path):
    longest, last = 0, time.monotonic()
    while True:
        time.sleep(0.002)
        now = time.monotonic()
        longest = max(longest, now - last)
        last = now
        with open(path + ".new", "w") as file:
            file.write(str(longest))
        os.rename(path + ".new", path)


def restless(event):
    """Processes that continue each other all the time, so as not to be stopped."""
    if os.path.exists("/tmp/restless"):
        return "the same environment"
    open("/tmp/restless", "w").close()
    for _ in range(4):
        if os.fork() == 0:
            while True:
                try:
                    os.kill(-1, signal.SIGCONT)
                except OSError:
                    pass
    time.sleep(0.1)
    return "started"
