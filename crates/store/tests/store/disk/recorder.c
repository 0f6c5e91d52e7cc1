/*
 * Stands between a process and the files below one folder: writes down what reaches the disk in which order, and
 * fails where it is told to. Loaded with LD_PRELOAD by the tests of the store.
 *
 *   DISK_ROOT   the folder, absolute and without links in it
 *   DISK_LOG    where to write down; a file elsewhere
 *   DISK_FAULT  "sync N":   the Nth sync of a file fails with EIO and does nothing; later ones succeed, as Linux does
 *               "space N":  once N bytes were written, everything that takes room fails with ENOSPC
 *               "readonly": whatever changes something fails with EROFS
 *
 * A record: kind (1 byte), two numbers (8 bytes each), a length (4 bytes) and so many bytes, in the machine's order.
 *
 *   R folder             the root
 *   N file               a new file
 *   W file offset bytes  written
 *   T file size          cut or made longer
 *   S file               synced
 *   L folder entries     what is in a folder now, when that changed; entry: inode (8), is a folder (1), length (2), name
 *   D folder             the folder is synced
 *   A bytes              said on standard output
 *
 * Folders are read instead of following renames and removals: those may be made without the C library.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES_MAX 65536
#define FOLDERS_MAX 4096
#define LISTING_MAX (1 << 20)

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int is_on = 0;
static int log_fd = -1;
static char root[PATH_MAX];
static size_t root_length;
static dev_t device;

static uint64_t files[FILES_MAX];
static struct { uint64_t inode; uint64_t hash; } folders[FOLDERS_MAX];
static size_t folder_count;

static long fail_sync_at = -1;
static long syncs;
static long space_left = -1;
static int is_read_only;

static void fatal(const char *why) {
    fprintf(stderr, "recorder: %s\n", why);
    _exit(99);
}

static void put(const void *bytes, size_t length) {
    static ssize_t (*real_write)(int, const void *, size_t);
    if (!real_write) real_write = REAL(write);
    const char *rest = bytes;
    while (length > 0) {
        ssize_t written = real_write(log_fd, rest, length);
        if (written <= 0) fatal("the log cannot be written");
        rest += written;
        length -= (size_t)written;
    }
}

static void record(char kind, uint64_t a, uint64_t b, const void *bytes, uint32_t length) {
    char head[21];
    head[0] = kind;
    memcpy(head + 1, &a, 8);
    memcpy(head + 9, &b, 8);
    memcpy(head + 17, &length, 4);
    put(head, sizeof head);
    put(bytes, length);
}

static int is_known(uint64_t inode) {
    for (size_t at = inode % FILES_MAX; files[at]; at = (at + 1) % FILES_MAX)
        if (files[at] == inode) return 1;
    return 0;
}

static void know(uint64_t inode) {
    static size_t count;
    if (is_known(inode)) return;
    if (++count > FILES_MAX / 2) fatal("too many files");
    size_t at = inode % FILES_MAX;
    while (files[at]) at = (at + 1) % FILES_MAX;
    files[at] = inode;
}

/* Writes down every folder whose content has changed. */
static void list(const char *path, uint64_t inode) {
    DIR *folder = opendir(path);
    if (!folder) return;
    char *listing = malloc(LISTING_MAX);
    size_t length = 0;
    uint64_t hash = 1469598103934665603u;
    struct dirent *entry;
    while ((entry = readdir(folder))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        uint16_t name = (uint16_t)strlen(entry->d_name);
        uint64_t entry_inode = entry->d_ino;
        char is_folder = entry->d_type == DT_DIR;
        if (length + 11 + name > LISTING_MAX) fatal("a folder is too large");
        memcpy(listing + length, &entry_inode, 8);
        listing[length + 8] = is_folder;
        memcpy(listing + length + 9, &name, 2);
        memcpy(listing + length + 11, entry->d_name, name);
        length += 11 + name;
        if (is_folder) {
            char below[PATH_MAX];
            snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
            list(below, entry_inode);
        }
    }
    closedir(folder);
    for (size_t at = 0; at < length; at++) hash = (hash ^ (unsigned char)listing[at]) * 1099511628211u;
    size_t at = 0;
    while (at < folder_count && folders[at].inode != inode) at++;
    if (at == folder_count) {
        if (++folder_count > FOLDERS_MAX) fatal("too many folders");
        folders[at].inode = inode;
        folders[at].hash = 0;
    }
    if (folders[at].hash != hash) {
        folders[at].hash = hash;
        record('L', inode, 0, listing, (uint32_t)length);
    }
    free(listing);
}

static uint64_t root_inode(void) {
    struct stat about;
    if (stat(root, &about)) fatal("the folder is not there");
    device = about.st_dev;
    return about.st_ino;
}

__attribute__((constructor)) static void start(void) {
    const char *folder = getenv("DISK_ROOT"), *path = getenv("DISK_LOG"), *fault = getenv("DISK_FAULT");
    if (!folder || !path) return;
    snprintf(root, sizeof root, "%s", folder);
    root_length = strlen(root);
    log_fd = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0) fatal("the log cannot be made");
    if (fault) {
        sscanf(fault, "sync %ld", &fail_sync_at);
        sscanf(fault, "space %ld", &space_left);
        is_read_only = !strcmp(fault, "readonly");
    }
    uint64_t inode = root_inode();
    record('R', inode, 0, "", 0);
    list(root, inode);
    is_on = 1;
}

static int is_below(const char *path) {
    return !strncmp(path, root, root_length) && (path[root_length] == '/' || !path[root_length]);
}

/* The inode of a file below the root; 0 for everything else. */
static uint64_t tracked(int fd) {
    struct stat about;
    if (!is_on || fd == log_fd || fstat(fd, &about) || !S_ISREG(about.st_mode) || about.st_dev != device) return 0;
    return is_known(about.st_ino) ? about.st_ino : 0;
}

static int takes_room(size_t bytes) {
    if (space_left < 0) return 1;
    if ((long)bytes > space_left) { space_left = 0; return 0; }
    space_left -= (long)bytes;
    return 1;
}

static int opened(int folder, const char *path, int flags, mode_t mode) {
    static int (*real_openat)(int, const char *, int, ...);
    if (!real_openat) real_openat = REAL(openat);
    if (!is_on) return real_openat(folder, path, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat before;
    int was_there = !fstatat(folder, path, &before, 0);
    if (is_read_only && is_below(path) && ((flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT))) {
        pthread_mutex_unlock(&lock);
        errno = EROFS;
        return -1;
    }
    if (!was_there && (flags & O_CREAT) && is_below(path) && !takes_room(4096)) {
        pthread_mutex_unlock(&lock);
        errno = ENOSPC;
        return -1;
    }
    int fd = real_openat(folder, path, flags, mode);
    int error = errno;
    if (fd >= 0) {
        char link[64], real[PATH_MAX];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, real, sizeof real - 1);
        struct stat about;
        if (length > 0 && !fstat(fd, &about) && S_ISREG(about.st_mode)) {
            real[length] = 0;
            if (is_below(real)) {
                know(about.st_ino);
                if (!was_there) record('N', about.st_ino, 0, "", 0);
                else if (flags & O_TRUNC) record('T', about.st_ino, 0, "", 0);
            }
        }
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

#define OPEN(name)                                          \
    int name(const char *path, int flags, ...) {            \
        va_list rest;                                       \
        va_start(rest, flags);                              \
        mode_t mode = va_arg(rest, mode_t);                 \
        va_end(rest);                                       \
        return opened(AT_FDCWD, path, flags, mode);         \
    }
#define OPENAT(name)                                        \
    int name(int folder, const char *path, int flags, ...) {\
        va_list rest;                                       \
        va_start(rest, flags);                              \
        mode_t mode = va_arg(rest, mode_t);                 \
        va_end(rest);                                       \
        return opened(folder, path, flags, mode);           \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

static ssize_t wrote(int fd, const struct iovec *pieces, int count, off_t offset, int has_offset) {
    static ssize_t (*real_writev)(int, const struct iovec *, int);
    static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
    if (!real_writev) real_writev = REAL(writev);
    if (!real_pwritev) real_pwritev = REAL(pwritev);
    uint64_t inode = tracked(fd);
    if (!inode && !(is_on && fd == 1))
        return has_offset ? real_pwritev(fd, pieces, count, offset) : real_writev(fd, pieces, count);
    pthread_mutex_lock(&lock);
    size_t asked = 0;
    for (int at = 0; at < count; at++) asked += pieces[at].iov_len;
    if (inode && !takes_room(asked)) {
        pthread_mutex_unlock(&lock);
        errno = ENOSPC;
        return -1;
    }
    if (!inode) list(root, root_inode());
    ssize_t written = has_offset ? real_pwritev(fd, pieces, count, offset) : real_writev(fd, pieces, count);
    int error = errno;
    if (written > 0) {
        off_t at = has_offset ? offset : lseek(fd, 0, SEEK_CUR) - written;
        size_t left = (size_t)written;
        for (int piece = 0; piece < count && left > 0; piece++) {
            size_t length = pieces[piece].iov_len < left ? pieces[piece].iov_len : left;
            if (inode) record('W', inode, (uint64_t)at, pieces[piece].iov_base, (uint32_t)length);
            else record('A', 0, 0, pieces[piece].iov_base, (uint32_t)length);
            at += (off_t)length;
            left -= length;
        }
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return written;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    struct iovec piece = {(void *)bytes, length};
    return wrote(fd, &piece, 1, 0, 0);
}
ssize_t writev(int fd, const struct iovec *pieces, int count) { return wrote(fd, pieces, count, 0, 0); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    struct iovec piece = {(void *)bytes, length};
    return wrote(fd, &piece, 1, offset, 1);
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) {
    return pwrite(fd, bytes, length, offset);
}

static int resized(int fd, off_t size) {
    static int (*real_ftruncate)(int, off_t);
    if (!real_ftruncate) real_ftruncate = REAL(ftruncate);
    uint64_t inode = tracked(fd);
    if (!inode) return real_ftruncate(fd, size);
    pthread_mutex_lock(&lock);
    int outcome = real_ftruncate(fd, size);
    int error = errno;
    if (!outcome) record('T', inode, (uint64_t)size, "", 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return outcome;
}
int ftruncate(int fd, off_t size) { return resized(fd, size); }
int ftruncate64(int fd, off_t size) { return resized(fd, size); }

static int synced(int fd, int (*real)(int)) {
    struct stat about;
    if (!is_on || fstat(fd, &about) || about.st_dev != device) return real(fd);
    int is_folder = S_ISDIR(about.st_mode);
    if (!is_folder && !is_known(about.st_ino)) return real(fd);
    pthread_mutex_lock(&lock);
    if (!is_folder && ++syncs == fail_sync_at) {
        pthread_mutex_unlock(&lock);
        errno = EIO;
        return -1;
    }
    list(root, root_inode());
    int outcome = real(fd);
    int error = errno;
    if (!outcome) record(is_folder ? 'D' : 'S', about.st_ino, 0, "", 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return outcome;
}
int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

int mkdir(const char *path, mode_t mode) {
    if (is_on && is_read_only && is_below(path)) {
        errno = EROFS;
        return -1;
    }
    return REAL(mkdir)(path, mode);
}
int rename(const char *from, const char *to) {
    if (is_on && is_read_only && is_below(to)) {
        errno = EROFS;
        return -1;
    }
    return REAL(rename)(from, to);
}
int unlink(const char *path) {
    if (is_on && is_read_only && is_below(path)) {
        errno = EROFS;
        return -1;
    }
    return REAL(unlink)(path);
}
