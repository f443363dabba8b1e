/* SPDX-License-Identifier: MIT */
#include "tests/process/ctl/ctl_fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/ipc/message.h"

/* Milliseconds that a false ringcastd takes to end after it was told to: what ringcastctl must wait for. */
#define SLOW_END_MS 300

static char directory[64];
static char requests[4096];
static pid_t server = -1;
static int silent_listener = -1;

int ctl_fixture_enter(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/ringcast-ctl-XXXXXX");
    unsetenv("RINGCAST_CONFIG");
    return mkdtemp(directory) == NULL || chdir(directory) < 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

int ctl_fixture_leave(void **state)
{
    (void)state;
    if (server > 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
        server = -1;
    }
    if (silent_listener >= 0) {
        close(silent_listener);
    }
    silent_listener = -1;
    return chdir("/") | nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *ctl_fixture_directory(void)
{
    return directory;
}

static const struct ctl_answer *find_answer(const struct ctl_answer *answers, const char *type)
{
    for (; answers->type != NULL; answers++) {
        if (strcmp(answers->type, type) == 0) {
            return answers;
        }
    }
    return NULL;
}

static void reply(nng_socket socket, const struct ctl_answer *answer)
{
    char number[16];
    const char *place = strstr(answer->text, "PID");
    size_t head = place != NULL ? (size_t)(place - answer->text) : strlen(answer->text);
    nng_msg *packet;

    nng_msg_alloc(&packet, 0);
    nng_msg_append(packet, answer->text, head);
    if (place != NULL) {
        nng_msg_append(packet, number, (size_t)snprintf(number, sizeof(number), "%d", (int)getpid()));
        nng_msg_append(packet, place + 3, strlen(place + 3));
    }
    if (answer->padding > 0) { /* at once: NNG copies the message for every piece */
        char *spaces = malloc(answer->padding);
        memset(spaces, ' ', answer->padding);
        nng_msg_append(packet, spaces, answer->padding);
        free(spaces);
    }
    nng_sendmsg(socket, packet, 0);
}

static void serve(const struct ctl_answer *answers, int ready)
{
    char url[128];
    nng_socket socket;
    int log = open("requests", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    snprintf(url, sizeof(url), "ipc://%s/control.sock", directory);
    if (nng_rep0_open(&socket) != 0 || nng_listen(socket, url, NULL, 0) != 0 || write(ready, "r", 1) != 1) {
        _exit(1);
    }
    for (;;) {
        nng_msg *packet;
        if (nng_recvmsg(socket, &packet, 0) != 0) {
            _exit(1);
        }
        json_t *request = message_decode(nng_msg_body(packet), nng_msg_len(packet), NULL);
        const struct ctl_answer *answer =
            find_answer(answers, request != NULL ? message_type(request) : "malformed");
        if (dprintf(log, "%.*s\n", (int)nng_msg_len(packet), (const char *)nng_msg_body(packet)) < 0) {
            _exit(1);
        }
        nng_msg_free(packet);
        json_decref(request);
        if (answer == NULL || answer->text == NULL) {
            _exit(0);
        }
        reply(socket, answer);
        if (answer->end) {
            poll(NULL, 0, SLOW_END_MS);
            _exit(0);
        }
    }
}

void ctl_fixture_serve(const struct ctl_answer *answers)
{
    pid_t parent = getpid();
    char byte;
    int ready[2];

    assert_int_equal(pipe(ready), 0);
    server = fork();
    if (server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(1);
        }
        close(ready[0]);
        serve(answers, ready[1]);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
}

void ctl_fixture_serve_silence(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "control.sock"};

    silent_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(silent_listener, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(silent_listener, 8), 0);
}

bool ctl_fixture_server_has_ended(void)
{
    siginfo_t info = {0};

    assert_int_equal(waitid(P_PID, (id_t)server, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    return info.si_pid == server;
}

static void read_file(const char *name, char *text, size_t size)
{
    FILE *file = fopen(name, "r");
    size_t length = file != NULL ? fread(text, 1, size - 1, file) : 0;

    text[length] = '\0';
    if (file != NULL) {
        fclose(file);
    }
}

const char *ctl_fixture_requests(void)
{
    read_file("requests", requests, sizeof(requests));
    return requests;
}

void ctl_fixture_input(const char *text)
{
    FILE *file = fopen("in", "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void execute(const char *const *arguments)
{
    char url[128];
    char name[] = "ringcastctl";
    char *argv[16] = {name};

    snprintf(url, sizeof(url), "ipc://%s/control.sock", directory);
    for (size_t i = 0; arguments[i] != NULL && i < 14; i++) {
        argv[i + 1] = strcmp(arguments[i], "SOCKET") == 0 ? url : (char *)(uintptr_t)arguments[i];
    }
    dup2(open("in", O_RDONLY | O_CREAT | O_CLOEXEC, 0600), STDIN_FILENO);
    dup2(open("out", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), STDOUT_FILENO);
    dup2(open("err", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), STDERR_FILENO);
    execv(RINGCASTCTL, argv);
    _exit(127);
}

pid_t ctl_fixture_start(const char *const *arguments)
{
    pid_t child = fork();

    if (child == 0) {
        execute(arguments);
    }
    assert_true(child > 0);
    return child;
}

void ctl_fixture_finish(pid_t child, struct ctl_result *result)
{
    int status = 0;

    assert_int_equal(waitpid(child, &status, 0), child);
    result->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    read_file("out", result->out, sizeof(result->out));
    read_file("err", result->err, sizeof(result->err));
}

void ctl_fixture_run(struct ctl_result *result, const char *const *arguments)
{
    ctl_fixture_finish(ctl_fixture_start(arguments), result);
}
