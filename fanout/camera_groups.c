/* SPDX-License-Identifier: MIT */
#include "fanout/camera_groups.h"

#include <errno.h>
#include <stdlib.h>

#include "common/access/access_value.h"

static bool is_group(const json_t *group)
{
    const json_t *patterns = json_object_get(group, "cameras"), *pattern;
    bool valid = json_is_string(json_object_get(group, "name")) && json_is_array(patterns);
    size_t index;

    json_array_foreach(patterns, index, pattern) {
        valid = valid && json_is_string(pattern);
    }
    return valid;
}

int camera_groups_set(struct camera_groups *groups, json_t *list)
{
    const json_t *group;
    size_t index;

    if (list && !json_is_array(list)) {
        return -EBADMSG;
    }
    json_array_foreach(list, index, group) {
        if (!is_group(group)) {
            return -EBADMSG;
        }
    }
    if (groups->list && list && json_equal(groups->list, list)) {
        return 0;
    }
    json_decref(groups->list);
    groups->list = json_incref(list);
    groups->changes++;
    return 0;
}

/* Adds to NAMES those streams that PATTERN fits and that TAKEN, an entry for each stream, does not have yet. */
static int add_fitting(json_t *names, bool *taken, const char *pattern, const struct streams *streams,
                       bool (*shows)(const void *context, const struct stream *stream), const void *context)
{
    size_t i = 0;
    int result = 0;

    for (const struct stream *stream = streams->first; result == 0 && stream; stream = stream->next, i++) {
        if (!taken[i] && access_pattern_matches(pattern, stream->name) && shows(context, stream)) {
            taken[i] = true;
            result = json_array_append_new(names, json_string(stream->name));
        }
    }
    return result;
}

json_t *camera_groups_describe(const struct camera_groups *groups, const struct streams *streams,
                               bool (*shows)(const void *context, const struct stream *stream),
                               const void *context)
{
    json_t *described = json_array();
    const json_t *group, *pattern;
    size_t index, inner;
    int result = described ? 0 : -1;

    json_array_foreach(groups->list, index, group) {
        json_t *names = json_array();
        bool *taken = calloc(streams->count + 1, sizeof(*taken));
        result = names && taken ? result : -1;
        json_array_foreach(json_object_get(group, "cameras"), inner, pattern) {
            if (result == 0) {
                result = add_fitting(names, taken, json_string_value(pattern), streams, shows, context);
            }
        }
        free(taken);
        if (result == 0 && json_array_size(names) > 0) {
            result = json_array_append_new(
                described, json_pack("{s:O, s:O}", "name", json_object_get(group, "name"), "cameras", names));
        }
        json_decref(names);
    }
    if (result < 0) {
        json_decref(described);
        return NULL;
    }
    return described;
}

void camera_groups_finish(struct camera_groups *groups)
{
    json_decref(groups->list);
    groups->list = NULL;
}
