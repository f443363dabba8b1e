/* SPDX-License-Identifier: MIT */
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
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ipc/message.h"
#include "ctl/attention.h"
#include "ctl/await.h"
#include "ctl/central.h"
#include "ctl/client.h"
#include "ctl/cluster.h"
#include "ctl/discover.h"
#include "ctl/doctor.h"
#include "ctl/events.h"
#include "ctl/probe_camera.h"
#include "ctl/record.h"
#include "ctl/request.h"
#include "ctl/self_signed.h"
#include "ctl/settings.h"
#include "ctl/status_table.h"
#include "ctl/tokens.h"
#include "ctl/top.h"
#include "ctl/users.h"
#include "ctl/viewers.h"

/* Milliseconds that ringcastd gets to end, more than it gives its children. */
#define STOP_MS 10000

static void print_status(const json_t *status)
{
    status_table_print_head(status, stdout);
    status_table_print_cameras(json_object_get(status, "cameras"), stdout);
}

static enum exit_code run_status(struct client *client, const struct options *options)
{
    json_t *status = NULL;
    enum exit_code code = request_status_of(
        client, options, options->argument_count > 0 ? options->arguments[0] : NULL, &status);

    if (code == EXIT_CODE_OK && options->only_bad) {
        json_object_set_new(status, "cameras", status_table_sorted(json_object_get(status, "cameras"), true));
    }
    if (code == EXIT_CODE_OK) {
        code = request_print(options, status, print_status);
    }
    json_decref(status);
    return code;
}

/* Asks for the process id of CAMERA before a command. *PID is 0 if it has none or does not exist. */
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

    if (!request) {
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

/* The commands that change a camera's settings or whether it runs. */
static const struct camera_change {
    const char *request; /* its type */
    bool ends;           /* --wait: until the camera has ended; false: until it streams */
} camera_changes[] = {
    [COMMAND_CAMERA_ADD] = {"camera-add", false},        [COMMAND_CAMERA_SET] = {"camera-set", false},
    [COMMAND_CAMERA_REMOVE] = {"camera-remove", true},   [COMMAND_CAMERA_ENABLE] = {"camera-enable", false},
    [COMMAND_CAMERA_DISABLE] = {"camera-disable", true}, [COMMAND_CAMERA_RESET] = {"camera-reset", false},
};

static enum exit_code run_camera_change(struct client *client, const struct options *options)
{
    const struct camera_change *change = &camera_changes[options->command];
    const char *camera = options->arguments[0];
    json_t *request = request_for_camera(change->request, camera);

    if (!request) {
        return EXIT_CODE_USAGE;
    }
    if (options->argument_count > 1) {
        json_t *settings = settings_parse(options->argument_count - 1, options->arguments + 1);
        if (!settings) {
            json_decref(request);
            return EXIT_CODE_USAGE;
        }
        json_object_set_new(request, "settings", settings);
    }
    enum exit_code code = request_ok(client, options, request);
    if (code != EXIT_CODE_OK || !options->wait) {
        return code;
    }
    return change->ends ? await_gone(client, options, camera) : await_there(client, options, camera);
}

/* What is not as it was asked for goes to standard error. */
static void print_reloaded(const json_t *reply)
{
    const json_t *failed, *warning;
    size_t index;

    request_print_strings("added ", json_object_get(reply, "added"));
    request_print_strings("removed ", json_object_get(reply, "removed"));
    request_print_strings("changed ", json_object_get(reply, "changed"));
    printf("%" JSON_INTEGER_FORMAT " unchanged\n", message_integer(reply, "unchanged", 0));
    fflush(stdout);
    json_array_foreach(json_object_get(reply, "failed"), index, failed) {
        client_complain("%s: %s", message_string(failed, "camera", "?"),
                        message_string(failed, "error", "?"));
    }
    json_array_foreach(json_object_get(reply, "warnings"), index, warning) {
        client_complain("%s", json_is_string(warning) ? json_string_value(warning) : "?");
    }
}

/* Waits for the cameras that the reload began; those that it did not touch may be in any state. */
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

    if (code == EXIT_CODE_OK) {
        code = request_print(options, reply, print_reloaded);
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

static void print_lines(const json_t *reply)
{
    request_print_strings("", json_object_get(reply, "lines"));
}

static enum exit_code run_log(struct client *client, const struct options *options)
{
    const char *subject = options->arguments[0];
    json_t *request = is_process(subject) ? message_new("log") : request_for_camera("log", subject);
    json_t *reply = NULL;

    if (!request) {
        return EXIT_CODE_USAGE;
    }
    if (is_process(subject)) {
        json_object_set_new(request, "process", json_string(subject));
    }
    enum exit_code code = request_ask(client, options, request, "log", &reply);
    if (code == EXIT_CODE_OK) {
        code = request_print(options, reply, print_lines);
    }
    json_decref(reply);
    return code;
}

static enum exit_code run_log_level(struct client *client, const struct options *options)
{
    json_t *request = options->argument_count > 1 ? request_for_camera("log-level", options->arguments[1])
                                                  : message_new("log-level");

    if (!request) {
        return EXIT_CODE_USAGE;
    }
    json_object_set_new(request, "level", json_string(options->arguments[0]));
    return request_ok(client, options, request);
}

static void print_versions(const json_t *versions)
{
    printf("ringcastctl %s\nringcastd %s\n", message_string(versions, "ringcastctl", ""),
           message_string(versions, "ringcastd", ""));
}

static enum exit_code run_version(struct client *client, const struct options *options)
{
    json_t *status = NULL;
    enum exit_code code = request_status(client, options, &status);

    if (code == EXIT_CODE_OK) {
        json_t *versions = json_pack("{s:s, s:s}", "ringcastctl", RINGCAST_VERSION, "ringcastd",
                                     message_string(status, "version", "unknown"));
        code = request_print(options, versions, print_versions);
        json_decref(versions);
    }
    json_decref(status);
    return code;
}

/* The process id of ringcastd; 0: the status has none. */
static pid_t process_of(const json_t *status)
{
    json_int_t pid = message_integer(status, "pid", 0);

    return pid > 1 && pid <= INT_MAX ? (pid_t)pid : 0;
}

/* True if the process of PIDFD ended in time. */
static bool wait_for_end(int pidfd)
{
    struct pollfd watched = {.fd = pidfd, .events = POLLIN};
    uint64_t deadline = clock_now_ms() + STOP_MS;
    int ready = 0;

    do {
        uint64_t now = clock_now_ms();
        ready = poll(&watched, 1, now < deadline ? (int)(deadline - now) : 0);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

/*
 * Sends the request to stop unless ringcastd ENDS already, and waits until process PID has ended. The process
 * is watched from before the request, so that its id cannot mean another process by then.
 */
static enum exit_code stop_and_wait(struct client *client, const struct options *options, pid_t pid,
                                    bool ends)
{
    bool visible = pid > 1 && client_peer(client) > 0;
    int pidfd = visible ? pidfd_open(pid, 0) : -1;
    enum exit_code code = ends ? EXIT_CODE_OK : request_ok(client, options, message_new("stop"));

    if (code == EXIT_CODE_OK && !visible) {
        client_complain(
            "ringcastd was told to end, but its process is not visible from here, so ringcastctl does not "
            "wait for it");
    }
    if (code == EXIT_CODE_OK && pidfd >= 0 && !wait_for_end(pidfd)) {
        client_complain("ringcastd is still running after %d s; see its log", STOP_MS / 1000);
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
        const char *problem = status_table_check(status);
        bool ends = strcmp(message_string(status, "code", ""), "stopping") == 0;
        if (message_is(status, "error") && ends) { /* at the request of another client */
            code = stop_and_wait(client, options, client_peer(client), true);
        } else if (message_is(status, "error")) {
            code = request_refused(options, status);
        } else if (problem) {
            code = request_malformed(problem);
        } else {
            code = stop_and_wait(client, options, process_of(status), false);
        }
    }
    json_decref(status);
    return code;
}

/* How each command is run: over a client that is connected, with connections of its own, or without any. */
static const struct {
    enum exit_code (*run)(struct client *client, const struct options *options);
    enum exit_code (*run_alone)(const struct options *options, const char *url);
    enum exit_code (*run_local)(const struct options *options);
} commands[] = {
    [COMMAND_STATUS] = {.run = run_status},
    [COMMAND_DOCTOR] = {.run_local = doctor_run},
    [COMMAND_PROBE] = {.run_local = probe_camera_run},
    [COMMAND_DISCOVER] = {.run_local = discover_cameras},
    [COMMAND_TOP] = {.run = top_run},
    [COMMAND_EVENT] = {.run = attention_raise},
    [COMMAND_EVENTS] = {.run_alone = events_print},
    [COMMAND_VIEWERS] = {.run = viewers_list},
    [COMMAND_KICK] = {.run = viewers_kick},
    [COMMAND_CAMERA_ADD] = {.run = run_camera_change},
    [COMMAND_CAMERA_SET] = {.run = run_camera_change},
    [COMMAND_CAMERA_REMOVE] = {.run = run_camera_change},
    [COMMAND_CAMERA_RESET] = {.run = run_camera_change},
    [COMMAND_CAMERA_ENABLE] = {.run = run_camera_change},
    [COMMAND_CAMERA_DISABLE] = {.run = run_camera_change},
    [COMMAND_RESTART] = {.run = run_restart},
    [COMMAND_RELOAD] = {.run = run_reload},
    [COMMAND_LOG] = {.run = run_log},
    [COMMAND_LOG_LEVEL] = {.run = run_log_level},
    [COMMAND_TAP] = {.run_alone = record_tap},
    [COMMAND_RECORD] = {.run_alone = record_file},
    [COMMAND_CLUSTER_STATUS] = {.run = cluster_show_status},
    [COMMAND_CLUSTER_NODES] = {.run = cluster_show_nodes},
    [COMMAND_CLUSTER_WHERE] = {.run = cluster_show_where},
    [COMMAND_CLUSTER_DRAIN] = {.run = cluster_drain},
    [COMMAND_CLUSTER_APPLY] = {.run = central_apply},
    [COMMAND_CLUSTER_CONFIG] = {.run = central_show},
    [COMMAND_CLUSTER_EVENTS] = {.run_alone = events_print},
    [COMMAND_STOP] = {.run = run_stop},
    [COMMAND_TLS_SELF_SIGNED] = {.run_local = self_signed_make},
    [COMMAND_USER_ADD] = {.run_local = users_add},
    [COMMAND_USER_SET] = {.run_local = users_set},
    [COMMAND_USER_PASSWD] = {.run_local = users_change_password},
    [COMMAND_USER_REMOVE] = {.run_local = users_remove},
    [COMMAND_USER_LOGOUT] = {.run_local = users_log_out},
    [COMMAND_USER_LIST] = {.run_local = users_list},
    [COMMAND_TOKEN_ADD] = {.run_local = tokens_add},
    [COMMAND_TOKEN_LIST] = {.run_local = tokens_list},
    [COMMAND_TOKEN_REVOKE] = {.run_local = tokens_revoke},
    [COMMAND_VERSION] = {.run = run_version},
};

/* URL: of ringcastd's control socket. */
static enum exit_code run_over(const struct options *options, const char *url)
{
    struct client *client = NULL;

    if (commands[options->command].run_alone) {
        return commands[options->command].run_alone(options, url);
    }
    enum exit_code code = client_open(url, CLIENT_OF_ONE, &client);
    if (code == EXIT_CODE_OK) {
        code = commands[options->command].run(client, options);
    }
    client_free(client);
    return code;
}

enum exit_code commands_run(const struct options *options)
{
    if (commands[options->command].run_local) {
        return commands[options->command].run_local(options);
    }
    char *url = options_control_url(options);
    enum exit_code code = url ? run_over(options, url) : EXIT_CODE_USAGE;
    free(url);
    return code;
}
