/* SPDX-License-Identifier: MIT */
#include "ctl/machine_findings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "ctl/finding.h"

#define MIB (1024.0 * 1024.0)

/* Descriptors: for each camera in ringcastd, keeper and fan-out together, and for a hundred viewers. */
#define DESCRIPTORS_PER_CAMERA 16
#define DESCRIPTORS_AT_LEAST 1024

/* MiB below which something runs out soon. */
#define SHM_LOW_MIB 64
#define SHM_RING_MIB 1
#define MEMORY_LOW_MIB 128
#define DISK_LOW_MIB 50

/* A clock that stands before this program was written has not been set. */
#define CLOCK_EARLIEST INT64_C(1767225600) /* 2026-01-01 */

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif
#define LANDLOCK_VERSION 1u

/* --- Limits and memory ----------------------------------------------------------------------------------- */

/* The soft limit of descriptors of process PID, of this one if that cannot be read; 0: without limit. */
static unsigned long long descriptor_limit(pid_t pid)
{
    char path[64], line[256];
    unsigned long long limit = 0;
    struct rlimit own;

    snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
    FILE *file = pid > 0 ? fopen(path, "re") : NULL;
    while (file && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "Max open files %llu", &limit) == 1) {
            fclose(file);
            return limit;
        }
    }
    if (file) {
        fclose(file);
    }
    return getrlimit(RLIMIT_NOFILE, &own) == 0 && own.rlim_max != RLIM_INFINITY ? own.rlim_max : 0;
}

static void judge_limits(json_t *findings, const struct config *config, const json_t *status)
{
    size_t cameras = status   ? json_array_size(json_object_get(status, "cameras"))
                     : config ? config->camera_count
                              : 0;
    unsigned long long limit = descriptor_limit((pid_t)message_integer(status, "pid", 0));
    unsigned long long needed = DESCRIPTORS_AT_LEAST + DESCRIPTORS_PER_CAMERA * cameras;

    if (limit > 0 && limit < needed) {
        finding_add(findings, FINDING_WARNING, "limits",
                    "Raise LimitNOFILE= in the unit (systemctl edit ringcast), or `ulimit -n` of what starts "
                    "ringcastd.",
                    "a process may have %llu descriptors; %zu streams and their viewers may need %llu", limit,
                    cameras, needed);
    } else {
        finding_add(findings, FINDING_GOOD, "limits", NULL, "a process may have %llu descriptors", limit);
    }
}

static void judge_shared_memory(json_t *findings)
{
    struct statfs shm;

    if (statfs("/dev/shm", &shm) < 0 || shm.f_type != TMPFS_MAGIC) {
        finding_add(findings, FINDING_ERROR, "shared memory",
                    "Mount it: mount -t tmpfs tmpfs /dev/shm -o mode=1777 (in a container: --tmpfs "
                    "/dev/shm, or --shm-size).",
                    "/dev/shm is no tmpfs, and the rings lie there");
        return;
    }
    double free_mib = (double)shm.f_bavail * (double)shm.f_bsize / MIB;
    if (shm.f_blocks > 0 && free_mib < SHM_LOW_MIB) {
        bool none = free_mib < SHM_RING_MIB;
        finding_add(
            findings, none ? FINDING_ERROR : FINDING_WARNING, "shared memory",
            "Make it larger (mount -o remount,size=… /dev/shm; in a container --shm-size), or see "
            "what else is in it.",
            none ? "only %.1f MiB are free in /dev/shm, too little for a camera's ring, which takes 1 to 64"
                 : "%.0f MiB are free in /dev/shm; a camera's ring takes 1 to 64",
            free_mib);
    } else {
        finding_add(findings, FINDING_GOOD, "shared memory", NULL, "%.0f MiB are free in /dev/shm", free_mib);
    }
}

static void judge_memory(json_t *findings)
{
    char line[256];
    long long available = -1;
    FILE *file = fopen("/proc/meminfo", "re");

    while (file && available < 0 && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "MemAvailable: %lld kB", &available) != 1) {
            available = -1;
        }
    }
    if (file) {
        fclose(file);
    }
    if (available >= 0 && available / 1024 < MEMORY_LOW_MIB) {
        finding_add(findings, FINDING_WARNING, "memory",
                    "End other programs, show sub streams, or use a machine with more memory.",
                    "only %lld MiB are available", available / 1024);
    } else if (available >= 0) {
        finding_add(findings, FINDING_GOOD, "memory", NULL, "%lld MiB are available", available / 1024);
    }
}

/* Whether PATH, or what there is of the way to it, lies on a file system that nothing can be written to. */
static bool is_read_only(const char *path)
{
    char *way = strdup(path);
    bool read_only = false;

    while (way && access(way, W_OK) < 0) {
        char *slash = strrchr(way, '/');
        if (errno != ENOENT || !slash) {
            read_only = errno == EROFS;
            break;
        }
        slash[slash == way ? 1 : 0] = '\0';
        if (strcmp(way, "/") == 0) {
            read_only = access(way, W_OK) < 0 && errno == EROFS;
            break;
        }
    }
    free(way);
    return read_only;
}

static void judge_disk(json_t *findings, const struct config *config)
{
    struct statfs disk;

    if (config && is_read_only(config->runtime_dir)) {
        finding_add(findings, FINDING_ERROR, "disk",
                    "Mount it writable (in a container, a tmpfs), or name another one as runtime_dir.",
                    "%s is read-only, so ringcastd cannot make its sockets", config->runtime_dir);
    }
    if (config && is_read_only(config->state_dir)) {
        finding_add(findings, FINDING_WARNING, "disk",
                    "Mount it writable (in a container, a volume), or name another one as state_dir.",
                    "%s is read-only: changes at run time are lost when ringcastd ends", config->state_dir);
        return;
    }
    if (!config || statfs(config->state_dir, &disk) < 0) {
        return; /* it is made when it is needed */
    }
    double free_mib = (double)disk.f_bavail * (double)disk.f_bsize / MIB;
    if (disk.f_blocks > 0 && free_mib < DISK_LOW_MIB) {
        finding_add(findings, FINDING_WARNING, "disk",
                    "Make room there: changes at run time cannot be kept without.",
                    "%.0f MiB are free for %s", free_mib, config->state_dir);
    } else {
        finding_add(findings, FINDING_GOOD, "disk", NULL, "%.0f MiB are free for %s", free_mib,
                    config->state_dir);
    }
}

/* --- The kernel ------------------------------------------------------------------------------------------ */

static void judge_kernel(json_t *findings)
{
    struct utsname name;
    long landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);
    int self = pidfd_open(getpid(), 0);

    uname(&name);
    if (self < 0) {
        finding_add(findings, FINDING_ERROR, "kernel", "Use Linux 5.3 or later.",
                    "%s has no pidfd_open, with which processes are watched", name.release);
    } else {
        close(self);
    }
    if (prctl(PR_GET_SECCOMP) < 0) {
        finding_add(findings, FINDING_WARNING, "kernel", "Use a kernel with CONFIG_SECCOMP_FILTER.",
                    "%s has no seccomp, so processes are not limited in what they ask of the kernel",
                    name.release);
    }
    if (landlock < 1) {
        finding_add(findings, FINDING_WARNING, "kernel",
                    "Use Linux 5.13 or later, with landlock among its security modules (lsm=).",
                    "%s has no landlock, so processes are not limited in which files they see", name.release);
    }
    if (self >= 0 && landlock >= 1) {
        finding_add(findings, FINDING_GOOD, "kernel", NULL, "%s %s, landlock %ld", name.sysname, name.release,
                    landlock);
    }
}

static void judge_entropy(json_t *findings)
{
    char byte;

    if (getrandom(&byte, sizeof(byte), GRND_NONBLOCK) < 0) {
        finding_add(findings, FINDING_WARNING, "entropy",
                    "Wait, or give the machine a random number generator (virtio-rng, rng-tools).",
                    "the kernel has no random numbers yet, so TLS and log-in wait");
    } else {
        finding_add(findings, FINDING_GOOD, "entropy", NULL, "random numbers are ready");
    }
}

static void judge_clock(json_t *findings)
{
    struct timex clock = {.modes = 0};
    int state = adjtimex(&clock);

    if (time(NULL) < CLOCK_EARLIEST) {
        finding_add(
            findings, FINDING_ERROR, "clock", "Set it, and let it be synchronised: timedatectl set-ntp true.",
            "it stands at a time before this program was written; certificates and tokens do not work");
    } else if (state < 0 || state == TIME_ERROR || (clock.status & STA_UNSYNC) != 0) {
        finding_add(findings, FINDING_WARNING, "clock",
                    "Install systemd-timesyncd or chrony: timedatectl set-ntp true. A virtual machine or a "
                    "container may have a "
                    "clock that its host keeps; then nothing is to be done.",
                    "nothing says that it is synchronised");
    } else {
        finding_add(findings, FINDING_GOOD, "clock", NULL, "it is synchronised, within %.0f ms",
                    (double)clock.esterror / 1000);
    }
}

/* --- Ports and files ------------------------------------------------------------------------------------- */

/* 0, or negative errno of binding a socket to HOST and PORT. */
static int try_port(const char *host, int port)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    bool is_six = inet_pton(AF_INET6, host, &six.sin6_addr) == 1;

    if (!is_six && inet_pton(AF_INET, host, &four.sin_addr) != 1) {
        return 0;
    }
    int fd = socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    int on = 1, result = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four,
             is_six ? sizeof(six) : sizeof(four)) < 0 ||
        listen(fd, 1) < 0) {
        result = -errno;
    }
    close(fd);
    return result;
}

static void judge_port(json_t *findings, const struct config *config, const json_t *status)
{
    if (status) {
        finding_add(findings, FINDING_GOOD, "port", NULL, "viewers connect to %s",
                    message_string(status, "address", "?"));
        return;
    }
    int result = config && config->listen.port > 0 ? try_port(config->listen.host, config->listen.port) : 0;
    if (result == -EADDRINUSE) {
        finding_add(findings, FINDING_ERROR, "port",
                    "End the other program (ss -ltnp shows it), or choose another port for listen.",
                    "another program has %s port %d", config->listen.host, config->listen.port);
    } else if (result == -EADDRNOTAVAIL) {
        finding_add(findings, FINDING_ERROR, "port",
                    "Give one of this machine's addresses (ip address), or 0.0.0.0, to listen.",
                    "this machine does not have the address %s", config->listen.host);
    } else if (result == -EACCES && geteuid() == 0) {
        finding_add(findings, FINDING_ERROR, "port", "Choose a port above 1023 for listen.",
                    "port %d is refused", config->listen.port);
    }
}

/* Whether others can read it, config_warnings says. */
static void judge_file(json_t *findings, const char *path)
{
    struct stat file;

    if (path && stat(path, &file) == 0 && (file.st_mode & S_IWOTH) != 0) {
        finding_add(findings, FINDING_ERROR, "permissions", "chmod o-w FILE",
                    "every user of this machine can change %s", path);
    }
}

/* --- The processes --------------------------------------------------------------------------------------- */

/* Whether process PID runs a program that has been replaced or removed; false if that is not visible. */
static bool is_outdated(json_int_t pid)
{
    static const char mark[] = " (deleted)";
    char path[64], target[4096];

    snprintf(path, sizeof(path), "/proc/%lld/exe", (long long)pid);
    ssize_t length = pid > 0 ? readlink(path, target, sizeof(target) - 1) : -1;
    if (length < (ssize_t)sizeof(mark)) {
        return false;
    }
    target[length] = '\0';
    return strcmp(target + length - (ssize_t)(sizeof(mark) - 1), mark) == 0;
}

static size_t count_outdated(const json_t *value)
{
    size_t count = 0, index;
    const char *key;
    json_t *member;

    if (json_is_object(value)) {
        count += is_outdated(message_integer(value, "pid", 0)) ? 1 : 0;
        json_object_foreach((json_t *)(uintptr_t)value, key, member) {
            count += count_outdated(member);
        }
    }
    json_array_foreach(value, index, member) {
        count += count_outdated(member);
    }
    return count;
}

static bool has_layer(const json_t *layers, const char *name)
{
    const json_t *layer;
    size_t index;

    json_array_foreach(layers, index, layer) {
        const char *text = json_string_value(layer);
        if (text && strncmp(text, name, strlen(name)) == 0) {
            return true;
        }
    }
    return false;
}

static void judge_processes(json_t *findings, const json_t *status)
{
    const json_t *layers = json_object_get(json_object_get(status, "template"), "sandbox");
    size_t outdated = count_outdated(status);

    if (outdated > 0) {
        finding_add(findings, FINDING_WARNING, "processes",
                    "systemctl restart ringcast, at a time that suits: it costs some seconds of pictures.",
                    "%zu process%s still of the programs from before the last upgrade", outdated,
                    outdated == 1 ? " is" : "es are");
    }
    if (json_array_size(layers) > 0 && (!has_layer(layers, "seccomp") || !has_layer(layers, "landlock"))) {
        finding_add(findings, FINDING_WARNING, "processes",
                    "See `sandbox` in the configuration, and the kernel above.",
                    "the cameras' processes run without seccomp or landlock");
    }
}

void machine_findings(json_t *findings, const struct config *config, const char *config_path,
                      const json_t *status)
{
    judge_kernel(findings);
    judge_limits(findings, config, status);
    judge_shared_memory(findings);
    judge_memory(findings);
    judge_disk(findings, config);
    judge_entropy(findings);
    judge_clock(findings);
    judge_port(findings, config, status);
    judge_file(findings, config_path);
    if (status) {
        judge_processes(findings, status);
    }
}
