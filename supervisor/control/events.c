/* SPDX-License-Identifier: MIT */
#include "supervisor/control/events.h"

#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "common/base/clock.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/control/control_proxy.h"

/* Bytes of one event; a longer one is not published. Documented. */
#define EVENT_MAX 16384u

/* Events that wait for one subscriber. */
#define BUFFERED 256

struct events {
    nng_socket socket;
    struct control_proxy *proxy;
    json_int_t seq; /* of the last event */
};

static int listen_at(struct events *events, const char *inner_path)
{
    char url[sizeof("ipc://") + sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    nng_listener listener;

    snprintf(url, sizeof(url), "ipc://%s", inner_path);
    int result = nng_pub0_open(&events->socket);
    if (result == 0) {
        result = nng_socket_set_int(events->socket, NNG_OPT_SENDBUF, BUFFERED);
    }
    if (result == 0) {
        result = nng_listener_create(&listener, events->socket, url);
    }
    if (result == 0) {
        result = nng_listener_set_int(listener, NNG_OPT_IPC_PERMISSIONS, 0600);
    }
    if (result == 0) {
        result = nng_listener_start(listener, 0);
    }
    if (result != 0) {
        log_error("the events' %s cannot be opened: %s", inner_path, nng_strerror(result));
    }
    return result == 0 ? 0 : -EIO;
}

int events_create(sd_event *event, const char *directory, struct events **made)
{
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)], inner_path[sizeof(path)];

    if (snprintf(path, sizeof(path), "%s/" EVENTS_SOCKET_NAME, directory) >= (int)sizeof(path) ||
        snprintf(inner_path, sizeof(inner_path), "%s/" EVENTS_INNER_NAME, directory) >=
            (int)sizeof(inner_path)) {
        return -ENAMETOOLONG;
    }
    struct events *events = calloc(1, sizeof(*events));
    if (!events) {
        return -ENOMEM;
    }
    int result = listen_at(events, inner_path);
    if (result == 0) {
        result = control_proxy_open(event, path, inner_path, CONTROL_PROXY_SUBSCRIBE, &events->proxy);
    }
    if (result < 0) {
        log_error("the socket for events, %s, cannot be opened: %s", path, strerror(-result));
        events_destroy(events);
        return result;
    }
    *made = events;
    return 0;
}

void events_destroy(struct events *events)
{
    if (!events) {
        return;
    }
    control_proxy_close(events->proxy);
    free(events); /* NNG's socket: as in control_destroy */
}

static json_t *complete(struct events *events, const char *kind, json_t *members)
{
    json_t *message = message_new("event");

    if (!message) {
        return NULL;
    }
    json_object_set_new(message, "seq", json_integer(++events->seq));
    json_object_set_new(message, "at", json_real((double)clock_wall_ns() / (double)NS_PER_SECOND));
    json_object_set_new(message, "event", json_string(kind));
    json_object_update(message, members);
    return message;
}

void events_publish(struct events *events, const char *kind, json_t *members)
{
    size_t length = 0;
    json_t *message = !events ? NULL : complete(events, kind, members);
    char *text = !message ? NULL : message_encode(message, &length);

    if (text && length <= EVENT_MAX) {
        nng_send(events->socket, text, length, NNG_FLAG_NONBLOCK);
    }
    free(text);
    json_decref(message);
    json_decref(members);
}
