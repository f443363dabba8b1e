/* SPDX-License-Identifier: MIT */
#include "common/config/config_camera.h"

#include <string.h>

#include "common/base/hash.h"
#include "common/config/config_settings.h"

/* A sub stream is a camera of its own in struct config, so the setting that says where it is has no member. */
static bool has_member(const struct setting *setting)
{
    return setting->kind != SETTING_SUB;
}

void config_camera_copy(struct config_camera *to, const struct config_camera *from)
{
    *to = *from;
    for (size_t i = 0; i < setting_group_camera.count; i++) {
        const struct setting *setting = &setting_group_camera.settings[i];
        if (setting_is_text(setting) || setting->kind == SETTING_STRINGS) {
            setting_copy(setting, to, from);
        }
    }
}

void config_camera_finish(struct config_camera *camera)
{
    for (size_t i = 0; i < setting_group_camera.count; i++) {
        setting_finish(&setting_group_camera.settings[i], camera);
    }
}

bool config_is_sub(const char *name)
{
    return strchr(name, '/');
}

/* True if the settings are the same that have FLAGS; 0: all settings. */
static bool same_settings(const struct config_camera *a, const struct config_camera *b, unsigned flags)
{
    for (size_t i = 0; i < setting_group_camera.count; i++) {
        const struct setting *setting = &setting_group_camera.settings[i];
        if (has_member(setting) && (setting->flags & flags) == flags && !setting_equal(setting, a, b)) {
            return false;
        }
    }
    return true;
}

bool config_camera_same_task(const struct config_camera *a, const struct config_camera *b)
{
    return strcmp(a->name, b->name) == 0 && same_settings(a, b, SETTING_TASK);
}

bool config_camera_equal(const struct config_camera *a, const struct config_camera *b)
{
    return same_settings(a, b, 0);
}

uint64_t config_camera_task_hash(const struct config_camera *camera)
{
    uint64_t hash = hash_add(HASH_START, camera->name, strlen(camera->name) + 1);

    for (size_t i = 0; i < setting_group_camera.count; i++) {
        const struct setting *setting = &setting_group_camera.settings[i];
        if ((setting->flags & SETTING_TASK) != 0) {
            hash = setting_hash(setting, hash, camera);
        }
    }
    return hash;
}
