/* SPDX-License-Identifier: MIT */
#include "supervisor/helpers/fanout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/ipc/doors.h"
#include "common/ipc/load_board.h"
#include "common/ipc/message.h"
#include "supervisor/helpers/fanout_stats.h"

/* Bytes of "fanout[63]", as the log and the keeper call it. */
#define NAME_SIZE 32

/* Bytes of a message's type and a camera's name. */
#define KEY_SIZE 160

struct fanout {
    struct supervisor *supervisor;
    struct fanout_config config;
    struct service *service;
    char *argv[2];
    json_t *viewers; /* the last `viewers` message; NULL: none yet */
    json_t *doors;   /* the last `doors` message; NULL: none yet */
    struct fanout_stats *stats;
};

/* A fan-out that misses a message would serve something else than was configured. */
static void check_sent(struct fanout *fanout, int result)
{
    char why[96];

    if (result < 0) {
        snprintf(why, sizeof(why), "a message could not be sent to it: %s", strerror(-result));
        service_kill(fanout->service, why);
    }
}

/* Consumes MESSAGE. */
static void send(struct fanout *fanout, json_t *message, const int *fds, int fd_count)
{
    check_sent(fanout, message ? service_send(fanout->service, message, fds, fd_count) : -ENOMEM);
    json_decref(message);
}

/* Consumes MESSAGE: what matters in its newest form only, of TYPE and for NAME. */
static void send_newest(struct fanout *fanout, const char *type, const char *name, json_t *message)
{
    char key[KEY_SIZE];

    snprintf(key, sizeof(key), "%s %s", type, name);
    check_sent(fanout, message ? service_send_newest(fanout->service, key, message, NULL, 0) : -ENOMEM);
    json_decref(message);
}

/* Before the socket: what comes from it is served with TLS from the first connection on. */
static void send_certificate(struct fanout *fanout)
{
    const struct certificate *certificate = fanout->config.certificate;
    const int fds[] = {certificate->chain, certificate->key, certificate->tickets};

    send(fanout, message_new("tls"), fds, certificate->chain >= 0 ? 3 : 0);
}

/* Before the socket, too: from the first request on it is known whose pages may ask. */
static void send_http_policy(struct fanout *fanout)
{
    send(fanout, message_new("http"), fanout->config.http_policy, 1);
}

static void on_begun(void *owner)
{
    struct fanout *fanout = owner;
    const struct fanout_config *config = &fanout->config;
    const int fds[] = {config->listener, config->load_board};

    send_certificate(fanout);
    send_http_policy(fanout);
    supervisor_fanout_admits(fanout->supervisor, fanout);
    send(fanout,
         message_pack("listen", "{s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "address",
                      config->address, "index", (json_int_t)config->index, "log_level",
                      log_level_name(config->log_level), "viewer_bytes", (json_int_t)config->viewers.bytes,
                      "viewer_age_ms", (json_int_t)config->viewers.age_ms, "viewer_stuck_ms",
                      (json_int_t)config->viewers.timeout * MS_PER_SECOND, "ping_ms",
                      (json_int_t)config->viewers.ping * MS_PER_SECOND, "send_bytes",
                      (json_int_t)config->viewers.send_memory << 20, "idle_per_client",
                      (json_int_t)config->viewers.idle_per_client, "idle_max",
                      (json_int_t)config->viewers.idle_max),
         fds, config->load_board >= 0 ? 2 : 1);
    supervisor_fanout_begun(fanout->supervisor, fanout);
}

static void on_ready(void *owner)
{
    struct fanout *fanout = owner;

    supervisor_fanout_ready(fanout->supervisor);
}

static void on_message(void *owner, const struct channel_message *message)
{
    struct fanout *fanout = owner;

    if (message_is(message->body, "wanted")) {
        supervisor_fanout_wants(fanout->supervisor, message_string(message->body, "name", ""));
    } else if (message_is(message->body, "viewers")) {
        json_decref(fanout->viewers);
        fanout->viewers = json_incref(message->body);
        supervisor_fanout_viewers(fanout->supervisor);
    } else if (message_is(message->body, "viewers-page") || message_is(message->body, "kicked")) {
        supervisor_fanout_answered(fanout->supervisor, fanout, message->body);
    } else if (message_is(message->body, "doors")) {
        json_decref(fanout->doors);
        fanout->doors = json_incref(message->body);
    } else if (message_is(message->body, "latency")) {
        if (fanout_stats_take(fanout->stats, json_object_get(message->body, "cameras")) > 0) {
            log_warning("fanout: malformed latency");
        }
    } else if (message_is(message->body, "attention")) {
        supervisor_fanout_raises(fanout->supervisor, message->body);
    } else if (message_is(message->body, "program-wanted")) {
        supervisor_fanout_asks(fanout->supervisor, fanout, message_string(message->body, "program", ""));
    } else if (message_is(message->body, "session-end") || message_is(message->body, "token-used") ||
               message_is(message->body, "access-refused")) {
        supervisor_fanout_says(fanout->supervisor, message->body);
    } else {
        log_warning("fanout: unexpected message \"%s\"", message_type(message->body));
    }
}

static void on_state(void *owner, const char *reason)
{
    struct fanout *fanout = owner;

    supervisor_fanout_changed(fanout->supervisor, fanout, reason);
}

static void on_gone(void *owner, const char *reason)
{
    struct fanout *fanout = owner;

    json_decref(fanout->viewers);
    json_decref(fanout->doors);
    fanout->viewers = fanout->doors = NULL;
    fanout_stats_restart(fanout->stats);
    if (fanout->config.load_board >= 0) {
        load_board_leave(fanout->config.load_board, fanout->config.index);
    }
    supervisor_fanout_gone(fanout->supervisor, fanout, reason);
}

struct fanout *fanout_create(struct children *children, const struct fanout_config *config,
                             struct supervisor *supervisor)
{
    static const struct service_handlers handlers = {
        .begun = on_begun, .ready = on_ready, .message = on_message, .changed = on_state, .gone = on_gone};
    struct fanout *fanout = calloc(1, sizeof(*fanout));

    if (!fanout) {
        return NULL;
    }
    fanout->supervisor = supervisor;
    fanout->config = *config;
    char name[NAME_SIZE] = "fanout";
    if (config->index > 0) {
        snprintf(name, sizeof(name), "fanout[%zu]", config->index);
    }
    fanout->argv[0] = strdup(config->program);
    fanout->stats = fanout_stats_create();
    if (fanout->argv[0] && fanout->stats) {
        fanout->service = service_create(children, name, fanout->argv, &handlers, fanout);
    }
    if (!fanout->service) {
        fanout_destroy(fanout);
        return NULL;
    }
    return fanout;
}

void fanout_destroy(struct fanout *fanout)
{
    if (!fanout) {
        return;
    }
    service_destroy(fanout->service);
    json_decref(fanout->doors);
    json_decref(fanout->viewers);
    fanout_stats_destroy(fanout->stats);
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

    fanout_stats_admit(fanout->stats, camera->name);
    send(fanout,
         message_pack("camera-add", "{s:s, s:s, s:s?}", "name", camera->name, "state",
                      camera_strstate(camera->state), "remote", camera->node),
         fds, camera->ring_reader >= 0 ? 2 : 0);
}

void fanout_update_camera(struct fanout *fanout, const struct camera_view *camera)
{
    send_newest(fanout, "camera-state", camera->name, camera_state_message(camera));
}

void fanout_remove_camera(struct fanout *fanout, const char *name)
{
    fanout_stats_forget(fanout->stats, name);
    send(fanout, message_pack("camera-remove", "{s:s}", "name", name), NULL, 0);
}

void fanout_set_log_level(struct fanout *fanout, enum log_level level)
{
    fanout->config.log_level = level;
    send_newest(fanout, "log-level", "", message_pack("log-level", "{s:s}", "level", log_level_name(level)));
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

/* Others learn what is new when they have begun. */
static bool takes_news(const struct fanout *fanout)
{
    enum service_state state = service_state(fanout->service);

    return state == SERVICE_STARTING || state == SERVICE_RUNNING;
}

void fanout_renew_certificate(struct fanout *fanout)
{
    if (takes_news(fanout)) {
        send_certificate(fanout);
    }
}

void fanout_renew_http_policy(struct fanout *fanout)
{
    if (takes_news(fanout)) {
        send_http_policy(fanout);
    }
}

void fanout_tell_event(struct fanout *fanout, const json_t *event)
{
    if (takes_news(fanout)) {
        send(fanout, message_pack("attention", "{s:O}", "event", event), NULL, 0);
    }
}

void fanout_set_access(struct fanout *fanout, int document, int page)
{
    const int fds[] = {document, page};
    json_t *message = message_new("access");

    check_sent(fanout, message
                           ? service_send_newest(fanout->service, "access", message, fds, page >= 0 ? 2 : 1)
                           : -ENOMEM);
    json_decref(message);
}

void fanout_connect_password(struct fanout *fanout, int socket)
{
    send(fanout, message_new("password-channel"), &socket, 1);
}

void fanout_connect_program(struct fanout *fanout, const char *program, pid_t pid, int socket)
{
    send(fanout, message_pack("program-channel", "{s:s, s:I}", "program", program, "pid", (json_int_t)pid),
         &socket, 1);
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
    json_t *message = message_pack("viewers-elsewhere", "{s:o}", "cameras", sums);
    if (message && json_dumpb(message, NULL, 0, JSON_COMPACT) <= MESSAGE_CHANNEL_MAX) {
        send_newest(fanout, "viewers-elsewhere", "", message);
    } else {
        json_decref(message);
    }
}

void fanout_add_latency(const struct fanout *fanout, const char *camera, struct latency *latency)
{
    fanout_stats_add(fanout->stats, camera, latency);
}

int64_t fanout_drops(const struct fanout *fanout, const char *camera)
{
    int64_t drops = json_integer_value(json_object_get(json_object_get(fanout->viewers, "drops"), camera));

    return drops > 0 ? drops : 0;
}

int64_t fanout_connections(const struct fanout *fanout)
{
    int64_t connections = message_integer(fanout->doors, "connections", 0);

    return connections > 0 ? connections : 0;
}

json_t *fanout_refused(const struct fanout *fanout)
{
    const json_t *counts = json_object_get(fanout->doors, "refused");
    json_t *refused = json_object();

    for (size_t i = 0; refused && i < DOORS_LIMIT_COUNT; i++) {
        json_int_t count = json_integer_value(json_object_get(counts, doors_limits[i]));
        if (count > 0) {
            json_object_set_new(refused, doors_limits[i], json_integer(count));
        }
    }
    return refused;
}

int64_t fanout_viewers(const struct fanout *fanout, const char *camera)
{
    const json_t *counts = json_object_get(fanout->viewers, "cameras");
    int64_t viewers = !camera ? message_integer(fanout->viewers, "total", 0)
                              : json_integer_value(json_object_get(counts, camera));

    return viewers > 0 ? viewers : 0;
}
