/* SPDX-License-Identifier: MIT */
#include "fanout/http/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/ipc/message.h"
#include "fanout/http/origin.h"

#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* In a prefix: RFC 3986's unreserved characters, and what separates segments. */
#define PREFIX_BYTES LETTERS_AND_DIGITS "-._~/"

/* In a source of frame-ancestors: nothing that ends the source, the directive or the header. */
#define SOURCE_BYTES LETTERS_AND_DIGITS "-._~/:*'[]"

bool policy_is_prefix(const char *text)
{
    if (text[0] != '/' || text[strspn(text, PREFIX_BYTES)] != '\0' || strlen(text) >= POLICY_BASE_PATH_SIZE) {
        return false;
    }
    for (const char *part = text; part; part = strchr(part + 1, '/')) {
        size_t length = strcspn(part + 1, "/");
        if (length == 0 || (length <= 2 && strncmp(part + 1, "..", length) == 0)) {
            return false;
        }
    }
    return true;
}

/* --- Reading -------------------------------------------------------------------------------------------- */

static int take_networks(struct trusted_networks *networks, const json_t *list)
{
    size_t count = json_array_size(list);

    networks->list = count > 0 ? calloc(count, sizeof(networks->list[0])) : NULL;
    if (count > 0 && !networks->list) {
        return -ENOMEM;
    }
    for (; networks->count < count; networks->count++) {
        const char *text = json_string_value(json_array_get(list, networks->count));
        if (!text || network_parse(text, &networks->list[networks->count]) < 0) {
            return -EBADMSG;
        }
    }
    return 0;
}

static int take_origins(struct origin_list *origins, const json_t *list)
{
    size_t count = json_array_size(list);

    origins->list = count > 0 ? calloc(count, sizeof(origins->list[0])) : NULL;
    if (count > 0 && !origins->list) {
        return -ENOMEM;
    }
    for (; origins->count < count; origins->count++) {
        const char *text = json_string_value(json_array_get(list, origins->count));
        if (!text || !origin_same(text, text)) {
            return -EBADMSG;
        }
        origins->list[origins->count] = strdup(text);
        if (!origins->list[origins->count]) {
            return -ENOMEM;
        }
    }
    return 0;
}

static int take_ancestors(char ancestors[POLICY_ANCESTORS_SIZE], const json_t *list)
{
    size_t length = 0, index;
    const json_t *item;

    json_array_foreach(list, index, item) {
        const char *text = json_string_value(item);
        size_t size = text ? strlen(text) : 0;
        if (size == 0 || text[strspn(text, SOURCE_BYTES)] != '\0' ||
            length + size + 2 > POLICY_ANCESTORS_SIZE) {
            return -EBADMSG;
        }
        if (length > 0) {
            ancestors[length++] = ' ';
        }
        memcpy(ancestors + length, text, size + 1);
        length += size;
    }
    return length > 0 ? 0 : -EBADMSG;
}

static int take_base_path(char base_path[POLICY_BASE_PATH_SIZE], const char *text)
{
    if (text[0] != '\0' && !policy_is_prefix(text)) {
        return -EBADMSG;
    }
    memcpy(base_path, text, strlen(text) + 1);
    return 0;
}

int policy_set(struct policy *policy, const json_t *document)
{
    struct policy next = {
        .hsts = message_integer(document, "hsts", 0),
        .go2rtc = json_is_true(json_object_get(document, "go2rtc")),
    };
    int result = take_networks(&next.trusted_proxies, json_object_get(document, "trusted_proxies"));

    if (result == 0) {
        result = take_origins(&next.origins, json_object_get(document, "origins"));
    }
    if (result == 0) {
        result = take_origins(&next.cors_origins, json_object_get(document, "cors_origins"));
    }
    if (result == 0) {
        result = take_ancestors(next.frame_ancestors, json_object_get(document, "frame_ancestors"));
    }
    if (result == 0) {
        result = take_base_path(next.base_path, message_string(document, "base_path", ""));
    }
    if (result < 0) {
        policy_finish(&next);
        return result;
    }
    policy_finish(policy);
    *policy = next;
    return 0;
}

void policy_init(struct policy *policy)
{
    *policy = (struct policy){.frame_ancestors = "'self'"};
}

static void finish_origins(struct origin_list *origins)
{
    for (size_t i = 0; i < origins->count; i++) {
        free(origins->list[i]);
    }
    free(origins->list);
}

void policy_finish(struct policy *policy)
{
    free(policy->trusted_proxies.list);
    finish_origins(&policy->origins);
    finish_origins(&policy->cors_origins);
    policy_init(policy);
}

/* --- Judging -------------------------------------------------------------------------------------------- */

static bool has_origin(const struct origin_list *origins, const char *origin)
{
    for (size_t i = 0; i < origins->count; i++) {
        if (origin_same(origins->list[i], origin)) {
            return true;
        }
    }
    return false;
}

enum page policy_judge(const struct policy *policy, const char *origin, const char *scheme, const char *host)
{
    if (has_origin(&policy->cors_origins, origin)) {
        return PAGE_CORS;
    }
    if (origin_is_own(origin, scheme, host)) {
        return PAGE_OWN;
    }
    return has_origin(&policy->origins, origin) ? PAGE_LISTED : PAGE_FOREIGN;
}
