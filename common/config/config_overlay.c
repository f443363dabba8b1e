/* SPDX-License-Identifier: MIT */
#include "common/config/config_overlay.h"

#include <stdbool.h>
#include <string.h>

/* Bytes of a field's name in a problem. */
#define FIELD_SIZE 128

static bool is_removed(const json_t *entry)
{
    return json_is_true(json_object_get(entry, "removed"));
}

static bool is_complete(const json_t *entry)
{
    const char *base = json_string_value(json_object_get(entry, "base"));

    return base && strcmp(base, "none") == 0;
}

static int index_of(const config_setting_t *cameras, const char *name)
{
    for (int i = 0; i < config_setting_length(cameras); i++) {
        const char *found = NULL;
        const config_setting_t *camera = config_setting_get_elem(cameras, (unsigned)i);
        if (config_setting_is_group(camera) &&
            config_setting_lookup_string(camera, "name", &found) == CONFIG_TRUE && strcmp(found, name) == 0) {
            return i;
        }
    }
    return -1;
}

static bool add_setting(config_setting_t *camera, const char *name, const json_t *value, bool within);

/*
 * Adds the members of a group within a camera's settings. A group within that group stays empty, which is then refused.
 */
static bool add_group(config_setting_t *camera, const char *name, const json_t *value, bool within)
{
    config_setting_t *group = config_setting_add(camera, name, CONFIG_TYPE_GROUP);
    const char *member;
    json_t *inner;
    bool added = group;

    if (within || !added) {
        return added;
    }
    json_object_foreach((json_t *)value, member, inner) {
        added = added && (json_is_null(inner) || add_setting(group, member, inner, true));
    }
    return added;
}

static bool add_setting(config_setting_t *camera, const char *name, const json_t *value, bool within)
{
    config_setting_t *setting;

    switch (json_typeof(value)) {
    case JSON_STRING:
        setting = config_setting_add(camera, name, CONFIG_TYPE_STRING);
        return setting && config_setting_set_string(setting, json_string_value(value)) == CONFIG_TRUE;
    case JSON_INTEGER:
        setting = config_setting_add(camera, name, CONFIG_TYPE_INT64);
        return setting && config_setting_set_int64(setting, json_integer_value(value)) == CONFIG_TRUE;
    case JSON_REAL:
        setting = config_setting_add(camera, name, CONFIG_TYPE_FLOAT);
        return setting && config_setting_set_float(setting, json_real_value(value)) == CONFIG_TRUE;
    case JSON_TRUE:
    case JSON_FALSE:
        setting = config_setting_add(camera, name, CONFIG_TYPE_BOOL);
        return setting && config_setting_set_bool(setting, json_is_true(value)) == CONFIG_TRUE;
    default:
        return add_group(camera, name, value, within);
    }
}

static void change(config_setting_t *camera, json_t *settings, struct config_report *report)
{
    const char *name;
    json_t *value;

    json_object_foreach(settings, name, value) {
        char field[FIELD_SIZE];
        config_setting_remove(camera, name);
        if (json_is_null(value) || add_setting(camera, name, value, false)) {
            continue;
        }
        snprintf(field, sizeof(field), "%.64s", name);
        config_report_add(report, 0, field, "unknown setting; see docs/reference/configuration.md");
    }
}

static void apply(config_setting_t *cameras, const char *name, const json_t *entry,
                  struct config_list *removed, struct config_report *report)
{
    int index = index_of(cameras, name);
    config_setting_t *camera = index < 0 ? NULL : config_setting_get_elem(cameras, (unsigned)index);

    if (index >= 0 && (is_removed(entry) || is_complete(entry))) {
        config_setting_remove_elem(cameras, (unsigned)index);
        camera = NULL;
    }
    if (index >= 0 && is_removed(entry)) {
        config_list_add(removed, name);
    }
    if (is_removed(entry) || (!camera && !is_complete(entry))) {
        return;
    }
    if (!camera) {
        camera = config_setting_add(cameras, NULL, CONFIG_TYPE_GROUP);
        json_t *own = json_string(name);
        if (camera && own) {
            add_setting(camera, "name", own, false);
        }
        json_decref(own);
    }
    if (camera) {
        change(camera, json_object_get(entry, "settings"), report);
    }
}

void config_overlay_apply(config_setting_t *root, const json_t *changes, struct config_list *removed,
                          struct config_report *report)
{
    config_setting_t *cameras = config_setting_get_member(root, "cameras");
    const char *name;
    json_t *entry;

    if (!cameras || !config_setting_is_list(cameras)) {
        return;
    }
    json_object_foreach((json_t *)changes, name, entry) {
        apply(cameras, name, entry, removed, report);
    }
}

enum config_origin config_overlay_origin(const json_t *changes, const char *name)
{
    const json_t *entry = json_object_get(changes, name);

    if (!entry) {
        return CONFIG_FROM_FILE;
    }
    return is_complete(entry) ? CONFIG_ADDED : CONFIG_CHANGED;
}
