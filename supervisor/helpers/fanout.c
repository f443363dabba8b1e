#include "supervisor/helpers/fanout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ipc/load_board.h"
#include "common/ipc/message.h"
#include "supervisor/helpers/fanout_stats.h"

/* Bytes of "fanout[63]", as the log and the keeper call it. */
#define NAME_SIZE 32

static const char *const level_names[] = {[LOG_LEVEL_ERROR] = "error",
                                          [LOG_LEVEL_WARNING] = "warning",
                                          [LOG_LEVEL_INFO] = "info",
                                          [LOG_LEVEL_DEBUG] = "debug"};

struct fanout {
    struct fanout_host host;
    struct fanout_config config;
    struct service *service;
    char *argv[2];
    json_t *viewers; /* the last `viewers` message; NULL: none yet */
    struct figures *figures;
};

/* Consumes MESSAGE. A fan-out that misses a message would serve something else than was configured. */
static void send(struct fanout *fanout, json_t *message, const int *fds, int fd_count)
{
    char why[96];
    int error = message == NULL ? -ENOMEM : service_send(fanout->service, message, fds, fd_count);

    json_decref(message);
    if (error < 0) {
        snprintf(why, sizeof(why), "could not be told: %s", strerror(-error));
        service_kill(fanout->service, why);
    }
}

static void on_begun(void *owner)
{
    struct fanout *fanout = owner;
    const struct fanout_config *config = &fanout->config;
    const int fds[] = {config->listener, config->load_board};

    send(fanout,
         json_pack("{s:i, s:s, s:s, s:I, s:s, s:I, s:I, s:I, s:I}", "v", MESSAGE_VERSION, "type", "listen",
                   "address", config->address, "index", (json_int_t)config->index, "log_level",
                   level_names[config->log_level], "viewer_bytes", (json_int_t)config->viewers.bytes,
                   "viewer_age_ms", (json_int_t)config->viewers.age_ms, "viewer_stuck_ms",
                   (json_int_t)config->viewers.timeout * 1000, "ping_ms",
                   (json_int_t)config->viewers.ping * 1000),
         fds, config->load_board >= 0 ? 2 : 1);
    fanout->host.begun(fanout->host.data, fanout);
}

static void on_ready(void *owner)
{
    struct fanout *fanout = owner;

    fanout->host.ready(fanout->host.data, fanout);
}

static void on_message(void *owner, const struct channel_message *message)
{
    struct fanout *fanout = owner;

    if (message_is(message->body, "wanted")) {
        fanout->host.wanted(fanout->host.data, fanout, message_string(message->body, "name", ""));
    } else if (message_is(message->body, "viewers")) {
        json_decref(fanout->viewers);
        fanout->viewers = json_incref(message->body);
        fanout->host.viewers(fanout->host.data, fanout);
    } else if (message_is(message->body, "viewers-page") || message_is(message->body, "kicked")) {
        fanout->host.answered(fanout->host.data, fanout, message->body);
    } else if (message_is(message->body, "latency")) {
        if (figures_take(fanout->figures, json_object_get(message->body, "cameras")) > 0) {
            log_warning("fanout: malformed latency");
        }
    } else {
        log_warning("fanout: unexpected message \"%s\"", message_type(message->body));
    }
}

static void on_state(void *owner, const char *reason)
{
    struct fanout *fanout = owner;

    fanout->host.changed(fanout->host.data, fanout, reason);
}

static void on_gone(void *owner, const char *reason)
{
    struct fanout *fanout = owner;

    json_decref(fanout->viewers);
    fanout->viewers = NULL;
    figures_begin_anew(fanout->figures);
    if (fanout->config.load_board >= 0) {
        load_board_leave(fanout->config.load_board, fanout->config.index);
    }
    fanout->host.gone(fanout->host.data, fanout, reason);
}

struct fanout *fanout_create(struct children *children, const struct fanout_config *config,
                             const struct fanout_host *host)
{
    static const struct service_handlers handlers = {
        .begun = on_begun, .ready = on_ready, .message = on_message, .changed = on_state, .gone = on_gone};
    struct fanout *fanout = calloc(1, sizeof(*fanout));

    if (fanout == NULL) {
        return NULL;
    }
    fanout->host = *host;
    fanout->config = *config;
    char name[NAME_SIZE] = "fanout";
    if (config->index > 0) {
        snprintf(name, sizeof(name), "fanout[%zu]", config->index);
    }
    fanout->argv[0] = strdup(config->program);
    fanout->figures = figures_create();
    if (fanout->argv[0] != NULL && fanout->figures != NULL) {
        fanout->service = service_create(children, name, fanout->argv, &handlers, fanout);
    }
    if (fanout->service == NULL) {
        fanout_destroy(fanout);
        return NULL;
    }
    return fanout;
}

void fanout_destroy(struct fanout *fanout)
{
    if (fanout == NULL) {
        return;
    }
    service_destroy(fanout->service);
    json_decref(fanout->viewers);
    figures_destroy(fanout->figures);
    free(fanout->argv[0]);
    free(fanout);
}

struct service *fanout_service(struct fanout *fanout)
{
    return fanout->service;
}

void fanout_add_camera(struct fanout *fanout, const struct camera_view *camera)
{
    const int fds[] = {camera->ring_reader, camera->wake};

    figures_admit(fanout->figures, camera->name);
    send(fanout,
         json_pack("{s:i, s:s, s:s, s:s}", "v", MESSAGE_VERSION, "type", "camera-add", "name", camera->name,
                   "state", camera_strstate(camera->state)),
         fds, 2);
}

void fanout_update_camera(struct fanout *fanout, const struct camera_view *camera)
{
    send(fanout,
         json_pack("{s:i, s:s, s:s, s:s, s:s?, s:s?, s:I, s:I}", "v", MESSAGE_VERSION, "type", "camera-state",
                   "name", camera->name, "state", camera_strstate(camera->state), "error", camera->error,
                   "codecs", camera->codecs, "width", (json_int_t)camera->width, "height",
                   (json_int_t)camera->height),
         NULL, 0);
}

void fanout_remove_camera(struct fanout *fanout, const char *name)
{
    figures_forget(fanout->figures, name);
    send(fanout, json_pack("{s:i, s:s, s:s}", "v", MESSAGE_VERSION, "type", "camera-remove", "name", name),
         NULL, 0);
}

void fanout_set_log_level(struct fanout *fanout, enum log_level level)
{
    fanout->config.log_level = level;
    send(fanout,
         json_pack("{s:i, s:s, s:s}", "v", MESSAGE_VERSION, "type", "log-level", "level", level_names[level]),
         NULL, 0);
}

bool fanout_ask(struct fanout *fanout, const json_t *question)
{
    return service_state(fanout->service) == SERVICE_RUNNING &&
           service_send(fanout->service, question, NULL, 0) == 0;
}

void fanout_set_listener(struct fanout *fanout, int listener)
{
    fanout->config.listener = listener;
    service_renew(fanout->service);
}

/* Adds what FANOUT last reported to the counts in SUMS. */
static void add_viewers(const struct fanout *fanout, json_t *sums)
{
    json_t *counts = json_object_get(fanout->viewers, "cameras"), *value;
    const char *name;

    json_object_foreach(counts, name, value) {
        json_int_t before = json_integer_value(json_object_get(sums, name));
        json_object_set_new(sums, name, json_integer(before + json_integer_value(value)));
    }
}

/*
 * A sum too long for a message (a thousand cameras with long names) is left out: it is for people to look at.
 */
void fanout_tell_elsewhere(struct fanout *fanout, struct fanout *const *all, size_t count)
{
    json_t *sums = json_object();

    for (size_t i = 0; i < count; i++) {
        if (all[i] != fanout) {
            add_viewers(all[i], sums);
        }
    }
    json_t *message =
        json_pack("{s:i, s:s, s:o}", "v", MESSAGE_VERSION, "type", "viewers-elsewhere", "cameras", sums);
    if (message != NULL && json_dumpb(message, NULL, 0, JSON_COMPACT) <= MESSAGE_CHANNEL_MAX) {
        send(fanout, message, NULL, 0);
    } else {
        json_decref(message);
    }
}

void fanout_add_latency(const struct fanout *fanout, const char *camera, struct latency *latency)
{
    figures_add(fanout->figures, camera, latency);
}

int64_t fanout_drops(const struct fanout *fanout, const char *camera)
{
    int64_t drops = json_integer_value(json_object_get(json_object_get(fanout->viewers, "drops"), camera));

    return drops > 0 ? drops : 0;
}

int64_t fanout_viewers(const struct fanout *fanout, const char *camera)
{
    const json_t *counts = json_object_get(fanout->viewers, "cameras");
    int64_t viewers = camera == NULL ? message_integer(fanout->viewers, "total", 0)
                                     : json_integer_value(json_object_get(counts, camera));

    return viewers > 0 ? viewers : 0;
}
