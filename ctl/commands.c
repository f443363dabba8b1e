#include "commands.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
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

static enum exit_code refused(const struct options *options, const json_t *error)
{
    if (options->json)
        print_json(error);
    client_complain("%s", message_string(error, "message", message_string(error, "code", "unknown error")));
    return EXIT_CODE_FAILED;
}

static enum exit_code malformed(const char *problem)
{
    client_complain("malformed reply: %s", problem);
    return EXIT_CODE_FAILED;
}

/* Asks REQUEST (consumed). *reply is there, to be freed, even if it is an error. */
static enum exit_code ask(struct client *client, const struct options *options, json_t *request,
                          json_t **reply)
{
    enum exit_code code = client_ask(client, request, reply);

    return code == EXIT_CODE_OK && message_is(*reply, "error") ? refused(options, *reply) : code;
}

/* Asks what a plain "ok" answers, and prints that as JSON if so wanted. */
static enum exit_code ask_for_ok(struct client *client, const struct options *options, json_t *request)
{
    json_t *reply = NULL;
    enum exit_code code = ask(client, options, request, &reply);

    if (code == EXIT_CODE_OK && !message_is(reply, "ok"))
        code = malformed("not \"ok\"");
    else if (code == EXIT_CODE_OK && options->json)
        code = print_json(reply);
    json_decref(reply);
    return code;
}

static enum exit_code ask_status(struct client *client, const struct options *options, json_t **status)
{
    enum exit_code code = ask(client, options, message_new("status"), status);
    const char *problem = code == EXIT_CODE_OK ? status_check(*status) : NULL;

    return problem != NULL ? malformed(problem) : code;
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

/* 0: the status does not tell. */
static pid_t process_of(const json_t *status)
{
    json_int_t pid = message_integer(status, "pid", 0);

    return pid > 1 && pid <= INT_MAX ? (pid_t)pid : 0;
}

/* True if the process of PIDFD ended in time. */
static bool wait_for_end(int pidfd)
{
    struct pollfd watched = {.fd = pidfd, .events = POLLIN};
    long long deadline = now_ms() + STOP_MS;
    int ready = 0;

    do {
        long long left = deadline - now_ms();
        ready = poll(&watched, 1, left > 0 ? (int)left : 0);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

/* Sends the stop unless ringcastd ENDS already, and waits for its process, which is watched before it is
 * told. */
static enum exit_code stop_and_wait(struct client *client, const struct options *options, pid_t pid,
                                    bool ends)
{
    bool visible = pid > 1 && client_peer(client) > 0;
    int pidfd = visible ? pidfd_open(pid, 0) : -1;
    enum exit_code code = ends ? EXIT_CODE_OK : ask_for_ok(client, options, message_new("stop"));

    if (code == EXIT_CODE_OK && !visible)
        client_complain("told to end; its process is not visible from here, so its end was not waited for");
    if (code == EXIT_CODE_OK && pidfd >= 0 && !wait_for_end(pidfd)) {
        client_complain("ringcastd is still there after %d s; see its log", STOP_MS / 1000);
        code = EXIT_CODE_FAILED;
    }
    if (pidfd >= 0)
        close(pidfd);
    return code;
}

static enum exit_code run_stop(struct client *client, const struct options *options)
{
    json_t *status = NULL;
    enum exit_code code = client_ask(client, message_new("status"), &status);

    if (code == EXIT_CODE_OK) {
        const char *problem = status_check(status);
        bool ends = strcmp(message_string(status, "code", ""), "stopping") == 0;
        if (message_is(status, "error") && ends) /* somebody else has told it */
            code = stop_and_wait(client, options, client_peer(client), true);
        else if (message_is(status, "error"))
            code = refused(options, status);
        else if (problem != NULL)
            code = malformed(problem);
        else
            code = stop_and_wait(client, options, process_of(status), false);
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
        code = run_stop(client, options);
        break;
    case COMMAND_VERSION:
        code = run_version(client, options);
        break;
    }
    client_close(client);
    return code;
}
