/* SPDX-License-Identifier: MIT */
#include "tests/process/supervisor/daemon_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <limits.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "tests/support/patience.h"

/* For a file that grows meanwhile. */
#define LONG_PATIENCE_MS (4 * PATIENCE_MS)

long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void pause_between_looks(void)
{
    poll(NULL, 0, 10);
}

/* --- Directory and configuration ------------------------------------------------------------------------ */

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

void remove_tree(const char *path)
{
    nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void write_config(const struct daemon *daemon, int listen_port, const struct camera_line *cameras)
{
    FILE *file = fopen(daemon->config, "w");

    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0600), 0); /* there are passwords in it */
    fprintf(file,
            "listen = \"127.0.0.1:%d\";\nruntime_dir = \"%s\";\nring_size = 65536;\nlog_level = \"debug\";\n",
            listen_port, daemon->runtime_dir);
    fprintf(file, "cameras = (\n");
    /* Both places where a password may stand: every second camera has it in its URL. */
    for (size_t i = 0; cameras[i].name; i++) {
        if (strstr(cameras[i].path, "://")) {
            fprintf(file, "%s  { name = \"%s\"; url = \"%s\"; on_demand = false; }", i == 0 ? "" : ",\n",
                    cameras[i].name, cameras[i].path);
            continue;
        }
        fprintf(file, "%s  { name = \"%s\"; url = \"rtsp://%s127.0.0.1:9/%s\";%s }", i == 0 ? "" : ",\n",
                cameras[i].name, i % 2 == 0 ? "" : "admin:c4nary-url@", cameras[i].path,
                i % 2 == 0 ? " username = \"admin\"; password = \"c4nary-field\";" : "");
    }
    fprintf(file, "\n);\n");
    assert_int_equal(fclose(file), 0);
}

void daemon_init(struct daemon *daemon, int listen_port, const struct camera_line *cameras)
{
    *daemon = (struct daemon){.dir = "/tmp/ringcastd-test-XXXXXX", .output = -1, .uid = geteuid()};
    assert_non_null(mkdtemp(daemon->dir));
    snprintf(daemon->runtime_dir, sizeof(daemon->runtime_dir), "%s/run", daemon->dir);
    snprintf(daemon->config, sizeof(daemon->config), "%s/ringcast.conf", daemon->dir);
    write_config(daemon, listen_port, cameras);
    /* What loses its parent comes to this process, where daemon_require_nothing_left sees it. */
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
}

void daemon_reconfigure(const struct daemon *daemon, int listen_port, const struct camera_line *cameras)
{
    write_config(daemon, listen_port, cameras);
}

void daemon_configure(const struct daemon *daemon, const char *lines)
{
    FILE *file = fopen(daemon->config, "a");

    assert_non_null(file);
    fprintf(file, "%s\n", lines);
    assert_int_equal(fclose(file), 0);
}

void daemon_order(const struct daemon *daemon, const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", daemon->dir, name);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
    assert_true(fd >= 0);
    close(fd);
}

/* --- Process -------------------------------------------------------------------------------------------- */

static void become_user(uid_t uid)
{
    if (uid == geteuid()) {
        return;
    }
    if (setgroups(0, NULL) < 0 || setgid(uid) < 0 || setuid(uid) < 0) {
        _exit(120);
    }
}

static void copy_program(const char *from, const char *to)
{
    struct stat status;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0755);

    assert_true(in >= 0 && out >= 0 && fstat(in, &status) == 0);
    for (ssize_t left = status.st_size, count; left > 0; left -= count) {
        count = sendfile(out, in, NULL, (size_t)left);
        assert_true(count > 0);
    }
    close(in);
    assert_int_equal(close(out), 0);
}

/*
 * ringcastd and the programs that it starts in DIRECTORY, for a user who cannot enter the directory of the
 * build.
 */
static void copy_programs(const struct daemon *daemon, const char *directory)
{
    char from[PATH_MAX], to[PATH_MAX];
    DIR *fakes = opendir(FAKES);

    assert_non_null(fakes);
    assert_int_equal(mkdir(directory, 0755), 0);
    for (struct dirent *entry; (entry = readdir(fakes)) != NULL;) {
        if (strncmp(entry->d_name, "ringcast-", strlen("ringcast-")) == 0) {
            snprintf(from, sizeof(from), "%s/%s", FAKES, entry->d_name);
            snprintf(to, sizeof(to), "%s/%s", directory, entry->d_name);
            copy_program(from, to);
        }
    }
    closedir(fakes);
    snprintf(to, sizeof(to), "%s/ringcastd", directory);
    copy_program(daemon->quick ? QUICK : RINGCASTD, to);
}

static void set_limit(int resource, long soft, rlim_t hard)
{
    const struct rlimit limit = {.rlim_cur = (rlim_t)soft, .rlim_max = hard};

    if (setrlimit(resource, &limit) < 0) {
        _exit(122);
    }
}

static void run_daemon(const struct daemon *daemon, int output, int log)
{
    const char *program = daemon->quick ? QUICK : RINGCASTD;
    char copies[96], copy[128];
    struct rlimit descriptors;

    snprintf(copies, sizeof(copies), "%s/bin", daemon->dir);
    snprintf(copy, sizeof(copy), "%s/ringcastd", copies);
    if (daemon->file_limit > 0) {
        signal(SIGXFSZ, SIG_IGN);
        set_limit(RLIMIT_FSIZE, daemon->file_limit, RLIM_INFINITY);
    }
    if (daemon->soft_descriptor_limit > 0) {
        getrlimit(RLIMIT_NOFILE, &descriptors);
        set_limit(RLIMIT_NOFILE, daemon->soft_descriptor_limit, descriptors.rlim_max);
    }
    if (daemon->descriptor_limit > 0) {
        set_limit(RLIMIT_NOFILE, daemon->descriptor_limit, (rlim_t)daemon->descriptor_limit);
    }
    become_user(daemon->uid);
    if (access(copies, F_OK) == 0) {
        unsetenv("LSAN_OPTIONS"); /* names a file beside the build */
    }
    setenv("FAKE_DIR", daemon->dir, 1);
    setenv("RINGCAST_LIBEXEC_DIR", access(copies, F_OK) == 0 ? copies : FAKES, 1);
    dup2(output, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    for (int i = 0; i < daemon->descriptors_taken; i++) {
        if (open("/dev/null", O_RDONLY) < 0) { /* stays open in ringcastd */
            _exit(123);
        }
    }
    execl(access(copy, X_OK) == 0 ? copy : program, "ringcastd", "--config", daemon->config,
          daemon->background ? NULL : "--foreground", NULL);
    _exit(121);
}

void daemon_launch(struct daemon *daemon)
{
    char log_path[96];
    int ends[2];

    snprintf(log_path, sizeof(log_path), "%s/log", daemon->dir);
    if (daemon->uid != geteuid()) {
        char copies[96];
        snprintf(copies, sizeof(copies), "%s/bin", daemon->dir);
        copy_programs(daemon, copies);
        assert_int_equal(chown(daemon->dir, daemon->uid, daemon->uid), 0);
        assert_int_equal(chown(daemon->config, daemon->uid, daemon->uid), 0);
    }
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    int log = open(log_path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
    assert_true(log >= 0);
    daemon->pid = fork();
    assert_true(daemon->pid >= 0);
    if (daemon->pid == 0) {
        run_daemon(daemon, ends[1], log);
    }
    close(log);
    close(ends[1]);
    daemon->output = ends[0];
}

/* The log on standard error, to show why the test failed. */
static void show_log(const struct daemon *daemon)
{
    char path[96], text[4096];

    snprintf(path, sizeof(path), "%s/log", daemon->dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    for (ssize_t length; fd >= 0 && (length = read(fd, text, sizeof(text))) > 0;) {
        (void)!write(STDERR_FILENO, text, (size_t)length);
    }
    if (fd >= 0) {
        close(fd);
    }
}

/* Fails the test; the next one begins without this one's processes. */
static void give_up(struct daemon *daemon, const char *what)
{
    int status;

    show_log(daemon);
    if (daemon->pid > 0) {
        kill(daemon->pid, SIGTERM);
    }
    for (long long end = now_ms() + PATIENCE_MS; waitpid(-1, &status, WNOHANG) >= 0 && now_ms() < end;) {
        pause_between_looks();
    }
    remove_tree(daemon->dir);
    fail_msg("%s", what);
}

static void wait_ready(struct daemon *daemon)
{
    char line[128] = "";
    size_t length = 0;
    struct pollfd wait = {.fd = daemon->output, .events = POLLIN};

    while (!strchr(line, '\n') && length < sizeof(line) - 1) {
        if (poll(&wait, 1, PATIENCE_MS) != 1) {
            give_up(daemon, "not ready in time");
        }
        ssize_t more = read(daemon->output, line + length, sizeof(line) - 1 - length);
        if (more <= 0) {
            give_up(daemon, "ended before it was ready");
        }
        length += (size_t)more;
    }
    if (sscanf(line, "ringcast: http://127.0.0.1:%d/", &daemon->port) != 1) {
        give_up(daemon, line);
    }
}

int daemon_wait_exit(struct daemon *daemon)
{
    int status = 0;
    pid_t pid = 0;

    for (long long end = now_ms() + PATIENCE_MS; pid == 0; pause_between_looks()) {
        pid = waitpid(daemon->pid, &status, WNOHANG);
        if (now_ms() > end) {
            give_up(daemon, "does not end");
        }
    }
    assert_int_equal(pid, daemon->pid);
    daemon->pid = 0;
    close(daemon->output);
    daemon->output = -1;
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* --- What is left --------------------------------------------------------------------------------------- */

/* A process whose environment names our directory: started by our ringcastd, wherever it hangs now. */
static pid_t process_of(const struct daemon *daemon)
{
    static char environment[1 << 16];
    char path[64];
    pid_t found = 0;
    DIR *proc = opendir("/proc");

    assert_non_null(proc);
    for (struct dirent *entry; found == 0 && (entry = readdir(proc));) {
        if (atoi(entry->d_name) <= 0) {
            continue;
        }
        snprintf(path, sizeof(path), "/proc/%.20s/environ", entry->d_name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t length = fd < 0 ? 0 : read(fd, environment, sizeof(environment));
        if (fd >= 0) {
            close(fd);
        }
        if (length > 0 && memmem(environment, (size_t)length, daemon->dir, strlen(daemon->dir))) {
            found = atoi(entry->d_name);
        }
    }
    closedir(proc);
    return found;
}

static bool ring_left(const struct daemon *daemon)
{
    char prefix[96];
    bool found = false;
    DIR *shm = daemon->instance[0] == '\0' ? NULL : opendir("/dev/shm");

    if (!shm) {
        return false;
    }
    snprintf(prefix, sizeof(prefix), "ringcast.%s.", daemon->instance);
    for (struct dirent *entry; (entry = readdir(shm));) {
        found = found || strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    }
    closedir(shm);
    return found;
}

static bool is_listened_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool connected = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return connected;
}

void daemon_require_nothing_left(struct daemon *daemon)
{
    if (process_of(daemon) != 0) {
        give_up(daemon, "a process is left");
    }
    if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD) {
        give_up(daemon, "a process was left to its grandparent");
    }
    if (ring_left(daemon)) {
        give_up(daemon, "a ring is left");
    }
    if (daemon->port > 0 && is_listened_on(daemon->port)) {
        give_up(daemon, "a process listens");
    }
    if (access(daemon->runtime_dir, F_OK) == 0) {
        give_up(daemon, "the run-time directory is left");
    }
    if (daemon_file_has(daemon, "log", "c4nary")) {
        give_up(daemon, "a password is in the log");
    }
    remove_tree(daemon->dir);
}

void daemon_wait_adopted(void)
{
    for (long long end = now_ms() + PATIENCE_MS; waitpid(-1, NULL, WNOHANG) >= 0 && now_ms() < end;) {
        pause_between_looks();
    }
}

void daemon_start(struct daemon *daemon)
{
    daemon_launch(daemon);
    wait_ready(daemon);
}

void daemon_kill(struct daemon *daemon)
{
    assert_int_equal(kill(daemon->pid, SIGKILL), 0);
    assert_int_equal(daemon_wait_exit(daemon), -SIGKILL);
}

void daemon_stop(struct daemon *daemon, int signal)
{
    assert_int_equal(kill(daemon->pid, signal), 0);
    int exit_code = daemon_wait_exit(daemon);
    if (exit_code != 0) {
        show_log(daemon);
    }
    assert_int_equal(exit_code, 0);
}

void daemon_finish(struct daemon *daemon)
{
    daemon_stop(daemon, SIGTERM);
    daemon_require_nothing_left(daemon);
}

void daemon_finish_adopted(struct daemon *daemon)
{
    daemon_stop(daemon, SIGTERM);
    daemon_wait_adopted();
    daemon_require_nothing_left(daemon);
}

/* --- Control -------------------------------------------------------------------------------------------- */

static int exchange(const struct daemon *daemon, const char *text, char **reply, size_t *length)
{
    char url[128];
    nng_socket socket;

    snprintf(url, sizeof(url), "ipc://%s/control.sock", daemon->runtime_dir);
    int error = nng_req0_open(&socket);
    if (error != 0) {
        return error;
    }
    nng_socket_set_ms(socket, NNG_OPT_RECVTIMEO, PATIENCE_MS);
    nng_socket_set_ms(socket, NNG_OPT_SENDTIMEO, PATIENCE_MS);
    error = nng_dial(socket, url, NULL, 0);
    if (error == 0) {
        error = nng_send(socket, (char *)text, strlen(text), 0);
    }
    if (error == 0) {
        error = nng_recv(socket, reply, length, NNG_FLAG_ALLOC);
    }
    nng_close(socket);
    return error;
}

json_t *daemon_ask_text(struct daemon *daemon, const char *text)
{
    char *reply = NULL;
    size_t length = 0;
    int error = exchange(daemon, text, &reply, &length);

    if (error != 0) {
        give_up(daemon, nng_strerror(error));
    }
    assert_null(memmem(reply, length, "c4nary", 6));
    json_t *message = message_decode(reply, length, NULL);
    nng_free(reply, length);
    assert_non_null(message);
    return message;
}

json_t *daemon_ask(struct daemon *daemon, const char *type, const char *camera)
{
    json_t *request = message_new(type);

    if (camera) {
        json_object_set_new(request, "camera", json_string(camera));
    }
    char *text = json_dumps(request, JSON_COMPACT);
    json_t *reply = daemon_ask_text(daemon, text);
    free(text);
    json_decref(request);
    return reply;
}

json_t *daemon_status(struct daemon *daemon)
{
    json_t *status = daemon_ask(daemon, "status", NULL);

    assert_true(message_is(status, "status"));
    snprintf(daemon->instance, sizeof(daemon->instance), "%s", message_string(status, "instance", ""));
    assert_int_not_equal(daemon->instance[0], '\0');
    return status;
}

json_t *status_camera(json_t *status, const char *camera)
{
    json_t *entry;
    size_t index;

    json_array_foreach(json_object_get(status, "cameras"), index, entry) {
        if (strcmp(message_string(entry, "name", ""), camera) == 0) {
            return entry;
        }
    }
    fail_msg("no camera %s in the status", camera);
    return NULL;
}

pid_t daemon_wait_camera(struct daemon *daemon, const char *camera, const char *state, pid_t not_pid)
{
    char what[128];

    for (long long end = now_ms() + PATIENCE_MS; now_ms() < end; pause_between_looks()) {
        json_t *status = daemon_status(daemon);
        json_t *entry = status_camera(status, camera);
        pid_t pid = (pid_t)message_integer(entry, "pid", 0);
        bool reached =
            strcmp(message_string(entry, "state", ""), state) == 0 && (not_pid == 0 || pid != not_pid);
        json_decref(status);
        if (reached) {
            return pid;
        }
    }
    snprintf(what, sizeof(what), "camera %s does not reach %s", camera, state);
    give_up(daemon, what);
    return 0;
}

pid_t daemon_wait_service(struct daemon *daemon, const char *member, pid_t not_pid)
{
    for (long long end = now_ms() + PATIENCE_MS; now_ms() < end; pause_between_looks()) {
        json_t *status = daemon_status(daemon);
        json_t *entry = json_object_get(status, member);
        if (json_is_array(entry)) {
            entry = json_array_get(entry, 0);
        }
        pid_t pid = (pid_t)message_integer(entry, "pid", 0);
        bool running = strcmp(message_string(entry, "state", ""), "running") == 0;
        json_decref(status);
        if (running && pid != not_pid) {
            return pid;
        }
    }
    give_up(daemon, "a service does not come back");
    return 0;
}

/* --- Files and the viewers' port ------------------------------------------------------------------------ */

bool daemon_file_has(const struct daemon *daemon, const char *name, const char *text)
{
    char path[128], *content = NULL;
    size_t size = 0;
    bool found = false;

    snprintf(path, sizeof(path), "%s/%s", daemon->dir, name);
    FILE *file = fopen(path, "re");
    if (!file) {
        return false;
    }
    while (!found && getline(&content, &size, file) > 0) {
        found = strstr(content, text);
    }
    free(content);
    fclose(file);
    return found;
}

static off_t size_of(const struct daemon *daemon, const char *name)
{
    char path[128];
    struct stat status;

    snprintf(path, sizeof(path), "%s/%s", daemon->dir, name);
    return stat(path, &status) == 0 ? status.st_size : 0;
}

void daemon_wait_file(struct daemon *daemon, const char *name, const char *text)
{
    const long long last = now_ms() + LONG_PATIENCE_MS;
    off_t size = 0;

    for (long long end = now_ms() + PATIENCE_MS; now_ms() < end && now_ms() < last; pause_between_looks()) {
        const off_t now = size_of(daemon, name);
        if (now != size) { /* it goes on, however slow the machine */
            size = now;
            end = now_ms() + PATIENCE_MS;
        }
        if (daemon_file_has(daemon, name, text)) {
            return;
        }
    }
    give_up(daemon, text);
}

pid_t daemon_ask_viewer_port(struct daemon *daemon)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)daemon->port)};
    const struct timeval limit = {.tv_sec = PATIENCE_MS / 1000};
    char text[32] = "";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        read(fd, text, sizeof(text) - 1) <= 0) {
        give_up(daemon, "no viewer is served");
    }
    close(fd);
    return atoi(text);
}
