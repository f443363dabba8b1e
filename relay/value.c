/* SPDX-License-Identifier: MIT */
#include "relay/value.h"

#include <string.h>

#include "common/ipc/message.h"

static const char *const statuses[] = {
    [OWNER_LIVE] = "live", [OWNER_DRAINING] = "draining", [OWNER_GONE] = "gone", [OWNER_BURIED] = "buried"};

const char *value_status(enum owner_node_status status)
{
    return statuses[status];
}

uint64_t value_count(const json_t *value, const char *name)
{
    json_int_t count = message_integer(value, name, 0);

    return count > 0 ? (uint64_t)count : 0;
}

uint32_t value_number(const json_t *value, const char *name)
{
    const uint64_t count = value_count(value, name);

    return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

json_t *value_of_node(const struct owner_node *node)
{
    return json_pack("{s:I, s:I, s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "incarnation",
                     (json_int_t)node->incarnation, "renewal", (json_int_t)node->renewal, "seen",
                     (json_int_t)node->seen, "status", statuses[node->status], "site",
                     node->site ? node->site : "", "weight", (json_int_t)node->weight, "limit",
                     (json_int_t)node->limit, "cameras", (json_int_t)node->load.cameras, "kbps",
                     (json_int_t)node->load.kbps, "cpu", (json_int_t)node->load.cpu);
}

bool value_read_node(struct owner_node *node, const json_t *value)
{
    const char *status = message_string(value, "status", "");
    size_t number = 0;

    while (number < sizeof(statuses) / sizeof(statuses[0]) && strcmp(status, statuses[number]) != 0) {
        number++;
    }
    *node = (struct owner_node){.incarnation = value_count(value, "incarnation"),
                                .renewal = value_count(value, "renewal"),
                                .seen = value_count(value, "seen"),
                                .status = (enum owner_node_status)number,
                                .site = message_string(value, "site", ""),
                                .weight = value_number(value, "weight"),
                                .limit = value_number(value, "limit"),
                                .load = {.cameras = value_number(value, "cameras"),
                                         .kbps = value_number(value, "kbps"),
                                         .cpu = value_number(value, "cpu")}};
    return number < sizeof(statuses) / sizeof(statuses[0]) && node->incarnation > 0 &&
           strlen(node->site) < VALUE_SITE_MAX;
}

json_t *value_of_camera(const struct owner_camera *camera)
{
    return json_pack("{s:s, s:I, s:I, s:s, s:I, s:b, s:b}", "node", camera->node ? camera->node : "",
                     "incarnation", (json_int_t)camera->incarnation, "fence", (json_int_t)camera->fence,
                     "next", camera->next ? camera->next : "", "next_incarnation",
                     (json_int_t)camera->next_incarnation, "ready", camera->ready, "bound", camera->bound);
}

struct owner_camera value_read_camera(const json_t *value)
{
    return (struct owner_camera){.node = message_string(value, "node", ""),
                                 .incarnation = value_count(value, "incarnation"),
                                 .fence = value_count(value, "fence"),
                                 .next = message_string(value, "next", ""),
                                 .next_incarnation = value_count(value, "next_incarnation"),
                                 .ready = message_boolean(value, "ready", false),
                                 .bound = message_boolean(value, "bound", false)};
}
