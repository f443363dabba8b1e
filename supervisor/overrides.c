/* SPDX-License-Identifier: MIT */
#include "supervisor/overrides.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log/log.h"
#include "supervisor/process/state_file.h"

/* Of the file, not of the control protocol. */
#define FILE_VERSION 1

struct overrides {
    struct state_file *state;
    json_t *now;
};

/* A new object; NULL: see *PROBLEM. */
static json_t *read_cameras(const struct overrides *overrides, const char **problem)
{
    json_t *file = state_file_load(overrides->state, problem);
    json_t *cameras = json_object_get(file, "cameras");

    if (!file) {
        return *problem ? NULL : json_object();
    }
    if (json_integer_value(json_object_get(file, "v")) != FILE_VERSION) {
        *problem = "it is of another version";
    } else if (!json_is_object(cameras)) {
        *problem = "it has no cameras";
    }
    cameras = *problem ? NULL : json_incref(cameras);
    json_decref(file);
    return cameras;
}

int overrides_open(const char *state_dir, const char *instance, struct overrides **made)
{
    const char *problem;
    char *name = NULL;
    struct overrides *overrides = calloc(1, sizeof(*overrides));
    int result = !overrides || asprintf(&name, "%s.json", instance) < 0 ? -ENOMEM : 0;

    if (result == 0) {
        result = state_file_create(state_dir, name, &overrides->state);
        free(name);
    }
    if (result < 0) {
        overrides_close(overrides);
        return result;
    }
    overrides->now = read_cameras(overrides, &problem);
    if (!overrides->now) {
        state_file_put_aside(overrides->state, "what was changed at run time is ignored", problem);
        overrides->now = json_object();
    }
    *made = overrides;
    return 0;
}

json_t *overrides_look(const char *state_dir, const char *instance)
{
    struct overrides overrides = {0};
    const char *problem = NULL;
    char *name = NULL;

    if (asprintf(&name, "%s.json", instance) < 0) {
        return NULL;
    }
    json_t *changes =
        state_file_name(state_dir, name, &overrides.state) == 0 ? read_cameras(&overrides, &problem) : NULL;
    state_file_destroy(overrides.state);
    free(name);
    return changes;
}

void overrides_close(struct overrides *overrides)
{
    if (!overrides) {
        return;
    }
    json_decref(overrides->now);
    state_file_destroy(overrides->state);
    free(overrides);
}

const json_t *overrides_now(const struct overrides *overrides)
{
    return overrides->now;
}

int overrides_commit(struct overrides *overrides, json_t *next)
{
    json_t *file = json_pack("{s:i, s:O}", "v", FILE_VERSION, "cameras", next);
    int result = !file ? -ENOMEM : state_file_replace(overrides->state, file, true);

    json_decref(file);
    if (result < 0) {
        log_error("%s cannot be written: %s", state_file_path(overrides->state), strerror(-result));
        json_decref(next);
        return result;
    }
    json_decref(overrides->now);
    overrides->now = next;
    return 0;
}
