#include "commands.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "message.h"
#include "status_table.h"

/* Milliseconds that ringcastd gets to end: it gives its children less. */
#define STOP_MS 10000

/* Milliseconds between looks at a socket whose process cannot be watched. */
#define STOP_PROBE_MS 20

/* JSON as text that is safe on a terminal: ASCII, and DEL, which JSON does not escape, escaped too. */
static enum exit_code print_json(const json_t *message)
{
    char *text = json_dumps(message, JSON_INDENT(2) | JSON_ENSURE_ASCII);

    if (text == NULL) {
        client_complain("out of memory");
        return EXIT_CODE_FAILED;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == 0x7f)
            fputs("\\u007f", stdout);
        else
            putchar(*at);
    }
    putchar('\n');
    free(text);
    return EXIT_CODE_OK;
}

/* Asks REQUEST (consumed). An error reply is printed and is EXIT_CODE_FAILED; *reply is there all the same.
 */
static enum exit_code ask(struct client *client, const struct options *options, json_t *request,
                          json_t **reply)
{
    enum exit_code code = client_ask(client, request, reply);

    if (code != EXIT_CODE_OK || !message_is(*reply, "error"))
        return code;
    if (options->json)
        print_json(*reply);
    client_complain("%s", message_string(*reply, "message", message_string(*reply, "code", "unknown error")));
    return EXIT_CODE_FAILED;
}

/* Asks what a plain "ok" answers, and prints that as JSON if so wanted. */
static enum exit_code ask_for_ok(struct client *client, const struct options *options, json_t *request)
{
    json_t *reply = NULL;
    enum exit_code code = ask(client, options, request, &reply);

    if (code == EXIT_CODE_OK && !message_is(reply, "ok")) {
        client_complain("malformed reply: not \"ok\"");
        code = EXIT_CODE_FAILED;
    } else if (code == EXIT_CODE_OK && options->json) {
        code = print_json(reply);
    }
    json_decref(reply);
    return code;
}

static enum exit_code ask_status(struct client *client, const struct options *options, json_t **status)
{
    enum exit_code code = ask(client, options, message_new("status"), status);
    const char *problem = code == EXIT_CODE_OK ? status_check(*status) : NULL;

    if (problem != NULL) {
        client_complain("malformed reply: %s", problem);
        code = EXIT_CODE_FAILED;
    }
    return code;
}

static enum exit_code run_status(struct client *client, const struct options *options)
{
    json_t *status = NULL;
    enum exit_code code = ask_status(client, options, &status);

    if (code == EXIT_CODE_OK && options->json)
        code = print_json(status);
    else if (code == EXIT_CODE_OK)
        status_table_print(status, stdout);
    json_decref(status);
    return code;
}

static enum exit_code run_restart(struct client *client, const struct options *options)
{
    json_t *request = message_new("restart");

    /* A name that is not UTF-8 cannot be a camera's, nor in JSON. */
    if (json_object_set_new(request, "camera", json_string(options->camera)) < 0) {
        json_decref(request);
        client_complain("the camera's name is not UTF-8");
        return EXIT_CODE_USAGE;
    }
    return ask_for_ok(client, options, request);
}

static enum exit_code run_version(struct client *client, const struct options *options)
{
    json_t *status = NULL;
    enum exit_code code = ask_status(client, options, &status);

    if (code == EXIT_CODE_OK && options->json) {
        json_t *versions = json_pack("{s:s, s:s}", "ringcastctl", RINGCAST_VERSION, "ringcastd",
                                     message_string(status, "version", "unknown"));
        code = print_json(versions);
        json_decref(versions);
    } else if (code == EXIT_CODE_OK) {
        puts("ringcastctl " RINGCAST_VERSION);
        printf("ringcastd %s\n", message_string(status, "version", "unknown"));
    }
    json_decref(status);
    return code;
}

static long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* 0, or -ETIMEDOUT. */
static int wait_for_process(int pidfd)
{
    struct pollfd watched = {.fd = pidfd, .events = POLLIN};
    long long deadline = now_ms() + STOP_MS;
    int ready = 0;

    do {
        long long left = deadline - now_ms();
        ready = poll(&watched, 1, left > 0 ? (int)left : 0);
    } while (ready < 0 && errno == EINTR);
    return ready > 0 ? 0 : -ETIMEDOUT;
}

/* For a ringcastd whose process is not visible from here, in another container. 0, or -ETIMEDOUT. */
static int wait_for_socket(const char *url)
{
    long long deadline = now_ms() + STOP_MS;

    while (client_probe(url) == 0) {
        if (now_ms() > deadline)
            return -ETIMEDOUT;
        poll(NULL, 0, STOP_PROBE_MS);
    }
    return 0;
}

/* A descriptor of ringcastd's process, taken before it is told to end; -1: there is none to be had. */
static int open_process(const json_t *status)
{
    json_int_t pid = message_integer(status, "pid", 0);

    return pid > 1 && pid <= INT_MAX ? pidfd_open((pid_t)pid, 0) : -1;
}

static enum exit_code run_stop(struct client *client, const struct options *options, const char *url)
{
    json_t *status = NULL;
    enum exit_code code = ask_status(client, options, &status);

    if (code == EXIT_CODE_OK) {
        int pidfd = open_process(status);
        code = ask_for_ok(client, options, message_new("stop"));
        if (code == EXIT_CODE_OK && (pidfd >= 0 ? wait_for_process(pidfd) : wait_for_socket(url)) < 0) {
            client_complain("ringcastd was told to end, but is still there after %d s; see its log",
                            STOP_MS / 1000);
            code = EXIT_CODE_FAILED;
        }
        if (pidfd >= 0)
            close(pidfd);
    }
    json_decref(status);
    return code;
}

enum exit_code command_run(const struct options *options, const char *url)
{
    struct client *client = NULL;
    enum exit_code code = client_open(url, &client);

    if (code != EXIT_CODE_OK)
        return code;
    switch (options->command) {
    case COMMAND_STATUS:
        code = run_status(client, options);
        break;
    case COMMAND_RESTART:
        code = run_restart(client, options);
        break;
    case COMMAND_STOP:
        code = run_stop(client, options, url);
        break;
    case COMMAND_VERSION:
        code = run_version(client, options);
        break;
    }
    client_close(client);
    return code;
}
