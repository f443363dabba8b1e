/* SPDX-License-Identifier: MIT */
#include "common/config/config_access.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/text.h"
#include "common/config/config_check.h"

/* An address that others than this machine's users reach. */
static bool is_exposed(const struct config_reader *reader, const struct config_address *address)
{
    return address->host && !reader->config->insecure && !config_host_is_loopback(address->host);
}

static void check_addresses(const struct config_reader *reader)
{
    const struct config_address *listen = &reader->config->listen, *admin = &reader->config->admin;

    if (is_exposed(reader, listen) && !config_setting_get_member(reader->group, "auth")) {
        config_reader_report(
            reader, config_reader_line(reader, "listen"), "listen",
            "%s is not a loopback address, and nobody has to log in; add auth = { }; and a user "
            "(`ringcastctl user add NAME`), or write \"127.0.0.1:%d\", or add insecure = true; to let "
            "everyone who can reach it watch",
            listen->host, listen->port);
    }
    const struct config_rtsp *rtsp = &reader->config->rtsp;
    if (rtsp->line > 0 && is_exposed(reader, &rtsp->listen) &&
        !config_setting_get_member(reader->group, "auth")) {
        config_reader_report(
            reader, (unsigned)rtsp->line, "rtsp.listen",
            "%s is not a loopback address, and nobody has to log in; add auth = { }; and a user "
            "(`ringcastctl user add NAME --digest`), or write \"127.0.0.1:%d\", or add insecure = true; to "
            "let "
            "everyone who can reach it watch",
            rtsp->listen.host, rtsp->listen.port);
    }
    if (is_exposed(reader, admin)) {
        config_reader_report(
            reader, config_reader_line(reader, "admin"), "admin",
            "%s is not a loopback address, and its readers are not authenticated; write "
            "\"127.0.0.1:%d\", or add insecure = true; to let everyone who can reach it read metrics",
            admin->host, admin->port);
    }
}

/* --- Lists of groups ------------------------------------------------------------------------------------ */

/* Where MEMBER of item INDEX in LIST stands; its item if it has no such member. */
static unsigned line_in(const config_setting_t *list, size_t index, const char *member)
{
    const config_setting_t *item = config_setting_get_elem(list, (unsigned)index);
    const config_setting_t *given =
        config_setting_is_group(item) ? config_setting_get_member(item, member) : NULL;

    return config_setting_source_line(given ? given : item);
}

/* The name of item INDEX of LIST, as it is in the file; NULL: it has none. */
static const char *name_in(const config_setting_t *list, size_t index)
{
    const config_setting_t *item = config_setting_get_elem(list, (unsigned)index);
    const config_setting_t *name =
        config_setting_is_group(item) ? config_setting_get_member(item, "name") : NULL;

    return name ? config_setting_get_string(name) : NULL;
}

/* Names in LIST, which FIELD calls it, are unique. */
static void check_unique(const struct config_reader *reader, const config_setting_t *list, const char *field)
{
    size_t count = (size_t)config_setting_length(list);

    for (size_t i = 1; i < count; i++) {
        char own[CONFIG_FIELD_SIZE];
        size_t first = 0;
        const char *name = name_in(list, i);
        while (name && first < i && (!name_in(list, first) || strcmp(name_in(list, first), name) != 0)) {
            first++;
        }
        if (!name || first == i) {
            continue;
        }
        struct config_place place = config_places_find(reader->places, line_in(list, first, "name"));
        snprintf(own, sizeof(own), "%.64s[%zu].name", field, i);
        config_reader_report(reader, line_in(list, i, "name"), own,
                             "\"%s\" is already the name of %s[%zu] (%s:%u); give each its own", name, field,
                             first, place.file, place.line);
    }
}

/* The name among the file's groups that GIVEN is most likely meant to be; NULL: none is near. */
static const char *nearest_group(const struct config *config, const char *given)
{
    size_t best = strlen(given) / 3 + 1;
    const char *nearest = NULL;

    for (size_t i = 0; i < config->group_count; i++) {
        const char *name = config->groups[i].name;
        size_t distance = name ? text_edit_distance(given, name) : SIZE_MAX;
        if (distance <= best && name && distance < strlen(name)) {
            nearest = name;
            best = distance;
        }
    }
    return nearest;
}

static bool has_group(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->group_count; i++) {
        if (config->groups[i].name && strcmp(config->groups[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* GROUPS, which item INDEX of LIST lists, are there. */
static void check_groups(const struct config_reader *reader, const config_setting_t *item, const char *field)
{
    const config_setting_t *groups = config_setting_get_member(item, "groups");
    int count = groups && config_setting_is_aggregate(groups) ? config_setting_length(groups) : 0;

    for (int i = 0; i < count; i++) {
        char own[CONFIG_FIELD_SIZE];
        const config_setting_t *group = config_setting_get_elem(groups, (unsigned)i);
        const char *name = config_setting_get_string(group);
        unsigned line = config_setting_source_line(group);
        if (!name || strlen(name) > ACCESS_GROUP_MAX || has_group(reader->config, name)) {
            continue;
        }
        const char *nearest = nearest_group(reader->config, name);
        snprintf(own, sizeof(own), "%.64s.groups[%d]", field, i);
        if (nearest) {
            config_reader_report(reader, line, own, "there is no group \"%s\"; did you mean \"%s\"?", name,
                                 nearest);
        } else {
            config_reader_report(
                reader, line, own,
                "there is no group \"%s\"; add it: groups = ( { name = \"%s\"; cameras = ( … ); } );", name,
                name);
        }
    }
}

/* What a user sees is never left to a default. */
static void check_users(const struct config_reader *reader, const config_setting_t *list, const char *field)
{
    int count = list && config_setting_is_list(list) ? config_setting_length(list) : 0;

    if (count > 0) {
        check_unique(reader, list, field);
    }
    for (int i = 0; i < count; i++) {
        char own[CONFIG_FIELD_SIZE];
        const config_setting_t *user = config_setting_get_elem(list, (unsigned)i);
        if (!config_setting_is_group(user)) {
            continue;
        }
        snprintf(own, sizeof(own), "%.64s[%d]", field, i);
        if (!config_setting_get_member(user, "cameras") && !config_setting_get_member(user, "groups")) {
            config_reader_report(
                reader, config_setting_source_line(user), own,
                "no cameras; add cameras = ( \"*\" ); for all of them, or patterns such as \"front*\"");
        }
        check_groups(reader, user, own);
    }
}

/* --- Proxies and frames --------------------------------------------------------------------------------- */

static void check_proxy(const struct config_reader *reader, const config_setting_t *auth)
{
    const config_setting_t *given = config_setting_get_member(auth, "proxy");
    const struct config *config = reader->config;
    const struct config_proxy *proxy = &config->auth.proxy;

    if (!given || !config_setting_is_group(given)) {
        return;
    }
    unsigned line = config_setting_source_line(given);
    if (!config_setting_get_member(given, "user")) {
        config_reader_report(reader, line, "auth.proxy.user",
                             "missing; add the header in which the proxy names the user, or leave out proxy");
    }
    if (!config_setting_get_member(reader->group, "trusted_proxies") || config->trusted_proxies.count == 0) {
        config_reader_report(
            reader, line, "auth.proxy",
            "no proxy is trusted to name users; add trusted_proxies = ( \"127.0.0.1\" ); with the "
            "proxy's address");
    }
    if (proxy->user && proxy->groups && strcasecmp(proxy->user, proxy->groups) == 0) {
        config_reader_report(reader, line, "auth.proxy.groups",
                             "the same header as for the user; name another");
    }
}

static void check_frames(const struct config_reader *reader)
{
    const config_setting_t *given = config_setting_get_member(reader->group, "frame_ancestors");
    const struct config_list *list = &reader->config->frame_ancestors;

    if (!given || !config_setting_is_aggregate(given)) {
        return;
    }
    unsigned line = config_setting_source_line(given);
    if (config_setting_length(given) == 0) {
        config_reader_report(reader, line, "frame_ancestors",
                             "empty; write ( \"'none'\" ) to forbid all frames, or remove the setting");
    } else if (list->count > 1 && config_list_has(list, "'none'")) {
        config_reader_report(reader, line, "frame_ancestors",
                             "\"'none'\" beside others, which browsers ignore; remove it, or all others");
    }
}

void config_access_check(const struct config_reader *reader)
{
    const config_setting_t *auth = config_setting_get_member(reader->group, "auth");
    const config_setting_t *groups = config_setting_get_member(reader->group, "groups");

    check_addresses(reader);
    check_frames(reader);
    if (groups && config_setting_is_list(groups)) {
        check_unique(reader, groups, "groups");
    }
    if (auth && config_setting_is_group(auth)) {
        check_users(reader, config_setting_get_member(auth, "users"), "auth.users");
        check_users(reader, config_setting_get_member(auth, "user_groups"), "auth.user_groups");
        check_proxy(reader, auth);
    }
}
