#include "ctl/await.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/ipc/message.h"
#include "ctl/request.h"

/* Between two looks at the status. */
#define LOOK_MS 100

/* Bytes of what is still missing. */
#define MISSING_SIZE 512

struct expectation {
    const char *camera;    /* NULL: those of */
    const json_t *cameras; /* array of names */
    pid_t before;
    bool gone; /* else: streaming */
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

/* True if CAMERA is as expected; MISSING says how it is otherwise. */
static bool is_met(const struct expectation *expectation, const json_t *camera, char missing[MISSING_SIZE])
{
    const char *state = message_string(camera, "state", "gone");
    const char *error = message_string(camera, "error", NULL);
    pid_t pid = (pid_t)message_integer(camera, "pid", 0);

    snprintf(missing, MISSING_SIZE, "%s: %s%s%s", message_string(camera, "name", expectation->camera), state,
             error != NULL ? ": " : "", error != NULL ? error : "");
    if (expectation->gone) {
        return pid == 0;
    }
    bool asleep = message_boolean(camera, "on_demand", false) && strcmp(state, "idle") == 0;
    return asleep || (strcmp(state, "streaming") == 0 && pid != expectation->before);
}

static bool all_met(const struct expectation *expectation, const json_t *status, char missing[MISSING_SIZE])
{
    size_t index;
    json_t *name;

    if (expectation->camera != NULL) {
        return is_met(expectation, request_find_camera(status, expectation->camera), missing);
    }
    json_array_foreach(expectation->cameras, index, name) {
        const json_t *camera =
            json_is_string(name) ? request_find_camera(status, json_string_value(name)) : NULL;
        if (camera != NULL && message_boolean(camera, "enabled", true) &&
            !is_met(expectation, camera, missing)) {
            return false;
        }
    }
    return true;
}

static enum exit_code await(struct client *client, const struct options *options,
                            const struct expectation *expectation)
{
    double seconds = options->timeout > 0 ? options->timeout : AWAIT_SECONDS;
    int64_t deadline = now_ms() + (int64_t)(seconds * 1000);
    char missing[MISSING_SIZE] = "";

    for (;;) {
        json_t *status = NULL;
        enum exit_code code = request_status(client, options, &status);
        bool met = code == EXIT_CODE_OK && all_met(expectation, status, missing);
        json_decref(status);
        if (code != EXIT_CODE_OK || met) {
            return code;
        }
        if (now_ms() >= deadline) {
            break;
        }
        pause_ms(LOOK_MS);
    }
    client_complain("not within %g s; %s", seconds, missing);
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
