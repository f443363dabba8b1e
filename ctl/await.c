/* SPDX-License-Identifier: MIT */
#include "ctl/await.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/config/config.h"
#include "common/ipc/message.h"
#include "ctl/request.h"

/* Milliseconds between two requests for the status. */
#define LOOK_MS 100

/* Bytes of the text that says what is still missing. */
#define MISSING_SIZE 512

/* Bytes of the name of a sub stream; a longer one does not exist. */
#define SUB_NAME_SIZE (CONFIG_STREAM_NAME_MAX + 1)

struct expectation {
    const char *camera;    /* NULL: all of CAMERAS */
    const json_t *cameras; /* array of names */
    pid_t before;          /* the process that does not count */
    bool gone;             /* the camera is to have no process; false: it is to stream */
    bool perhaps;          /* it need not be configured */
};

/* True if CAMERA is as expected. MISSING gets its state and error for people. */
static bool is_met(const struct expectation *expectation, const json_t *camera, char missing[MISSING_SIZE])
{
    const char *state = message_string(camera, "state", "gone");
    const char *error = message_string(camera, "error", NULL);
    pid_t pid = (pid_t)message_integer(camera, "pid", 0);

    snprintf(missing, MISSING_SIZE, "%s: %s%s%s", message_string(camera, "name", expectation->camera), state,
             error ? ": " : "", error ? error : "");
    if (expectation->gone) {
        return pid == 0;
    }
    bool asleep = message_boolean(camera, "on_demand", false) && strcmp(state, "idle") == 0;
    return asleep || (strcmp(state, "streaming") == 0 && pid != expectation->before);
}

/* Of one camera, and of its sub stream, whose process is another one. */
static bool camera_met(const struct expectation *expectation, const json_t *status,
                       char missing[MISSING_SIZE])
{
    const json_t *camera = request_find_camera(status, expectation->camera);
    char sub[SUB_NAME_SIZE];

    if (expectation->perhaps && (!camera || !message_boolean(camera, "enabled", true))) {
        return true;
    }
    if (!is_met(expectation, camera, missing)) {
        return false;
    }
    snprintf(sub, sizeof(sub), "%s%s", expectation->camera, CONFIG_SUB_SUFFIX);
    const struct expectation of_sub = {.camera = sub, .gone = expectation->gone};
    const json_t *stream = request_find_camera(status, sub);
    return !stream || !message_boolean(stream, "enabled", true) || is_met(&of_sub, stream, missing);
}

static bool all_met(const struct expectation *expectation, const json_t *status, char missing[MISSING_SIZE])
{
    size_t index;
    json_t *name;

    if (expectation->camera) {
        return camera_met(expectation, status, missing);
    }
    json_array_foreach(expectation->cameras, index, name) {
        const json_t *camera =
            json_is_string(name) ? request_find_camera(status, json_string_value(name)) : NULL;
        if (camera && message_boolean(camera, "enabled", true) && !is_met(expectation, camera, missing)) {
            return false;
        }
    }
    return true;
}

static enum exit_code await(struct client *client, const struct options *options,
                            const struct expectation *expectation)
{
    double seconds = options->timeout > 0 ? options->timeout : AWAIT_SECONDS;
    uint64_t deadline = clock_now_ms() + (uint64_t)(seconds * MS_PER_SECOND);
    char missing[MISSING_SIZE] = "";

    for (;;) {
        json_t *status = NULL;
        enum exit_code code = request_status(client, options, &status);
        bool met = code == EXIT_CODE_OK && all_met(expectation, status, missing);
        json_decref(status);
        if (code != EXIT_CODE_OK || met) {
            return code;
        }
        if (clock_now_ms() >= deadline) {
            break;
        }
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * NS_PER_MS}, NULL);
    }
    client_complain("not done within %g s; %s", seconds, missing);
    return EXIT_CODE_TIMEOUT;
}

enum exit_code await_streaming(struct client *client, const struct options *options, const char *camera,
                               pid_t before)
{
    return await(client, options, &(struct expectation){.camera = camera, .before = before});
}

enum exit_code await_all_streaming(struct client *client, const struct options *options,
                                   const json_t *cameras)
{
    return await(client, options, &(struct expectation){.cameras = cameras});
}

enum exit_code await_gone(struct client *client, const struct options *options, const char *camera)
{
    return await(client, options, &(struct expectation){.camera = camera, .gone = true});
}

enum exit_code await_there(struct client *client, const struct options *options, const char *camera)
{
    return await(client, options, &(struct expectation){.camera = camera, .perhaps = true});
}
