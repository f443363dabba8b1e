/* SPDX-License-Identifier: MIT */
#include "ctl/private_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "ctl/client.h"
#include "ctl/probe.h"
#include "ctl/program_beside.h"

/* Milliseconds in which it starts, and in which it ends; a busy small machine takes a second. */
#define START_MS 20000
#define END_MS 15000

/* Milliseconds between two looks, and for one. */
#define LOOK_MS 20
#define HANDSHAKE_MS 5000

static int write_configuration(const struct private_daemon *daemon, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/ringcast.conf", daemon->directory);
    FILE *file = fopen(path, "wxe");
    if (!file) {
        return -errno;
    }
    fprintf(file,
            "listen = \"127.0.0.1:0\";\nruntime_dir = \"%s/run\";\nstate_dir = \"%s/state\";\ninstance = "
            "\"probe-%d\";\n"
            "log_level = \"debug\";\ncameras = ( );\n",
            daemon->directory, daemon->directory, (int)getpid());
    return fclose(file) == 0 ? 0 : -errno;
}

/* In the child. It must not outlive this program: nobody would know of it. */
static void run(const char *program, const char *configuration, const char *log, pid_t parent)
{
    sigset_t none;
    int input = open("/dev/null", O_RDONLY);
    int output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (input < 0 || output < 0 || dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent) {
        _exit(126);
    }
    setpgid(0, 0); /* Ctrl-C is for ringcastctl, which then ends it */
    execl(program, program, "--foreground", "--config", configuration, (char *)NULL);
    _exit(127);
}

static bool has_ended(struct private_daemon *daemon)
{
    if (waitpid(daemon->pid, NULL, WNOHANG) == daemon->pid) {
        daemon->pid = 0;
    }
    return daemon->pid == 0;
}

static void pause_shortly(void)
{
    nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * NS_PER_MS}, NULL);
}

static void complain_with_log(const struct private_daemon *daemon, const char *what)
{
    char line[1024];
    FILE *file = fopen(daemon->log, "re");

    client_complain("%s", what);
    while (file && fgets(line, sizeof(line), file)) {
        fputs(line, stderr);
    }
    if (file) {
        fclose(file);
    }
}

static enum exit_code await_start(struct private_daemon *daemon)
{
    uint64_t deadline = clock_now_ms() + START_MS;

    while (!has_ended(daemon) && clock_now_ms() < deadline) {
        if (probe_socket(daemon->url + strlen("ipc://"), PROBE_REQUESTER, HANDSHAKE_MS) == 0) {
            return EXIT_CODE_OK;
        }
        pause_shortly();
    }
    complain_with_log(daemon, daemon->pid == 0 ? "the ringcastd for this probe has ended; its log:"
                                               : "the ringcastd for this probe does not start; its log:");
    return EXIT_CODE_FAILED;
}

enum exit_code private_daemon_start(struct private_daemon *daemon)
{
    char program[PATH_MAX], configuration[PATH_MAX];
    const char *temporary = getenv("TMPDIR");

    *daemon = (struct private_daemon){.pid = 0};
    /* Names of sockets are short. */
    bool usable = temporary && temporary[0] == '/' && !strpbrk(temporary, "\"\\") &&
                  strlen(temporary) < sizeof(daemon->directory) - 24;
    snprintf(daemon->directory, sizeof(daemon->directory), "%s/ringcast-probe.XXXXXX",
             usable ? temporary : "/tmp");
    if (!mkdtemp(daemon->directory)) {
        client_complain("%s: %s", daemon->directory, strerror(errno));
        daemon->directory[0] = '\0';
        return EXIT_CODE_FAILED;
    }
    snprintf(daemon->url, sizeof(daemon->url), "ipc://%s/run/control.sock", daemon->directory);
    snprintf(daemon->log, sizeof(daemon->log), "%s/log", daemon->directory);
    int result = program_beside("ringcastd", program);
    if (result < 0) {
        client_complain("%s: %s", program, strerror(-result));
        return EXIT_CODE_FAILED;
    }
    result = write_configuration(daemon, configuration);
    if (result < 0) {
        client_complain("%s: %s", configuration, strerror(-result));
        return EXIT_CODE_FAILED;
    }
    pid_t parent = getpid();
    daemon->pid = fork();
    if (daemon->pid == 0) {
        run(program, configuration, daemon->log, parent);
    }
    if (daemon->pid < 0) {
        client_complain("fork: %s", strerror(errno));
        daemon->pid = 0;
        return EXIT_CODE_FAILED;
    }
    return await_start(daemon);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    remove(path);
    return 0;
}

void private_daemon_end(struct private_daemon *daemon)
{
    if (daemon->pid > 0) {
        uint64_t deadline = clock_now_ms() + END_MS;
        kill(daemon->pid, SIGTERM);
        while (!has_ended(daemon) && clock_now_ms() < deadline) {
            pause_shortly();
        }
    }
    if (daemon->pid > 0) {
        kill(daemon->pid, SIGKILL); /* its keeper ends the others */
        waitpid(daemon->pid, NULL, 0);
        daemon->pid = 0;
    }
    if (daemon->directory[0] != '\0') {
        nftw(daemon->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
        daemon->directory[0] = '\0';
    }
}
