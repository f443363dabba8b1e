/* SPDX-License-Identifier: MIT */
/*
 * Landlock: no name of any file, directory or device means anything but the few that are listed here, for
 * reading. What is open already stays usable: rings, channel, sockets, standard error.
 */
#include "common/sandbox/sandbox_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

/* Of <linux/landlock.h>, which may be older than the kernel. */
#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1
#define ACCESS_READ_FILE (1ull << 2)
#define ACCESS_READ_DIR (1ull << 3)
#define ACCESS_NET_BIND_TCP (1ull << 0)
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ull << 0)
#define SCOPE_SIGNAL (1ull << 1)

/* Versions of the interface that brought something. */
#define VERSION_NET 4
#define VERSION_SCOPE 6

struct ruleset {
    uint64_t files, net, scoped;
};

struct path_rule {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

/* The files that turn a name into an address. Any of them may be missing. */
static const char *const name_files[] = {
    "/etc/resolv.conf",     /* the name servers */
    "/etc/hosts",           /* names that need no server */
    "/etc/nsswitch.conf",   /* which of the two comes first */
    "/etc/host.conf",       /* the same, for the older half of libc */
    "/etc/gai.conf",        /* which address of several comes first */
    "/etc/services",        /* "rtsp" for a port */
    "/run/systemd/resolve", /* where systemd-resolved replaces its files: no others are there */
};

/* The authorities that may sign the certificate of a camera or server. */
static const char *const certificate_files[] = {
    "/etc/ssl/certs",             /* Debian's, and what the operator adds */
    "/etc/ssl/openssl.cnf",       /* OpenSSL's own settings, read with the first connection */
    "/usr/lib/ssl",               /* where OpenSSL looks: links to the two above */
    "/usr/share/ca-certificates", /* where the links of /etc/ssl/certs lead */
    "/usr/local/share/ca-certificates",
};

/* What an operator tells OpenSSL to read instead: a file, and directories with colons between them. */
static const char *const certificate_variables[] = {"SSL_CERT_FILE", "SSL_CERT_DIR"};

/*
 * A worker narrows this down to what its camera needs. The fork server cannot know that: /etc may change while it runs,
 * and a camera may be a file anywhere. It writes, makes and executes no file.
 */
static const char *const exporter_files[] = {"/proc"}; /* what each process uses: time and memory */
static const char *const fork_server_files[] = {"/"};

#if SANDBOX_SANITIZER
/* A sanitizer reads the map of its process and, for a report, the program and its libraries. */
static const char *const sanitizer_files[] = {"/proc", "/usr/lib", "/lib", "/lib64", "/proc/self/exe"};
#endif

/* What a worker may open, as it was: name_files[0] and [1], the camera that is a file. NULL: nothing. */
static struct {
    const char *path;
    struct stat status;
} seen[3];

/* All rights on files that version VERSION knows. */
static uint64_t file_rights(int version)
{
    static const unsigned bits[] = {0, 13, 14, 15, 15, 16};
    int last = (int)(sizeof(bits) / sizeof(bits[0])) - 1;

    return (1ull << bits[version < last ? version : last]) - 1;
}

int sandbox_files_version(void)
{
    int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

    return version < 0 ? -errno : version;
}

static int allow_reading(int ruleset, const char *path)
{
    struct path_rule rule = {.allowed = ACCESS_READ_FILE, .parent = open(path, O_PATH | O_CLOEXEC)};
    struct stat status;

    if (rule.parent < 0) {
        return 0;
    }
    if (fstat(rule.parent, &status) == 0 && S_ISDIR(status.st_mode)) {
        rule.allowed |= ACCESS_READ_DIR;
    }
    int result = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) < 0 ? -errno : 0;
    close(rule.parent);
    return result;
}

static int allow_all(int ruleset, const char *const *paths, size_t count)
{
    int error = 0;

    for (size_t i = 0; i < count && error == 0; i++) {
        error = allow_reading(ruleset, paths[i]);
    }
    return error;
}

#define ALLOW(ruleset, paths) allow_all(ruleset, paths, sizeof(paths) / sizeof((paths)[0]))

/* Each of the paths of a list in the environment. */
static int allow_listed(int ruleset, const char *list)
{
    char path[PATH_MAX];
    int error = 0;

    while (list && *list != '\0' && error == 0) {
        size_t length = strcspn(list, ":");
        if (length > 0 && length < sizeof(path)) {
            memcpy(path, list, length);
            path[length] = '\0';
            error = allow_reading(ruleset, path);
        }
        list += length + (list[length] == ':');
    }
    return error;
}

static int allow_certificates(int ruleset)
{
    int error = ALLOW(ruleset, certificate_files);

    for (size_t i = 0; i < sizeof(certificate_variables) / sizeof(certificate_variables[0]) && error == 0;
         i++) {
        error = allow_listed(ruleset, getenv(certificate_variables[i]));
    }
    return error;
}

static int create_ruleset(int version)
{
    struct ruleset rules = {.files = file_rights(version),
                            .net = version >= VERSION_NET ? ACCESS_NET_BIND_TCP : 0,
                            .scoped =
                                version >= VERSION_SCOPE ? SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL : 0};
    size_t size = version >= VERSION_SCOPE ? sizeof(rules)
                  : version >= VERSION_NET ? offsetof(struct ruleset, scoped)
                                           : offsetof(struct ruleset, net);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);

    return ruleset < 0 ? -errno : ruleset;
}

static int fill_ruleset(int ruleset, enum sandbox_role role, const struct sandbox_needs *needs)
{
    bool fork_server = role == SANDBOX_FORK_SERVER;
    int error = fork_server ? ALLOW(ruleset, fork_server_files) : 0;

    if (error == 0 && role == SANDBOX_EXPORTER) {
        error = ALLOW(ruleset, exporter_files);
    }
    if (error == 0 && needs && needs->names) {
        error = ALLOW(ruleset, name_files);
    }
    if (error == 0 && needs && needs->certificates) {
        error = allow_certificates(ruleset);
    }
    if (error == 0 && needs && needs->file) {
        error = allow_reading(ruleset, needs->file);
    }
#if SANDBOX_SANITIZER
    if (error == 0) {
        error = ALLOW(ruleset, sanitizer_files);
    }
#endif
    return error;
}

static void watch_file(size_t place, const char *path)
{
    seen[place].path = path;
    if (!path || stat(path, &seen[place].status) < 0) {
        seen[place].status = (struct stat){0};
    }
}

/* Landlock's rules are about files, not their names. */
static void watch_files(const struct sandbox_needs *needs)
{
    watch_file(0, needs->names ? name_files[0] : NULL);
    watch_file(1, needs->names ? name_files[1] : NULL);
    watch_file(2, needs->file);
}

bool sandbox_is_stale(void)
{
    for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
        struct stat now = {0};
        const struct stat *then = &seen[i].status;
        if (seen[i].path && stat(seen[i].path, &now) == 0 &&
            (now.st_ino != then->st_ino || now.st_dev != then->st_dev)) {
            return true;
        }
    }
    return false;
}

int sandbox_close_files(enum sandbox_role role, const struct sandbox_needs *needs, int *version)
{
    *version = sandbox_files_version();
    if (*version < 0) {
        return *version;
    }
    int ruleset = create_ruleset(*version);
    if (ruleset < 0) {
        return ruleset;
    }
    int error = fill_ruleset(ruleset, role, needs);
    if (error == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0) {
        error = -errno;
    }
    close(ruleset);
    if (error == 0 && needs) {
        watch_files(needs);
    }
    return error;
}
