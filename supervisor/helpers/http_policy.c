/* SPDX-License-Identifier: MIT */
#include "supervisor/helpers/http_policy.h"

#include <errno.h>
#include <jansson.h>

#include "common/ipc/memory_file.h"

static json_t *texts(const struct config_list *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->count; i++) {
        json_array_append_new(array, json_string(list->items[i]));
    }
    return array;
}

static json_t *limits(const struct config_limits *limits)
{
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "connections", (json_int_t)limits->connections,
        "connections_per_address", (json_int_t)limits->connections_per_address, "handshakes",
        (json_int_t)limits->handshakes, "handshakes_per_address", (json_int_t)limits->handshakes_per_address,
        "requests_per_address", (json_int_t)limits->requests_per_address, "header_bytes",
        (json_int_t)limits->header_bytes, "handshake_timeout", (json_int_t)limits->handshake_timeout,
        "viewers_per_user", (json_int_t)limits->viewers_per_user);
}

/* For the list of cameras. */
static json_t *groups(const struct config *config)
{
    json_t *array = json_array();

    for (size_t i = 0; i < config->group_count; i++) {
        json_array_append_new(array, json_pack("{s:s, s:o}", "name", config->groups[i].name, "cameras",
                                               texts(&config->groups[i].cameras)));
    }
    return array;
}

int http_policy_open(const struct config *config)
{
    json_t *document = json_pack(
        "{s:o, s:o, s:o, s:o, s:s, s:I, s:b, s:o, s:o}", "trusted_proxies", texts(&config->trusted_proxies),
        "origins", texts(&config->origins), "cors_origins", texts(&config->cors_origins), "frame_ancestors",
        texts(&config->frame_ancestors), "base_path", config->base_path, "hsts", (json_int_t)config->hsts,
        "go2rtc", (int)config->go2rtc, "limits", limits(&config->limits), "groups", groups(config));
    int result = document ? memory_file_seal_json("ringcast-http", document) : -ENOMEM;

    json_decref(document);
    return result;
}
