/* SPDX-License-Identifier: MIT */
#include "supervisor/control/control.h"

#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/control/control_proxy.h"

/* NNG counts its own header in; a message of just over MESSAGE_MAX bytes still gets an answer. */
#define RECEIVE_MAX (MESSAGE_MAX + 64u)

/* Replies that wait for NNG to take them up. It takes one at a time, so more than one at once must wait. */
#define SEND_DEPTH 128

/* Requests answered before the cameras get their turn. */
#define BATCH 8

struct control {
    nng_socket socket; /* id 0: not open */
    struct control_proxy *proxy;
    sd_event_source *source;
    control_answer answer;
    void *data;
    nng_msg *request; /* the one that is being answered; NULL: there is none, or it was deferred */
};

/* NNG knows from a message's header whose request it was, so the reply is made of the request. */
struct control_ticket {
    struct control *control;
    nng_msg *message;
};

static json_t *reply_to(struct control *control, const void *text, size_t length)
{
    const char *problem = NULL;
    json_t *request = message_decode(text, length, &problem);

    if (!request) {
        return problem == message_wrong_version
                   ? message_error("version", "this ringcastd speaks version %d of the control protocol",
                                   MESSAGE_VERSION)
                   : message_error("malformed", "the request is malformed: %s", problem);
    }
    json_t *reply = control->answer(control->data, request);
    json_decref(request);
    return reply;
}

/* Makes MESSAGE (consumed), a request, its reply and sends it. A client that has vanished costs nothing: NNG
 * drops the reply. */
static void send_reply(const struct control *control, nng_msg *message, const json_t *reply)
{
    size_t length = 0;
    char *text = !reply ? NULL : message_encode(reply, &length); /* NULL: more than MESSAGE_MAX, too */

    nng_msg_clear(message);
    int result = !text ? NNG_ENOMEM : nng_msg_append(message, text, length);
    free(text);
    if (result == 0) {
        result = nng_sendmsg(control->socket, message, NNG_FLAG_NONBLOCK);
    }
    if (result != 0) {
        log_warning("control: a reply was not sent: %s", nng_strerror(result));
        nng_msg_free(message);
    }
}

static void answer_one(struct control *control, nng_msg *message)
{
    control->request = message;
    json_t *reply = reply_to(control, nng_msg_body(message), nng_msg_len(message));
    bool deferred = !control->request;
    control->request = NULL;
    if (!deferred) {
        send_reply(control, message, reply);
    }
    json_decref(reply);
}

struct control_ticket *control_defer(struct control *control)
{
    struct control_ticket *ticket = calloc(1, sizeof(*ticket));

    if (!ticket) {
        return NULL;
    }
    *ticket = (struct control_ticket){.control = control, .message = control->request};
    control->request = NULL;
    return ticket;
}

void control_reply(struct control_ticket *ticket, json_t *reply)
{
    if (reply) {
        send_reply(ticket->control, ticket->message, reply);
    } else {
        nng_msg_free(ticket->message);
    }
    json_decref(reply);
    free(ticket);
}

static int on_request(sd_event_source *source, int fd, uint32_t events, void *data)
{
    struct control *control = data;
    nng_msg *message;

    (void)source, (void)fd, (void)events;
    for (int i = 0; i < BATCH; i++) {
        if (nng_recvmsg(control->socket, &message, NNG_FLAG_NONBLOCK) != 0) {
            break;
        }
        answer_one(control, message);
    }
    return 0;
}

static int listen_at(struct control *control, const char *inner_path)
{
    char url[sizeof("ipc://") + sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    nng_listener listener;

    snprintf(url, sizeof(url), "ipc://%s", inner_path);
    int result = nng_rep0_open_raw(&control->socket);
    if (result == 0) {
        result = nng_socket_set_size(control->socket, NNG_OPT_RECVMAXSZ, RECEIVE_MAX);
    }
    if (result == 0) {
        result = nng_socket_set_int(control->socket, NNG_OPT_SENDBUF, SEND_DEPTH);
    }
    if (result == 0) {
        result = nng_listener_create(&listener, control->socket, url);
    }
    if (result == 0) {
        result = nng_listener_set_int(listener, NNG_OPT_IPC_PERMISSIONS, 0600);
    }
    if (result == 0) {
        result = nng_listener_start(listener, 0);
    }
    if (result != 0) {
        log_error("the control socket's %s cannot be opened: %s", inner_path, nng_strerror(result));
    }
    return result == 0 ? 0 : -EIO;
}

static int watch(struct control *control, sd_event *event)
{
    int fd;
    int result = nng_socket_get_int(control->socket, NNG_OPT_RECVFD, &fd);

    if (result != 0) {
        return -EIO;
    }
    return sd_event_add_io(event, &control->source, fd, EPOLLIN, on_request, control);
}

static int open_all(struct control *control, sd_event *event, const char *path, const char *inner_path)
{
    int result = listen_at(control, inner_path);

    if (result < 0) {
        return result;
    }
    result = watch(control, event);
    if (result == 0) {
        result = control_proxy_open(event, path, inner_path, CONTROL_PROXY_REQUEST, &control->proxy);
    }
    if (result < 0) {
        log_error("the control socket %s cannot be opened: %s", path, strerror(-result));
    }
    return result;
}

int control_create(sd_event *event, const char *directory, control_answer answer, void *data,
                   struct control **made)
{
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)], inner_path[sizeof(path)];

    if (snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET_NAME, directory) >= (int)sizeof(path) ||
        snprintf(inner_path, sizeof(inner_path), "%s/" CONTROL_INNER_NAME, directory) >=
            (int)sizeof(inner_path)) {
        log_error("%s is too long for the path of a socket: choose a shorter `runtime_dir`", directory);
        return -ENAMETOOLONG;
    }
    struct control *control = calloc(1, sizeof(*control));
    if (!control) {
        return -ENOMEM;
    }
    control->answer = answer;
    control->data = data;
    int result = open_all(control, event, path, inner_path);
    if (result < 0) {
        control_destroy(control);
        return result;
    }
    *made = control;
    return 0;
}

void control_destroy(struct control *control)
{
    if (!control) {
        return;
    }
    sd_event_source_disable_unref(control->source);
    control_proxy_close(control->proxy);
    /*
     * NNG is left to the end of the process: nng_close of 1.5.2 waits for ever if a peer goes at that moment.
     */
    free(control);
}
