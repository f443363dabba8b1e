/* SPDX-License-Identifier: MIT */
#include "relay/server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/cluster/subject.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/program/program.h"
#include "common/sandbox/sandbox.h"
#include "relay/downlink.h"
#include "relay/link.h"
#include "relay/ownership.h"
#include "relay/uplink.h"

/* Events that one wait returns. */
#define EVENTS_MAX 64

/* The first attempt to connect is made in this thread, one server after the other, and so is the end of a connection. */
#define CONNECT_ALLOWANCE_MS 30000

/* So long the end of this process may wait for the bucket; ringcastd waits for the process for two seconds. */
#define LEAVE_MS 1000

/* A link that is over is made anew after so long: somebody may have made this node known to the servers. */
#define LINK_AGAIN_MS 5000

#define WHY_SIZE 192

/* How often the subscription to what others ask is made anew: who has lost it cannot be seen from here. They ask again every second. */
#define ASKS_RENEW_MS 10000

/* How often what was done is counted. */
#define COUNTS_INTERVAL_MS 500

struct server {
    struct program *program;
    int epoll, terminate; /* signalfd: SIGTERM has come */
    bool leaving;         /* ringcastd has said that no other process of this node follows */
    bool left;            /* what NATS says does not matter any more */
    uint64_t resume;      /* the incarnation of this node's process before this one */
    json_t *settings;     /* the object `cluster` in use; NULL: none yet */
    struct link *link;
    struct link_subscription *asks;
    struct uplink *uplink;
    struct downlink *downlink;
    struct ownership *ownership; /* NULL: no cameras are shared, and none are those of the whole cluster */
    bool draining;               /* as ringcastd has said */
    json_t *central;             /* what it has of the whole cluster's cameras; NULL: it has not said */
    bool link_up, link_told;     /* as was logged; ringcastd knows */
    bool renewed;                /* the link before this one was over */
    char why[WHY_SIZE];          /* not up: why */
    uint64_t again_ms;           /* when the link that is over is made anew; 0: it is not over */
    uint64_t due_ms;             /* when one of these has something to do by themselves; 0: now */
    uint64_t counts_ms;
    uint64_t asks_ms; /* when `asks` was made anew */
};

/* What epoll tells apart from attached sockets. */
static char program_event, link_event, ownership_event, terminate_event;

static int wait_for(struct server *server, int fd, void *pointer)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = pointer};

    return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* --- The link ------------------------------------------------------------------------------------------- */

static bool is_ask(const struct server *server, const struct link_message *message)
{
    char prefix[SUBJECT_SIZE];

    subject_all_asks(prefix, message_string(server->settings, "name", ""),
                     message_string(server->settings, "node", ""));
    return strncmp(message->subject, prefix, strlen(prefix) - 1) == 0; /* but for the '*' */
}

static void on_came(void *context, const struct link_message *message)
{
    struct server *server = context;

    if (server->left) {
        return;
    }
    if (is_ask(server, message)) {
        uplink_asked(server->uplink, message);
        server->due_ms = 0;
    } else if (server->ownership && ownership_came(server->ownership, message)) {
        server->due_ms = 0;
    } else {
        downlink_came(server->downlink, message);
    }
}

/* What a link that was made anew says again is no news. */
static void on_news(void *context, bool up, const char *why)
{
    struct server *server = context;
    const bool is_new = up != server->link_up || strncmp(why, server->why, sizeof(server->why) - 1) != 0;

    server->due_ms = 0;
    if (server->left) {
        return;
    }
    if (!up && server->renewed && !link_is_over(server->link)) {
        return; /* it only begins to connect */
    }
    server->renewed = server->renewed && !up;
    server->link_up = up;
    server->link_told = server->link_told && !is_new;
    snprintf(server->why, sizeof(server->why), "%s", why);
    if (up) {
        log_info("connected to NATS");
    } else if (is_new) {
        log_warning("NATS cannot be reached: %s; it is tried again", why);
    }
    if (!up && sandbox_is_stale()) {
        log_info("the files of the name service were replaced: ending, to see the new ones");
        program_stop(server->program);
    }
    downlink_news(server->downlink, up, why);
}

static void close_link(struct server *server)
{
    if (server->uplink) {
        uplink_set_link(server->uplink, NULL);
    }
    if (server->downlink) {
        downlink_set_link(server->downlink, NULL);
    }
    ownership_destroy(server->ownership);
    server->ownership = NULL;
    link_unsubscribe(server->asks);
    server->asks = NULL;
    link_destroy(server->link); /* its eventfd leaves the epoll instance with it */
    server->link = NULL;
}

static bool may_publish(void *context, const char *camera, uint64_t *fence)
{
    const struct server *server = context;

    *fence = 0;
    return !server->ownership || ownership_may_publish(server->ownership, camera, fence);
}

static int open_ownership(struct server *server)
{
    int result =
        ownership_create(server->program, server->link, server->settings, server->resume, &server->ownership);

    if (result == 0) {
        ownership_drain(server->ownership, server->draining);
        ownership_set_central(server->ownership, server->central);
        uplink_set_may(server->uplink, may_publish, server);
        result = wait_for(server, ownership_fd(server->ownership), &ownership_event);
    }
    return result;
}

/* The bucket is needed as soon as a camera is shared, or for those of the whole cluster, and not before. */
static int note_owner(struct server *server, const struct program_camera *camera)
{
    int result = 0;

    if (!server->ownership && server->link && json_is_array(json_object_get(camera->about, "nodes"))) {
        result = open_ownership(server);
    }
    if (server->ownership) {
        ownership_camera(server->ownership, camera);
        server->due_ms = 0;
    }
    return result;
}

static int open_link(struct server *server)
{
    const struct link_handlers handlers = {.context = server, .message = on_came, .news = on_news};
    char subject[SUBJECT_SIZE];

    int result = link_create(server->settings, &handlers, &server->link);
    if (result < 0) {
        return result;
    }
    subject_all_asks(subject, message_string(server->settings, "name", ""),
                     message_string(server->settings, "node", ""));
    server->asks = link_subscribe(server->link, subject);
    uplink_set_link(server->uplink, server->link);
    downlink_set_link(server->downlink, server->link);
    result = wait_for(server, link_fd(server->link), &link_event);
    if (result == 0 && message_boolean(server->settings, "central", false)) {
        result = open_ownership(server);
    }
    const struct program_camera *camera;
    TAILQ_FOREACH(camera, program_cameras(server->program), link) {
        result = result < 0 ? result : note_owner(server, camera);
    }
    return result;
}

/* Both are known by the names of cluster and node. */
static int make_ends(struct server *server)
{
    const char *cluster = message_string(server->settings, "name", ""),
               *node = message_string(server->settings, "node", "");

    server->uplink = uplink_create(server->program, cluster, node);
    server->downlink = downlink_create(server->epoll, cluster, node);
    return server->uplink && server->downlink ? 0 : -ENOMEM;
}

static void close_all(struct server *server)
{
    close_link(server);
    uplink_destroy(server->uplink);
    downlink_destroy(server->downlink);
    server->uplink = NULL;
    server->downlink = NULL;
}

/* Settings that are new begin everything anew: workers come back by themselves. */
static int use_settings(struct server *server, const json_t *body)
{
    json_t *settings = json_object_get(body, "cluster");
    int result;

    if (!settings || json_equal(settings, server->settings)) {
        return settings ? 0 : -EBADMSG;
    }
    program_begin_work(server->program, NULL, CONNECT_ALLOWANCE_MS);
    close_all(server);
    json_decref(server->settings);
    server->settings = json_incref(settings);
    result = subject_check_node(message_string(settings, "node", ""));
    if (result == 0) {
        result = subject_check_node(message_string(settings, "name", ""));
    }
    if (result == 0) {
        result = make_ends(server);
    }
    if (result == 0) {
        result = open_link(server);
    }
    program_done(server->program);
    return result;
}

/* The library gives up when it is refused; who is to be let in may be changed on the server, without a word to this node. */
static int renew_link(struct server *server, uint64_t now_ms)
{
    int result = 0;

    if (!link_is_over(server->link)) {
        server->again_ms = 0;
    } else if (server->again_ms == 0) {
        server->again_ms = now_ms + LINK_AGAIN_MS;
    } else if (now_ms >= server->again_ms) {
        server->again_ms = 0;
        server->renewed = true;
        program_begin_work(server->program, NULL, CONNECT_ALLOWANCE_MS);
        close_all(server);
        result = make_ends(server);
        result = result < 0 ? result : open_link(server);
        server->due_ms = 0;
        program_done(server->program);
    }
    return result;
}

/* --- ringcastd ------------------------------------------------------------------------------------------ */

/* Also for what is shared later. */
static void drain(struct server *server, bool on)
{
    server->draining = on;
    if (server->ownership) {
        ownership_drain(server->ownership, on);
        server->due_ms = 0;
    }
}

/* What BODY says of the whole cluster's cameras, if it does. */
static void take_central(struct server *server, const json_t *body)
{
    json_t *central = json_object_get(body, "central");

    if (json_is_object(central)) {
        json_decref(server->central);
        server->central = json_incref(central);
    }
    if (server->ownership) {
        ownership_set_central(server->ownership, server->central);
    }
}

static int on_begun(void *context, struct channel_message *message)
{
    struct server *server = context;
    json_int_t resume = message_integer(message->body, "resume", 0);

    drain(server, message_boolean(message->body, "draining", false));
    take_central(server, message->body);
    server->link_told = false;
    if (!server->settings) {
        server->resume = resume > 0 ? (uint64_t)resume : 0;
    } else if (server->ownership) {
        ownership_tell_again(server->ownership);
        server->due_ms = 0;
    }
    return use_settings(server, message->body);
}

static void on_attach(struct server *server, struct channel_message *message)
{
    const char *camera = message_string(message->body, "camera", NULL);
    const char *node = message_string(message->body, "node", NULL);
    const char *stream = message_string(message->body, "stream", NULL);
    int socket = channel_message_take_fd(message, 0);

    if (socket < 0) {
        log_warning("a worker without a socket is not attached");
    } else if (!camera || !node || !stream || subject_check_node(node) < 0 || !server->downlink) {
        close(socket);
    } else {
        downlink_attach(server->downlink, camera, node, stream, socket);
        server->due_ms = 0;
    }
}

static void on_message(void *context, struct channel_message *message)
{
    struct server *server = context;

    if (message_is(message->body, "attach")) {
        on_attach(server, message);
    } else if (message_is(message->body, "stopped") && server->ownership) {
        ownership_stopped(server->ownership, message_string(message->body, "camera", ""));
        server->due_ms = 0;
    } else if (message_is(message->body, "load")) {
        if (server->ownership) {
            ownership_load(server->ownership, message->body);
        }
    } else if (message_is(message->body, "leave")) {
        server->leaving = true;
    } else if (message_is(message->body, "drain")) {
        drain(server, message_boolean(message->body, "on", true));
    } else if (message_is(message->body, "central-state")) {
        take_central(server, message->body);
    } else if (message_is(message->body, "central-write")) {
        if (server->ownership) {
            ownership_write_central(server->ownership, message);
            server->due_ms = 0;
        }
    } else if (message_is(message->body, "settings")) {
        take_central(server, message->body);
        if (use_settings(server, message->body) < 0) {
            program_stop(
                server->program); /* ringcastd starts another one, which says why it cannot be used */
        }
    } else {
        log_warning("unknown message type %s", message_type(message->body));
    }
}

static void on_camera(void *context, struct program_camera *camera, enum program_news news)
{
    struct server *server = context;

    if (server->uplink) {
        uplink_camera(server->uplink, camera, news);
        server->due_ms = 0;
    }
    if (news == PROGRAM_CAMERA_STATE && note_owner(server, camera) < 0) {
        log_error("out of memory");
        program_stop(server->program);
    } else if (news == PROGRAM_CAMERA_REMOVED && server->ownership) {
        ownership_remove(server->ownership, camera->name);
    }
}

static void on_woken(void *context, struct program_camera *camera)
{
    struct server *server = context;

    if (server->uplink && uplink_woken(server->uplink, camera)) {
        server->due_ms = 0;
    }
}

static void tell_counts(struct server *server)
{
    const struct link_counts link = link_counts(server->link);
    const struct uplink_counts up = uplink_counts(server->uplink);
    const struct downlink_counts down = downlink_counts(server->downlink);

    program_set_counts(server->program,
                       json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "connected",
                                 (int)link_is_up(server->link), "reconnects", (json_int_t)link.reconnects,
                                 "sent_messages", (json_int_t)link.sent, "sent_bytes",
                                 (json_int_t)link.sent_bytes, "received_messages", (json_int_t)link.received,
                                 "received_bytes", (json_int_t)link.received_bytes, "dropped_messages",
                                 (json_int_t)(link.dropped + down.left_out), "streams_sent",
                                 (json_int_t)up.streams, "streams_received", (json_int_t)down.streams,
                                 "joins", (json_int_t)up.joins, "overtaken", (json_int_t)up.overtaken,
                                 "jumps", (json_int_t)down.jumps));
}

/* What ringcastd does not read now is told in the next turn. */
static void tell_link(struct server *server)
{
    if (!server->link_told) {
        server->link_told =
            program_tell(server->program, message_pack("link", "{s:b, s:s?}", "up", server->link_up, "why",
                                                       server->link_up ? NULL : server->why)) == 0;
    }
}

/* It is never idle: other nodes may ask at any time. */
static uint64_t on_turn(void *context, uint64_t now_ms)
{
    struct server *server = context;

    program_touch(server->program);
    if (!server->link) {
        return UINT64_MAX;
    }
    tell_link(server);
    if (link_tend(server->link, now_ms) && server->ownership) {
        ownership_use_link(server->ownership, server->link);
    }
    if (server->asks && now_ms >= server->asks_ms + ASKS_RENEW_MS) {
        server->asks_ms = now_ms;
        link_renew(server->asks);
    }
    if (renew_link(server, now_ms) < 0) {
        log_error("the link to NATS cannot be made anew");
        program_stop(server->program);
        return UINT64_MAX;
    }
    if (now_ms >= server->due_ms) {
        uint64_t up_ms = uplink_turn(server->uplink, now_ms),
                 down_ms = downlink_turn(server->downlink, now_ms);
        server->due_ms = up_ms < down_ms ? up_ms : down_ms;
        uint64_t own_ms = server->ownership ? ownership_turn(server->ownership) : UINT64_MAX;
        server->due_ms = own_ms < server->due_ms ? own_ms : server->due_ms;
    }
    if (now_ms >= server->counts_ms + COUNTS_INTERVAL_MS) {
        server->counts_ms = now_ms;
        tell_counts(server);
    }
    return server->again_ms > 0 && server->again_ms < server->due_ms ? server->again_ms : server->due_ms;
}

/* --- The end -------------------------------------------------------------------------------------------- */

/* What ringcastd has said before the signal counts. Without a connection there is nobody to be told, and the library may take seconds to end. */
static int terminate(struct server *server)
{
    int result = program_turn(server->program);

    if (!server->link || !link_is_up(server->link)) {
        _exit(EXIT_SUCCESS);
    }
    return result < 0 ? result : 1;
}

/* Waits until WAIT_MS have passed, or something has come from NATS. */
static void wait_for_link(struct server *server, uint64_t wait_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(server->epoll, events, EVENTS_MAX, (int)wait_ms);

    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == &link_event) {
            link_turn(server->link);
        }
    }
}

/* Others need not find out by waiting. A process that another one of this node follows says nothing: that one goes on with its cameras. */
static void leave(struct server *server)
{
    const uint64_t until_ms = clock_now_ms() + LEAVE_MS;

    if (!server->leaving || !server->link || !link_is_up(server->link)) {
        return;
    }
    program_begin_work(server->program, NULL, CONNECT_ALLOWANCE_MS);
    uplink_leave(server->uplink);
    server->left = true;
    if (server->ownership) {
        ownership_leave(server->ownership, clock_now_ms());
        epoll_ctl(server->epoll, EPOLL_CTL_DEL, program_fd(server->program), NULL);
        epoll_ctl(server->epoll, EPOLL_CTL_DEL, server->terminate, NULL);
        downlink_destroy(server->downlink); /* and its sockets */
        server->downlink = NULL;
    }
    for (uint64_t now_ms = clock_now_ms();
         server->ownership && !ownership_has_left(server->ownership) && now_ms < until_ms;
         now_ms = clock_now_ms()) {
        uint64_t due_ms = ownership_turn(server->ownership);
        due_ms = due_ms < until_ms ? due_ms : until_ms;
        wait_for_link(server, due_ms > now_ms ? due_ms - now_ms : 0);
    }
}

/* --- The loop ------------------------------------------------------------------------------------------- */

static int turn(struct server *server, int wait_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(server->epoll, events, EVENTS_MAX, wait_ms);
    bool due = count <= 0 || program_wait_ms(server->program) == 0;

    if (count < 0 && errno != EINTR) {
        return -errno;
    }
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == &program_event) {
            due = true;
        } else if (events[i].data.ptr == &link_event) {
            link_turn(server->link);
            server->due_ms = link_is_over(server->link) ? 0 : server->due_ms;
        } else if (events[i].data.ptr == &ownership_event) {
            server->due_ms = 0;
        } else if (events[i].data.ptr == &terminate_event) {
            return terminate(server);
        } else {
            downlink_ready(server->downlink, events[i].data.ptr, events[i].events);
            server->due_ms = 0;
        }
    }
    /* Last, because it may close the link and what is attached. */
    return due || server->due_ms == 0 ? program_turn(server->program) : 0;
}

int server_run(struct server *server)
{
    int result = program_turn(server->program);

    while (result == 0) {
        result = turn(server, program_wait_ms(server->program));
    }
    if (result > 0) {
        leave(server);
    }
    return result < 0 ? result : 0;
}

/* SIGTERM as an event. The library's threads, which are made later, do not get it either. */
static int take_signal(struct server *server)
{
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0) {
        return -errno;
    }
    server->terminate = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    return server->terminate < 0 ? -errno : wait_for(server, server->terminate, &terminate_event);
}

int server_create(int channel, struct server **made)
{
    static const struct program_handlers handlers = {
        .begun = on_begun, .camera = on_camera, .woken = on_woken, .message = on_message, .turn = on_turn};
    struct server *server = calloc(1, sizeof(*server));

    if (!server) {
        return -ENOMEM;
    }
    server->terminate = -1;
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    int result = server->epoll < 0 ? -errno : take_signal(server);
    if (result == 0) {
        result = program_create(channel, &handlers, server, &server->program);
    }
    if (result == 0) {
        result = wait_for(server, program_fd(server->program), &program_event);
    }
    if (result < 0) {
        server_destroy(server);
        return result;
    }
    *made = server;
    return 0;
}

void server_destroy(struct server *server)
{
    if (!server) {
        return;
    }
    close_all(server);
    program_destroy(server->program);
    json_decref(server->settings);
    json_decref(server->central);
    if (server->terminate >= 0) {
        close(server->terminate);
    }
    if (server->epoll >= 0) {
        close(server->epoll);
    }
    free(server);
}
