/* SPDX-License-Identifier: MIT */
#include "supervisor/helpers/sync_point.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/config/camera_url.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/process/child.h"

/* Processes at a time; who finds none free asks again. */
#define AT_ONCE 8

/* Between two requests to one camera: after one that it took, and after one that failed. */
#define PAUSE_MS 1000
#define FAILED_PAUSE_MS 60000

/* For all questions of a request; a process that is there for longer is killed when the next one is due. */
#define TASK_MS 10000
#define OVERDUE_MS 15000

#define NAME_SIZE 160

struct sync_point {
    LIST_ENTRY(sync_point) next;
    struct sync_points *points;
    char *name;
    uint64_t settings;   /* the hash of those that were used */
    struct child *child; /* NULL: no process */
    uint64_t began_ms, due_ms;
    bool answered; /* the present process has said how it went */
    bool refused;
};

struct sync_points {
    struct children *children;
    char *argv[2];
    unsigned running;
    LIST_HEAD(, sync_point) list;
};

struct sync_points *sync_points_create(struct children *children, const char *program)
{
    struct sync_points *points = calloc(1, sizeof(*points));

    if (!points) {
        return NULL;
    }
    *points = (struct sync_points){.children = children, .argv = {strdup(program)}};
    LIST_INIT(&points->list);
    if (!points->argv[0]) {
        free(points);
        return NULL;
    }
    return points;
}

static void end_process(struct sync_point *point)
{
    if (point->child) {
        child_destroy(point->child);
        point->child = NULL;
        point->points->running--;
    }
}

static void free_point(struct sync_point *point)
{
    end_process(point);
    LIST_REMOVE(point, next);
    free(point->name);
    free(point);
}

void sync_points_destroy(struct sync_points *points)
{
    if (!points) {
        return;
    }
    while (!LIST_EMPTY(&points->list)) {
        free_point(LIST_FIRST(&points->list));
    }
    free(points->argv[0]);
    free(points);
}

static struct sync_point *find(const struct sync_points *points, const char *name)
{
    struct sync_point *point;

    LIST_FOREACH(point, &points->list, next) {
        if (strcmp(point->name, name) == 0) {
            return point;
        }
    }
    return NULL;
}

void sync_points_forget(struct sync_points *points, const char *name)
{
    struct sync_point *point = find(points, name);

    if (point) {
        free_point(point);
    }
}

static struct sync_point *find_or_make(struct sync_points *points, const char *name)
{
    struct sync_point *point = find(points, name);

    if (point || !(point = calloc(1, sizeof(*point)))) {
        return point;
    }
    *point = (struct sync_point){.points = points, .name = strdup(name)};
    if (!point->name) {
        free(point);
        return NULL;
    }
    LIST_INSERT_HEAD(&points->list, point, next);
    return point;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return text ? hash_add(hash, text, strlen(text) + 1) : hash_add(hash, "\1", 1);
}

static uint64_t hash_settings(const struct camera_task *task)
{
    uint64_t hash = hash_text(hash_text(HASH_START, task->onvif), task->url);

    return hash_text(hash_text(hash, task->username), task->password);
}

/* --- A request ------------------------------------------------------------------------------------------ */

static void note_failure(struct sync_point *point, const char *why)
{
    point->due_ms = clock_now_ms() + FAILED_PAUSE_MS;
    log_camera(LOG_LEVEL_WARNING, point->name,
               "camera %s: it could not be asked by ONVIF for a keyframe: %s%s", point->name, why,
               point->refused ? "; it is not asked again before its settings change" : "");
}

static void on_message(void *owner, const struct channel_message *message)
{
    struct sync_point *point = owner;

    if (!message_is(message->body, "synchronized") || point->answered) {
        return; /* `end`, or of no concern */
    }
    const char *error = message_string(message->body, "error", NULL);
    point->answered = true;
    point->refused = message_boolean(message->body, "refused", false);
    if (error) {
        note_failure(point, error);
    } else {
        log_camera(LOG_LEVEL_DEBUG, point->name, "camera %s: it was asked by ONVIF for a keyframe",
                   point->name);
    }
}

static void on_exited(void *owner, const char *reason)
{
    struct sync_point *point = owner;

    if (!point->answered) {
        note_failure(point, reason);
    }
    end_process(point);
}

/* Of the settings, or else of the URL. Secrets; for json_decref. NULL: out of memory. */
static json_t *make_task(const struct camera_task *task)
{
    struct camera_url device = {0}, stream = {0};
    json_t *message = NULL;

    if (camera_url_parse(task->onvif, &device) < 0) {
        return NULL;
    }
    bool own = !task->username && camera_url_parse(task->url, &stream) == 0;
    const char *profile = strchr(task->onvif, '#');
    device.host[strcspn(device.host, ":")] = '\0';
    message = message_pack(
        "synchronize", "{s:i, s:s, s:[s], s:s?, s:s?, s:s?}", "ms", TASK_MS, "address", device.host, "urls",
        task->onvif, "profile", profile && profile[1] != '\0' ? profile + 1 : NULL, "username",
        own ? stream.username : task->username, "password", own ? stream.password : task->password);
    camera_url_finish(&device);
    if (own) {
        camera_url_finish(&stream);
    }
    return message;
}

static int begin(struct sync_point *point, const struct camera_task *task)
{
    static const struct child_handlers handlers = {.message = on_message, .exited = on_exited};
    struct sync_points *points = point->points;
    char name[NAME_SIZE];
    int far_end = -1;

    snprintf(name, sizeof(name), "discover[%s]", point->name);
    int result = child_create(points->children, name, &handlers, point, &point->child, &far_end);
    if (result < 0) {
        return result;
    }
    points->running++;
    point->answered = false;
    child_set_camera(point->child, point->name);
    json_t *message = make_task(task);
    result = message ? child_send(point->child, message, NULL, 0) : -ENOMEM;
    json_decref(message);
    if (result == 0) {
        result = child_exec(point->child, points->argv, far_end);
    }
    close(far_end);
    if (result < 0) {
        end_process(point);
    }
    return result;
}

static bool may_ask(const struct sync_point *point, uint64_t now)
{
    return !point->child && !point->refused && now >= point->due_ms && point->points->running < AT_ONCE;
}

void sync_points_ask(struct sync_points *points, const char *name, const struct camera_task *task)
{
    struct sync_point *point = task->onvif ? find_or_make(points, name) : NULL;
    uint64_t now = clock_now_ms(), settings = hash_settings(task);

    if (!point) {
        return;
    }
    if (point->settings != settings) {
        point->settings = settings;
        point->due_ms = 0;
        point->refused = false;
    }
    if (point->child && now - point->began_ms > OVERDUE_MS) {
        child_kill(point->child, "did not end in time");
    }
    if (!may_ask(point, now)) {
        return;
    }
    point->began_ms = now;
    point->due_ms = now + PAUSE_MS;
    int result = begin(point, task);
    if (result < 0) {
        note_failure(point, strerror(-result));
    }
}
