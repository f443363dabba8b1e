#include "supervisor/control/commands_change.h"

#include <string.h>

#include "common/config/config_camera.h"
#include "common/ipc/message.h"
#include "supervisor/reload.h"

json_t *commands_reload(struct supervisor *supervisor, const json_t *request)
{
    (void)request;
    return reload_file(supervisor);
}

/* NULL: no camera of this name is configured. */
static const struct config_camera *find(const struct supervisor *supervisor, const char *name)
{
    const struct config *config = supervisor_config(supervisor);

    for (size_t i = 0; i < config->camera_count; i++) {
        if (strcmp(config->cameras[i].name, name) == 0) {
            return &config->cameras[i];
        }
    }
    return NULL;
}

static json_t *needs_camera(const json_t *request)
{
    return message_error("malformed", "%s needs \"camera\", the name of a camera", message_type(request));
}

/* A sub stream's settings are its camera's. NULL: NAME is none. */
static json_t *refuse_sub(const json_t *request, const char *name)
{
    if (!config_is_sub(name)) {
        return NULL;
    }
    return message_error("setting", "%s: a sub stream is changed with its camera's setting \"sub\"",
                         message_type(request));
}

/* The wish for one that the file may have, with these SETTINGS (consumed). */
static json_t *entry(const char *base, json_t *settings)
{
    return json_pack("{s:s, s:o}", "base", base, "settings", settings);
}

/* The name is not a setting that can change: it is what the camera is known by. */
static json_t *check_settings(const json_t *request, const json_t *settings)
{
    if (!json_is_object(settings)) {
        return message_error("malformed", "%s needs \"settings\", an object", message_type(request));
    }
    if (json_object_get(settings, "name") != NULL) {
        return message_error("setting", "name: a camera's name cannot change; remove it and add another");
    }
    return NULL;
}

json_t *commands_camera_add(struct supervisor *supervisor, const json_t *request)
{
    const char *name = message_string(request, "camera", NULL);
    json_t *settings = json_object_get(request, "settings");

    if (name == NULL) {
        return needs_camera(request);
    }
    json_t *problem = check_settings(request, settings);
    if (problem == NULL) {
        problem = refuse_sub(request, name);
    }
    if (problem != NULL) {
        return problem;
    }
    if (find(supervisor, name) != NULL) {
        return message_error("camera-exists", "there is a camera \"%.64s\" already", name);
    }
    json_t *changes = reload_copy_changes(supervisor);
    json_object_set_new(changes, name, entry("none", json_deep_copy(settings)));
    return reload_changes(supervisor, changes);
}

/* Puts SETTINGS over what is changed already. null over what only the changes have: nothing is left of it. */
static json_t *merge(const json_t *before, json_t *settings)
{
    const char *base = message_string(before, "base", "file");
    json_t *merged = json_deep_copy(json_object_get(before, "settings"));
    const char *name;
    json_t *value;

    if (merged == NULL) {
        merged = json_object();
    }
    json_object_foreach(settings, name, value) {
        if (json_is_null(value)) {
            json_object_del(merged, name);
        } else {
            json_object_set(merged, name, value);
        }
    }
    return entry(base, merged);
}

static json_t *set(struct supervisor *supervisor, const char *name, json_t *settings)
{
    if (find(supervisor, name) == NULL) {
        return commands_no_such_camera(supervisor, name);
    }
    json_t *changes = reload_copy_changes(supervisor);
    json_t *merged = merge(json_object_get(changes, name), settings);
    bool nothing = strcmp(message_string(merged, "base", ""), "file") == 0 &&
                   json_object_size(json_object_get(merged, "settings")) == 0;

    if (nothing) {
        json_object_del(changes, name);
    } else {
        json_object_set(changes, name, merged);
    }
    json_decref(merged);
    return reload_changes(supervisor, changes);
}

json_t *commands_camera_set(struct supervisor *supervisor, const json_t *request)
{
    const char *name = message_string(request, "camera", NULL);
    json_t *settings = json_object_get(request, "settings");

    if (name == NULL) {
        return needs_camera(request);
    }
    json_t *problem = check_settings(request, settings);
    if (problem == NULL) {
        problem = refuse_sub(request, name);
    }
    return problem != NULL ? problem : set(supervisor, name, settings);
}

json_t *commands_camera_remove(struct supervisor *supervisor, const json_t *request)
{
    const char *name = message_string(request, "camera", NULL);

    if (name == NULL) {
        return needs_camera(request);
    }
    json_t *problem = refuse_sub(request, name);
    if (problem != NULL) {
        return problem;
    }
    const struct config_camera *camera = find(supervisor, name);
    if (camera == NULL) {
        return commands_no_such_camera(supervisor, name);
    }
    json_t *changes = reload_copy_changes(supervisor);
    /* Also for one that was added here: the file may have one of this name that it stood in front of. */
    json_object_set_new(changes, name, json_pack("{s:b}", "removed", 1));
    return reload_changes(supervisor, changes);
}

static json_t *enable(struct supervisor *supervisor, const json_t *request, bool enabled)
{
    const char *name = message_string(request, "camera", NULL);

    if (name == NULL) {
        return needs_camera(request);
    }
    json_t *problem = refuse_sub(request, name);
    if (problem != NULL) {
        return problem;
    }
    json_t *settings = json_pack("{s:b}", "enabled", enabled);
    json_t *reply = set(supervisor, name, settings);
    json_decref(settings);
    return reply;
}

json_t *commands_camera_enable(struct supervisor *supervisor, const json_t *request)
{
    return enable(supervisor, request, true);
}

json_t *commands_camera_disable(struct supervisor *supervisor, const json_t *request)
{
    return enable(supervisor, request, false);
}
