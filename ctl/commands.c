#include "ctl/commands.h"

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

#include "common/base/text.h"
#include "common/ipc/message.h"
#include "ctl/await.h"
#include "ctl/client.h"
#include "ctl/events.h"
#include "ctl/record.h"
#include "ctl/request.h"
#include "ctl/settings.h"
#include "ctl/status_table.h"
#include "ctl/top.h"
#include "ctl/viewers.h"

/* Milliseconds that ringcastd gets to end: it gives its children less. */
#define STOP_MS 10000

/* Bytes of an escaped log line. */
#define LINE_SIZE 4096

static enum exit_code run_status(struct client *client, const struct options *options)
{
    json_t *status = NULL;
    enum exit_code code = request_status(client, options, &status);

    if (code == EXIT_CODE_OK && options->json) {
        code = request_print_json(status, JSON_INDENT(2));
    } else if (code == EXIT_CODE_OK) {
        status_table_print(status, stdout);
    }
    json_decref(status);
    return code;
}

/* The process of CAMERA before a command; 0: none, or it is not known. */
static enum exit_code ask_pid(struct client *client, const struct options *options, const char *camera,
                              pid_t *pid)
{
    json_t *status = NULL;
    enum exit_code code = request_status(client, options, &status);

    if (code == EXIT_CODE_OK) {
        *pid = (pid_t)message_integer(request_find_camera(status, camera), "pid", 0);
    }
    json_decref(status);
    return code;
}

static enum exit_code run_restart(struct client *client, const struct options *options)
{
    const char *camera = options->arguments[0];
    json_t *request = request_for_camera("restart", camera);
    enum exit_code code = EXIT_CODE_OK;
    pid_t before = 0;

    if (request == NULL) {
        return EXIT_CODE_USAGE;
    }
    if (options->wait) {
        code = ask_pid(client, options, camera, &before);
    }
    if (code != EXIT_CODE_OK) {
        json_decref(request);
        return code;
    }
    code = request_ok(client, options, request);
    return code == EXIT_CODE_OK && options->wait ? await_streaming(client, options, camera, before) : code;
}

static enum exit_code change_camera(struct client *client, const struct options *options, const char *type)
{
    const char *camera = options->arguments[0];
    json_t *request = request_for_camera(type, camera);
    bool ends = strcmp(type, "camera-remove") == 0 || strcmp(type, "camera-disable") == 0;
    pid_t before = 0;
    enum exit_code code = EXIT_CODE_OK;

    if (request == NULL) {
        return EXIT_CODE_USAGE;
    }
    if (options->argument_count > 1) {
        json_t *settings = settings_parse(options->argument_count - 1, options->arguments + 1);
        if (settings == NULL) {
            code = EXIT_CODE_USAGE;
        } else {
            json_object_set_new(request, "settings", settings);
        }
    }
    if (code == EXIT_CODE_OK) {
        code = request_ok(client, options, json_incref(request));
    }
    json_decref(request);
    if (code != EXIT_CODE_OK || !options->wait) {
        return code;
    }
    return ends ? await_gone(client, options, camera) : await_streaming(client, options, camera, before);
}

static void print_names(const char *what, const json_t *names)
{
    char escaped[LINE_SIZE];
    size_t index;
    json_t *name;

    json_array_foreach(names, index, name) {
        text_escape(escaped, sizeof(escaped), json_is_string(name) ? json_string_value(name) : "?");
        printf("%s %s\n", what, escaped);
    }
}

/* What a reload did not touch is not waited for, whatever its state. */
static enum exit_code await_reloaded(struct client *client, const struct options *options,
                                     const json_t *reply)
{
    json_t *begun = json_array();

    json_array_extend(begun, json_object_get(reply, "added"));
    json_array_extend(begun, json_object_get(reply, "changed"));
    enum exit_code code = await_all_streaming(client, options, begun);
    json_decref(begun);
    return code;
}

static enum exit_code run_reload(struct client *client, const struct options *options)
{
    json_t *reply = NULL;
    enum exit_code code = request_ask(client, options, message_new("reload"), "reloaded", &reply);

    if (code == EXIT_CODE_OK && options->json) {
        code = request_print_json(reply, JSON_INDENT(2));
    } else if (code == EXIT_CODE_OK) {
        print_names("added", json_object_get(reply, "added"));
        print_names("removed", json_object_get(reply, "removed"));
        print_names("changed", json_object_get(reply, "changed"));
        printf("%" JSON_INTEGER_FORMAT " unchanged\n", message_integer(reply, "unchanged", 0));
    }
    if (code == EXIT_CODE_OK && options->wait) {
        code = await_reloaded(client, options, reply);
    }
    json_decref(reply);
    return code;
}

static bool is_process(const char *name)
{
    return strcmp(name, "fanout") == 0 || strcmp(name, "template") == 0 || strcmp(name, "keeper") == 0;
}

static enum exit_code run_log(struct client *client, const struct options *options)
{
    const char *subject = options->arguments[0];
    json_t *request = is_process(subject) ? message_new("log") : request_for_camera("log", subject);
    json_t *reply = NULL;
    char escaped[LINE_SIZE];
    size_t index;
    json_t *line;

    if (request == NULL) {
        return EXIT_CODE_USAGE;
    }
    if (is_process(subject)) {
        json_object_set_new(request, "process", json_string(subject));
    }
    enum exit_code code = request_ask(client, options, request, "log", &reply);
    if (code == EXIT_CODE_OK && options->json) {
        code = request_print_json(reply, JSON_INDENT(2));
    } else if (code == EXIT_CODE_OK) {
        json_array_foreach(json_object_get(reply, "lines"), index, line) {
            text_escape(escaped, sizeof(escaped), json_is_string(line) ? json_string_value(line) : "?");
            puts(escaped);
        }
    }
    json_decref(reply);
    return code;
}

static enum exit_code run_log_level(struct client *client, const struct options *options)
{
    json_t *request = options->argument_count > 1 ? request_for_camera("log-level", options->arguments[1])
                                                  : message_new("log-level");

    if (request == NULL) {
        return EXIT_CODE_USAGE;
    }
    json_object_set_new(request, "level", json_string(options->arguments[0]));
    return request_ok(client, options, request);
}

static enum exit_code run_version(struct client *client, const struct options *options)
{
    json_t *status = NULL;
    enum exit_code code = request_status(client, options, &status);

    if (code == EXIT_CODE_OK && options->json) {
        json_t *versions = json_pack("{s:s, s:s}", "ringcastctl", RINGCAST_VERSION, "ringcastd",
                                     message_string(status, "version", "unknown"));
        code = request_print_json(versions, JSON_INDENT(2));
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
    enum exit_code code = ends ? EXIT_CODE_OK : request_ok(client, options, message_new("stop"));

    if (code == EXIT_CODE_OK && !visible) {
        client_complain("told to end; its process is not visible from here, so its end was not waited for");
    }
    if (code == EXIT_CODE_OK && pidfd >= 0 && !wait_for_end(pidfd)) {
        client_complain("ringcastd is still there after %d s; see its log", STOP_MS / 1000);
        code = EXIT_CODE_FAILED;
    }
    if (pidfd >= 0) {
        close(pidfd);
    }
    return code;
}

static enum exit_code run_stop(struct client *client, const struct options *options)
{
    json_t *status = NULL;
    enum exit_code code = client_ask(client, message_new("status"), &status);

    if (code == EXIT_CODE_OK) {
        const char *problem = status_check(status);
        bool ends = strcmp(message_string(status, "code", ""), "stopping") == 0;
        if (message_is(status, "error") && ends) { /* somebody else has told it */
            code = stop_and_wait(client, options, client_peer(client), true);
        } else if (message_is(status, "error")) {
            code = request_refused(options, status);
        } else if (problem != NULL) {
            code = request_malformed(problem);
        } else {
            code = stop_and_wait(client, options, process_of(status), false);
        }
    }
    json_decref(status);
    return code;
}

static enum exit_code run_asking(struct client *client, const struct options *options)
{
    switch (options->command) {
    case COMMAND_STATUS:
        return run_status(client, options);
    case COMMAND_TOP:
        return top_run(client, options);
    case COMMAND_VIEWERS:
        return audience_list(client, options);
    case COMMAND_KICK:
        return audience_kick(client, options);
    case COMMAND_CAMERA_ADD:
        return change_camera(client, options, "camera-add");
    case COMMAND_CAMERA_SET:
        return change_camera(client, options, "camera-set");
    case COMMAND_CAMERA_REMOVE:
        return change_camera(client, options, "camera-remove");
    case COMMAND_CAMERA_ENABLE:
        return change_camera(client, options, "camera-enable");
    case COMMAND_CAMERA_DISABLE:
        return change_camera(client, options, "camera-disable");
    case COMMAND_RESTART:
        return run_restart(client, options);
    case COMMAND_RELOAD:
        return run_reload(client, options);
    case COMMAND_LOG:
        return run_log(client, options);
    case COMMAND_LOG_LEVEL:
        return run_log_level(client, options);
    case COMMAND_STOP:
        return run_stop(client, options);
    case COMMAND_VERSION:
        return run_version(client, options);
    case COMMAND_EVENTS:
    case COMMAND_TAP:
    case COMMAND_RECORD:
        break;
    }
    return EXIT_CODE_USAGE;
}

enum exit_code command_run(const struct options *options, const char *url)
{
    struct client *client = NULL;

    switch (options->command) {
    case COMMAND_EVENTS:
        return events_print(options, url);
    case COMMAND_TAP:
        return pictures_tap(options, url);
    case COMMAND_RECORD:
        return pictures_record(options, url);
    default:
        break;
    }
    enum exit_code code = client_open(url, CLIENT_OF_ONE, &client);
    if (code == EXIT_CODE_OK) {
        code = run_asking(client, options);
    }
    client_free(client);
    return code;
}
