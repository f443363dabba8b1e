/* SPDX-License-Identifier: MIT */
#include "supervisor/process/fork_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ipc/keeper_protocol.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/process/timer.h"

/* The fork server answers a `spawn` (a fork) in about a millisecond. The daemon tests are built with less. */
#ifndef FORK_SERVER_ANSWER_MS
#define FORK_SERVER_ANSWER_MS 10000
#endif

struct fork_server {
    struct supervisor *supervisor;
    struct children *children;
    struct service *service;
    char *argv[3];
    TAILQ_HEAD(, fork_client) clients;
    unsigned pending;          /* requests without an answer */
    sd_event_source *deadline; /* of the next answer; armed while any is pending */
};

static int on_deadline(sd_event_source *source, uint64_t usec, void *data)
{
    struct fork_server *fork_server = data;
    char why[64];

    (void)source, (void)usec;
    snprintf(why, sizeof(why), "forked no worker within %.1f s", FORK_SERVER_ANSWER_MS / 1000.0);
    service_kill(fork_server->service, why);
    return 0;
}

static void arm_deadline(struct fork_server *fork_server)
{
    if (fork_server->pending == 0) {
        timer_disarm(&fork_server->deadline);
    } else {
        timer_arm(children_event(fork_server->children), &fork_server->deadline, FORK_SERVER_ANSWER_MS,
                  on_deadline, fork_server);
    }
}

static void on_begun(void *owner)
{
    (void)owner;
}

static void on_ready(void *owner)
{
    struct fork_server *fork_server = owner;

    for (struct fork_client *client = TAILQ_FIRST(&fork_server->clients), *next; client; client = next) {
        next = TAILQ_NEXT(client, next);
        worker_fork_server_ready(client->worker);
    }
    supervisor_fork_server_ready(fork_server->supervisor);
}

static struct fork_client *find_client(const struct fork_server *fork_server, const char *camera)
{
    struct fork_client *client;

    TAILQ_FOREACH(client, &fork_server->clients, next) {
        if (strcmp(client->camera, camera) == 0) {
            return client;
        }
    }
    return NULL;
}

/* True if BODY is an answer that was due. */
static bool pass_on(const struct fork_server *fork_server, const json_t *body)
{
    json_int_t pid = message_integer(body, "pid", 0);
    const struct fork_client *client = find_client(fork_server, message_string(body, "camera", ""));

    if (!client) {
        return false;
    }
    if (message_is(body, "spawn-failed")) {
        return worker_spawn_failed(client->worker, message_string(body, "error", "unknown"));
    }
    return pid > 1 && pid <= INT32_MAX && worker_spawned(client->worker, (pid_t)pid);
}

static void on_message(void *owner, const struct channel_message *message)
{
    struct fork_server *fork_server = owner;

    if (!message_is(message->body, "spawned") && !message_is(message->body, "spawn-failed")) {
        log_warning("fork server: unexpected message \"%s\"", message_type(message->body));
    } else if (pass_on(fork_server, message->body)) {
        fork_server->pending--;
        arm_deadline(fork_server);
        supervisor_fork_server_answered(fork_server->supervisor);
    }
}

static void on_state(void *owner, const char *reason)
{
    struct fork_server *fork_server = owner;

    supervisor_fork_server_changed(fork_server->supervisor, reason);
}

static void on_gone(void *owner, const char *reason)
{
    struct fork_server *fork_server = owner;

    fork_server->pending = 0;
    arm_deadline(fork_server);
    for (struct fork_client *client = TAILQ_FIRST(&fork_server->clients), *next; client; client = next) {
        next = TAILQ_NEXT(client, next);
        worker_fork_server_gone(client->worker);
    }
    supervisor_fork_server_gone(fork_server->supervisor, reason);
}

struct fork_server *fork_server_create(struct children *children, const char *program,
                                       struct supervisor *supervisor)
{
    static const struct service_handlers handlers = {
        .begun = on_begun, .ready = on_ready, .message = on_message, .changed = on_state, .gone = on_gone};
    static char option[] = "--fork-server";
    struct fork_server *fork_server = calloc(1, sizeof(*fork_server));

    if (!fork_server) {
        return NULL;
    }
    fork_server->supervisor = supervisor;
    fork_server->children = children;
    TAILQ_INIT(&fork_server->clients);
    fork_server->argv[0] = strdup(program);
    fork_server->argv[1] = option;
    if (fork_server->argv[0]) {
        fork_server->service =
            service_create(children, FORK_SERVER_NAME, fork_server->argv, &handlers, fork_server);
    }
    if (!fork_server->service) {
        fork_server_destroy(fork_server);
        return NULL;
    }
    return fork_server;
}

void fork_server_destroy(struct fork_server *fork_server)
{
    if (!fork_server) {
        return;
    }
    timer_disarm(&fork_server->deadline);
    service_destroy(fork_server->service);
    free(fork_server->argv[0]);
    free(fork_server);
}

struct service *fork_server_service(struct fork_server *fork_server)
{
    return fork_server->service;
}

void fork_server_join(struct fork_server *fork_server, struct fork_client *client)
{
    TAILQ_INSERT_TAIL(&fork_server->clients, client, next);
}

void fork_server_leave(struct fork_server *fork_server, struct fork_client *client)
{
    TAILQ_REMOVE(&fork_server->clients, client, next);
}

int fork_server_request(struct fork_server *fork_server, const struct fork_client *client, int worker_end)
{
    if (service_state(fork_server->service) != SERVICE_RUNNING) {
        return -EAGAIN;
    }
    json_t *message = message_pack("spawn", "{s:s}", "camera", client->camera);
    if (!message) {
        return -ENOMEM;
    }
    int result = service_send(fork_server->service, message, &worker_end, 1);
    json_decref(message);
    if (result < 0) {
        return result;
    }
    fork_server->pending++;
    if (fork_server->pending == 1) {
        arm_deadline(fork_server);
    }
    return 0;
}
