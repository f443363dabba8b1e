/* SPDX-License-Identifier: MIT */
#include "common/config/config_overlay.h"

#include <stdbool.h>
#include <string.h>

#include "common/config/config_memory.h"

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

static config_setting_t *cameras_of(config_setting_t *root)
{
    config_setting_t *cameras = config_setting_get_member(root, "cameras");

    return cameras && config_setting_is_list(cameras) ? cameras : NULL;
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

/* Adds a list of strings; anything else in it is an empty group, which is then refused. */
static bool add_list(config_setting_t *camera, const char *name, const json_t *value)
{
    config_setting_t *list = config_setting_add(camera, name, CONFIG_TYPE_LIST);
    bool added = list;
    size_t index;
    json_t *item;

    json_array_foreach(value, index, item) {
        const char *text = json_string_value(item);
        config_setting_t *setting =
            added ? config_setting_add(list, NULL, text ? CONFIG_TYPE_STRING : CONFIG_TYPE_GROUP) : NULL;
        added = setting && (!text || config_setting_set_string(setting, text) == CONFIG_TRUE);
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
    case JSON_ARRAY:
        return add_list(camera, name, value);
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

/* A camera of that name alone. NULL: no memory. */
static config_setting_t *add_camera(config_setting_t *cameras, const char *name)
{
    config_setting_t *camera = config_setting_add(cameras, NULL, CONFIG_TYPE_GROUP);
    json_t *own = json_string(name);

    if (camera && own) {
        add_setting(camera, "name", own, false);
    }
    json_decref(own);
    return camera;
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
        camera = add_camera(cameras, name);
    }
    if (camera) {
        change(camera, json_object_get(entry, "settings"), report);
    }
}

void config_overlay_apply(config_setting_t *root, const json_t *changes, struct config_list *removed,
                          struct config_report *report)
{
    config_setting_t *cameras = cameras_of(root);
    const char *name;
    json_t *entry;

    if (!cameras) {
        return;
    }
    json_object_foreach((json_t *)changes, name, entry) {
        apply(cameras, name, entry, removed, report);
    }
}

static void report_twice(const config_setting_t *cameras, int index, const char *name,
                         struct config_report *report)
{
    char field[FIELD_SIZE];
    const config_setting_t *camera = config_setting_get_elem(cameras, (unsigned)index);

    snprintf(field, sizeof(field), "cameras[%d].name", index);
    config_report_add(
        report, config_setting_source_line(config_setting_get_member(camera, "name")), field,
        "\"%s\" is also the name of a camera of the whole cluster (`ringcastctl cluster config`); "
        "rename one of them, or remove this one",
        name);
}

void config_overlay_add(config_setting_t *root, const json_t *cameras, struct config_report *report)
{
    config_setting_t *list = cameras_of(root);
    const char *name;
    json_t *settings;

    if (!list) {
        return;
    }
    json_object_foreach((json_t *)cameras, name, settings) {
        int index = index_of(list, name);
        config_setting_t *camera = index < 0 ? add_camera(list, name) : NULL;
        if (index >= 0) {
            report_twice(list, index, name, report);
        } else if (camera) {
            change(camera, settings, report);
        }
    }
}

/* --- The other way -------------------------------------------------------------------------------------- */

static json_t *to_json(const config_setting_t *setting)
{
    json_t *value;

    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_STRING:
        return json_string(config_setting_get_string(setting));
    case CONFIG_TYPE_BOOL:
        return json_boolean(config_setting_get_bool(setting));
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return json_integer(config_setting_get_int64(setting));
    case CONFIG_TYPE_FLOAT:
        return json_real(config_setting_get_float(setting));
    default:
        break;
    }
    bool group = config_setting_is_group(setting);
    value = config_need(group ? json_object() : json_array());
    for (int i = 0; i < config_setting_length(setting); i++) {
        const config_setting_t *item = config_setting_get_elem(setting, (unsigned)i);
        if (group) {
            json_object_set_new(value, config_setting_name(item), to_json(item));
        } else {
            json_array_append_new(value, to_json(item));
        }
    }
    return value;
}

json_t *config_overlay_export(const config_setting_t *root)
{
    const config_setting_t *list = config_setting_get_member(root, "cameras");
    json_t *cameras = config_need(json_object());

    for (int i = 0; list && i < config_setting_length(list); i++) {
        json_t *settings = to_json(config_setting_get_elem(list, (unsigned)i));
        json_t *name = json_incref(json_object_get(settings, "name")),
               *sub = json_object_get(settings, "sub");
        json_object_del(settings, "name");
        if (json_is_string(sub)) { /* the same in its long form */
            json_object_set_new(settings, "sub", json_pack("{s:O}", "url", sub));
        }
        json_object_set_new(cameras, json_string_value(name), settings);
        json_decref(name);
    }
    return cameras;
}

enum config_origin config_overlay_origin(const json_t *cluster, const json_t *changes, const char *name)
{
    const json_t *entry = json_object_get(changes, name);

    if (!entry) {
        return json_object_get(cluster, name) ? CONFIG_FROM_CLUSTER : CONFIG_FROM_FILE;
    }
    return is_complete(entry) ? CONFIG_ADDED : CONFIG_CHANGED;
}
