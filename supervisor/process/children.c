/* SPDX-License-Identifier: MIT */
#include "supervisor/process/children.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ipc/channel.h"
#include "common/log/log.h"

/* After the handlers of pidfds, which reap the processes that are known. */
#define ORPHAN_PRIORITY (SD_EVENT_PRIORITY_NORMAL + 10)

struct pid_set {
    pid_t *pids;
    size_t count, capacity;
};

struct children {
    sd_event *event;
    sd_event_source *sigchld;
    struct watchdog *watchdog;
    struct fd_store *store;
    struct pid_set known;
    struct pid_set foreign; /* ours by exec: never killed */
    char **environment;     /* pointers into environ, without what is meant for ringcastd alone */
    unsigned holds;
    int log_fd;
};

static ssize_t pid_set_find(const struct pid_set *set, pid_t pid)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->pids[i] == pid) {
            return (ssize_t)i;
        }
    }
    return -1;
}

static int pid_set_add(struct pid_set *set, pid_t pid)
{
    if (set->count == set->capacity) {
        size_t capacity = set->capacity == 0 ? 16 : set->capacity * 2;
        pid_t *pids = reallocarray(set->pids, capacity, sizeof(*pids));
        if (!pids) {
            return -ENOMEM;
        }
        set->pids = pids;
        set->capacity = capacity;
    }
    set->pids[set->count++] = pid;
    return 0;
}

static void pid_set_remove(struct pid_set *set, pid_t pid)
{
    ssize_t index = pid_set_find(set, pid);

    if (index >= 0) {
        set->pids[index] = set->pids[--set->count];
    }
}

/*
 * Reaps zombies up to the first one that is not ours to reap; when that one is reaped this is called again.
 */
static void reap_orphans(struct children *children)
{
    while (children->holds == 0) {
        siginfo_t info = {0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0) {
            return;
        }
        if (pid_set_find(&children->known, info.si_pid) >= 0) {
            return;
        }
        if (waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG) < 0) {
            return;
        }
        pid_set_remove(&children->foreign, info.si_pid);
        log_debug("reaped orphan %d", (int)info.si_pid);
    }
}

static int on_sigchld(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
    (void)source, (void)info;
    reap_orphans(data);
    return 0;
}

/* Parent of process PID from /proc/PID/stat: "pid (comm) state ppid …"; comm may hold anything, ')' too. */
static pid_t parent_of(const char *pid)
{
    char path[64], line[512];
    snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
    FILE *file = fopen(path, "re");
    if (!file) {
        return -1;
    }
    size_t length = fread(line, 1, sizeof(line) - 1, file);
    fclose(file);
    line[length] = '\0';
    const char *end_of_name = strrchr(line, ')');
    if (!end_of_name || strlen(end_of_name) < 5) {
        return -1;
    }
    return (pid_t)strtol(end_of_name + 4, NULL, 10);
}

static void for_each_child(struct children *children, void (*visit)(struct children *, pid_t))
{
    DIR *proc = opendir("/proc");
    if (!proc) {
        return;
    }
    for (struct dirent *entry; (entry = readdir(proc));) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 0 && parent_of(entry->d_name) == getpid()) {
            visit(children, pid);
        }
    }
    closedir(proc);
}

static void remember_foreign(struct children *children, pid_t pid)
{
    pid_set_add(&children->foreign, pid);
}

static void kill_if_unknown(struct children *children, pid_t pid)
{
    if (pid_set_find(&children->known, pid) < 0 && pid_set_find(&children->foreign, pid) < 0) {
        kill(pid, SIGKILL);
    }
}

static bool for_ringcastd_alone(const char *variable)
{
    static const char *const names[] = {
        "NOTIFY_SOCKET=", "WATCHDOG_PID=", "WATCHDOG_USEC=", "LISTEN_FDS=", "LISTEN_FDNAMES=", "LISTEN_PID="};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strncmp(variable, names[i], strlen(names[i])) == 0) {
            return true;
        }
    }
    return false;
}

static char **child_environment(void)
{
    size_t count = 0, kept = 0;

    while (environ && environ[count]) {
        count++;
    }
    char **environment = calloc(count + 1, sizeof(*environment));
    if (!environment) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (!for_ringcastd_alone(environ[i])) {
            environment[kept++] = environ[i];
        }
    }
    return environment;
}

int children_create(sd_event *event, struct children **made)
{
    struct children *children = calloc(1, sizeof(*children));
    if (!children) {
        return -ENOMEM;
    }
    children->event = sd_event_ref(event);
    children->log_fd = -1;
    int result = -ENOMEM;
    children->environment = child_environment();
    if (!children->environment) {
        goto fail;
    }
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
        result = -errno;
        goto fail;
    }
    for_each_child(children, remember_foreign);
    result = watchdog_create(event, &children->watchdog);
    if (result < 0) {
        goto fail;
    }
    result = sd_event_add_signal(event, &children->sigchld, SIGCHLD, on_sigchld, children);
    if (result < 0) {
        goto fail;
    }
    sd_event_source_set_priority(children->sigchld, ORPHAN_PRIORITY);
    *made = children;
    return 0;
fail:
    children_destroy(children);
    return result;
}

void children_destroy(struct children *children)
{
    if (!children) {
        return;
    }
    sd_event_source_disable_unref(children->sigchld);
    watchdog_destroy(children->watchdog);
    sd_event_unref(children->event);
    free(children->known.pids);
    free(children->foreign.pids);
    free(children->environment);
    free(children);
}

sd_event *children_event(const struct children *children)
{
    return children->event;
}

struct watchdog *children_watchdog(const struct children *children)
{
    return children->watchdog;
}

void children_set_fd_store(struct children *children, struct fd_store *store)
{
    children->store = store;
}

struct fd_store *children_fd_store(const struct children *children)
{
    return children->store;
}

void children_set_log(struct children *children, int fd)
{
    children->log_fd = fd;
}

static int prepare_files(posix_spawn_file_actions_t *actions, const struct children *children, int channel)
{
    int result = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

    if (result == 0 && children->log_fd >= 0) {
        result = posix_spawn_file_actions_adddup2(actions, children->log_fd, STDERR_FILENO);
    }
    if (result == 0) {
        result = posix_spawn_file_actions_adddup2(actions, STDERR_FILENO, STDOUT_FILENO);
    }
    if (result == 0) {
        result = posix_spawn_file_actions_adddup2(actions, channel, CHANNEL_CHILD_FD);
    }
    if (result == 0) {
        result = posix_spawn_file_actions_addclosefrom_np(actions, CHANNEL_CHILD_FD + 1);
    }
    return result;
}

static int prepare_signals(posix_spawnattr_t *attributes)
{
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    int result = posix_spawnattr_setsigmask(attributes, &none);
    if (result == 0) {
        result = posix_spawnattr_setsigdefault(attributes, &all);
    }
    if (result == 0) {
        result = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                          POSIX_SPAWN_SETSID);
    }
    return result;
}

/*
 * posix_spawn and not fork: NNG's threads may hold any lock, so nothing but system calls may run before exec.
 */
int children_spawn(struct children *children, char *const argv[], int channel, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;

    if (posix_spawn_file_actions_init(&actions) != 0) {
        return -ENOMEM;
    }
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return -ENOMEM;
    }
    int result = prepare_files(&actions, children, channel);
    if (result == 0) {
        result = prepare_signals(&attributes);
    }
    if (result == 0) {
        result = posix_spawn(pid, argv[0], &actions, &attributes, argv, children->environment);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (result != 0) {
        return -result;
    }
    result = children_know(children, *pid);
    if (result < 0) {
        kill(*pid, SIGKILL);
        waitpid(*pid, NULL, 0);
    }
    return result;
}

int children_know(struct children *children, pid_t pid)
{
    return pid_set_add(&children->known, pid);
}

void children_forget(struct children *children, pid_t pid)
{
    pid_set_remove(&children->known, pid);
    reap_orphans(children);
}

void children_hold(struct children *children)
{
    children->holds++;
}

void children_release(struct children *children)
{
    children->holds--;
    reap_orphans(children);
}

bool children_held(const struct children *children)
{
    return children->holds > 0;
}

void children_kill_unknown(struct children *children)
{
    for_each_child(children, kill_if_unknown);
}

static void kill_and_reap(struct children *children, pid_t pid)
{
    if (pid_set_find(&children->foreign, pid) >= 0) {
        return;
    }
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

void children_finish(struct children *children)
{
    for_each_child(children, kill_and_reap);
}
