#include "supervisor/helpers/fork_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ipc/keeper_protocol.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/process/limit.h"
#include "supervisor/process/timer.h"

struct template
{
    struct template_host host;
    struct children *children;
    struct service *service;
    char *argv[3];
    unsigned pending;          /* spawns without an answer */
    sd_event_source *deadline; /* of the next answer; armed while any is pending */
};

static int on_deadline(sd_event_source *source, uint64_t usec, void *data)
{
    struct template *template = data;
    char why[64];

    (void)source, (void)usec;
    snprintf(why, sizeof(why), "forked no worker within %.1f s", LIMIT_SPAWN_MS / 1000.0);
    service_kill(template->service, why);
    return 0;
}

static void arm_deadline(struct template *template)
{
    if (template->pending == 0) {
        timer_disarm(&template->deadline);
    } else {
        timer_arm(children_event(template->children), &template->deadline, LIMIT_SPAWN_MS, on_deadline,
                  template);
    }
}

static void on_begun(void *owner)
{
    (void)owner;
}

static void on_ready(void *owner)
{
    struct template *template = owner;

    template->host.ready(template->host.data);
}

static void on_message(void *owner, const struct channel_message *message)
{
    struct template *template = owner;
    void *data = template->host.data;
    const char *camera = message_string(message->body, "camera", NULL);
    json_int_t pid = message_integer(message->body, "pid", 0);
    bool counts = false;

    if (camera != NULL && message_is(message->body, "spawned") && pid > 1 && pid <= INT32_MAX) {
        counts = template->host.spawned(data, camera, (pid_t)pid);
    } else if (camera != NULL && message_is(message->body, "spawn-failed")) {
        counts = template->host.spawn_failed(data, camera, message_string(message->body, "error", "unknown"));
    } else {
        log_warning("template: unexpected message \"%s\"", message_type(message->body));
    }
    if (!counts) {
        return;
    }
    template->pending--;
    arm_deadline(template);
}

static void on_state(void *owner, const char *reason)
{
    struct template *template = owner;

    template->host.changed(template->host.data, reason);
}

static void on_gone(void *owner, const char *reason)
{
    struct template *template = owner;

    template->pending = 0;
    arm_deadline(template);
    template->host.gone(template->host.data, reason);
}

struct template *template_create(struct children *children, const char *program,
                                 const struct template_host *host)
{
    static const struct service_handlers handlers = {
        .begun = on_begun, .ready = on_ready, .message = on_message, .changed = on_state, .gone = on_gone};
    static char option[] = "--template";
    struct template *template = calloc(1, sizeof(*template));

    if (template == NULL) {
        return NULL;
    }
    template->host = *host;
    template->children = children;
    template->argv[0] = strdup(program);
    template->argv[1] = option;
    if (template->argv[0] != NULL) {
        template->service = service_create(children, TEMPLATE_NAME, template->argv, &handlers, template);
    }
    if (template->service == NULL) {
        template_destroy(template);
        return NULL;
    }
    return template;
}

void template_destroy(struct template *template)
{
    if (template == NULL) {
        return;
    }
    timer_disarm(&template->deadline);
    service_destroy(template->service);
    free(template->argv[0]);
    free(template);
}

struct service *template_service(struct template *template)
{
    return template->service;
}

int template_spawn(struct template *template, const char *camera, int worker_end)
{
    if (service_state(template->service) != SERVICE_RUNNING) {
        return -EAGAIN;
    }
    json_t *message = message_new("spawn");
    if (message == NULL || json_object_set_new(message, "camera", json_string(camera)) < 0) {
        json_decref(message);
        return -ENOMEM;
    }
    int error = service_send(template->service, message, &worker_end, 1);
    json_decref(message);
    if (error < 0) {
        return error;
    }
    template->pending++;
    if (template->pending == 1) {
        arm_deadline(template);
    }
    return 0;
}
