/* SPDX-License-Identifier: MIT */
#include "common/config/camera_task.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/camera_url.h"
#include "common/config/config_settings.h"
#include "common/ipc/message.h"

static const char message_name[] = "camera";

/* Cameras that take their credentials in the path of the URL name them with words like these. */
static const char *const secret_words[] = {"pass", "pwd", "token", "auth", "key="};

#define ASPECT_DIGITS_MAX 5

static const struct setting_group *const groups[] = {&setting_group_camera, &setting_group_task};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

/* Calls ACT for each setting of a task until it returns an error, which is returned. */
static int each_setting(int (*act)(const struct setting *setting, void *data), void *data)
{
    int result = 0;

    for (size_t i = 0; i < GROUPS; i++) {
        for (size_t j = 0; result == 0 && j < groups[i]->count; j++) {
            const struct setting *setting = &groups[i]->settings[j];
            if ((setting->flags & SETTING_TASK) != 0) {
                result = act(setting, data);
            }
        }
    }
    return result;
}

struct encoding {
    const struct camera_task *task;
    json_t *message;
};

static int add_member(const struct setting *setting, void *data)
{
    const struct encoding *encoding = data;
    json_t *value = setting_to_json(setting, encoding->task);

    return json_object_set_new(encoding->message, setting->name, value) < 0 ? -ENOMEM : 0;
}

json_t *camera_task_to_json(const struct camera_task *task)
{
    struct encoding encoding = {.task = task, .message = message_new(message_name)};

    if (each_setting(add_member, &encoding) < 0) {
        json_decref(encoding.message);
        return NULL;
    }
    return encoding.message;
}

struct decoding {
    struct camera_task *task;
    const json_t *message;
};

static int take_member(const struct setting *setting, void *data)
{
    const struct decoding *decoding = data;

    return setting_from_json(setting, decoding->task, json_object_get(decoding->message, setting->name));
}

int camera_task_from_json(struct camera_task *task, const json_t *message)
{
    struct decoding decoding = {.task = task, .message = message};

    *task = (struct camera_task){0};
    int result = message_is(message, message_name) ? each_setting(take_member, &decoding) : -EBADMSG;
    if (result < 0) {
        camera_task_finish(task);
    }
    return result;
}

static int finish_member(const struct setting *setting, void *data)
{
    setting_finish(setting, data);
    return 0;
}

void camera_task_finish(struct camera_task *task)
{
    each_setting(finish_member, task);
}

static bool names_secret(const char *path)
{
    for (size_t i = 0; i < sizeof(secret_words) / sizeof(secret_words[0]); i++) {
        if (strcasestr(path, secret_words[i])) {
            return true;
        }
    }
    return false;
}

void camera_task_hide_url(const char *text)
{
    struct camera_url url;

    if (camera_url_parse(text, &url) < 0) {
        return;
    }
    log_add_secret(url.userinfo);
    log_add_secret(url.password);
    if (names_secret(url.path)) {
        log_add_secret(url.path);
    }
    camera_url_finish(&url);
}

void camera_task_hide_secrets(const struct camera_task *task)
{
    log_add_secret(task->password);
    if (task->url) {
        camera_task_hide_url(task->url);
    }
}

/* A decimal number from 1 to 65535 that ends with END; 0: TEXT does not begin with one. */
static unsigned aspect_part(const char *text, char end)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > ASPECT_DIGITS_MAX || text[digits] != end) {
        return 0;
    }
    unsigned long part = strtoul(text, NULL, 10);
    return part <= UINT16_MAX ? (unsigned)part : 0;
}

bool camera_task_aspect(const char *text, unsigned *width, unsigned *height)
{
    const char *colon = strchr(text, ':');

    *width = aspect_part(text, ':');
    *height = colon ? aspect_part(colon + 1, '\0') : 0;
    return *width > 0 && *height > 0;
}
