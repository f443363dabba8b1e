/* SPDX-License-Identifier: MIT */
#include "fanout/supervisor_commands.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ipc/blackbox.h"
#include "common/ipc/channel.h"
#include "common/ipc/memory_file.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "fanout/server.h"
#include "fanout/viewer_list.h"

/* Messages taken before others in the loop have their turn. */
#define RECEIVE_TURN 64

static void close_fd(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

static void set_log_level(const json_t *body, const char *member)
{
    enum log_level level;

    if (log_level_from_name(message_string(body, member, ""), &level) == 0) {
        log_set_level(level);
    }
}

/* ---- listen ---- */

/* Other fan-outs may listen too; the second descriptor is then the board where each says how busy it is. */
static void share_socket(struct server *server, struct channel_message *message)
{
    int fd = channel_message_take_fd(message, 1);
    struct load_board *board = fd >= 0 && !server->listener.board ? load_board_map(fd) : NULL;

    close_fd(fd);
    if (board) {
        listener_share(&server->listener, board, (size_t)message_integer(message->body, "index", 0));
    }
}

static int64_t limit_of(const json_t *body, const char *name, int64_t fallback)
{
    json_int_t value = message_integer(body, name, fallback);

    return value > 0 ? value : fallback;
}

static void take_limits(struct server *server, const json_t *body)
{
    struct feed_limits limits = {
        .bytes = (uint64_t)limit_of(body, "viewer_bytes", (int64_t)FEED_LIMIT_BYTES),
        .age_ns = NS_PER_MS * limit_of(body, "viewer_age_ms", FEED_LIMIT_AGE_NS / NS_PER_MS),
        .stuck_ns = NS_PER_MS * limit_of(body, "viewer_stuck_ms", FEED_LIMIT_STUCK_NS / NS_PER_MS),
    };

    server_limit(server, &limits, (long)limit_of(body, "ping_ms", server->ping_ms));
    server_limit_idle(server, (unsigned)limit_of(body, "idle_per_client", CONNECTIONS_IDLE_PER_CLIENT),
                      (unsigned)limit_of(body, "idle_max", CONNECTIONS_IDLE_MAX));
}

static void on_listen(struct server *server, struct channel_message *message)
{
    set_log_level(message->body, "log_level");
    take_limits(server, message->body);
    server->send_memory.max = (size_t)limit_of(message->body, "send_bytes", (int64_t)server->send_memory.max);
    int socket = channel_message_take_fd(message, 0);
    share_socket(server, message);
    int result = socket < 0 ? -EBADMSG : server_listen(server, socket);
    if (result == 0) {
        result =
            supervisor_link_send(&server->link, message_pack("ready", "{s:o}", "sandbox", sandbox_layers()));
        supervisor_link_report_again(&server->link);
        program_link_report_again(&server->router.errands.link);
    }
    if (result < 0) {
        log_error("cannot serve viewers: %s", strerror(-result));
        server_stop(server);
        return;
    }
    log_info("serving viewers on %s", message_string(message->body, "address", "the given socket"));
}

/* Without descriptors: no TLS. What cannot be used is never replaced by no TLS at all. */
static void on_tls(struct server *server, struct channel_message *message)
{
    int chain = channel_message_take_fd(message, 0);
    int key = channel_message_take_fd(message, 1);
    int tickets = channel_message_take_fd(message, 2);

    if (chain < 0 && key < 0) {
        close_fd(tickets);
        server_unset_tls(server);
        return;
    }
    int result = server_set_tls(server, chain, key, tickets);
    close_fd(chain);
    close_fd(key);
    close_fd(tickets);
    if (result < 0) {
        log_error("cannot serve viewers over TLS: %s", strerror(-result));
        server_stop(server);
    }
}

/* ---- Who may watch ---- */

/*
 * The old document goes on to count when a new one cannot be read: ringcastd has written both. Without any, nobody may watch.
 */
static void on_access(struct server *server, struct channel_message *message)
{
    int document = channel_message_take_fd(message, 0);
    int once = channel_message_take_fd(message, 1);
    int result = document < 0 ? -EBADMSG : gate_take_access(&server->router.gate, document, once);

    close_fd(document);
    close_fd(once);
    if (result < 0) {
        log_error("cannot read who may watch: %s", strerror(-result));
    }
    server_check_viewers(server);
}

static void on_password_channel(struct server *server, struct channel_message *message)
{
    int channel = channel_message_take_fd(message, 0);
    int result = channel < 0 ? -EBADMSG : gate_take_passwords(&server->router.gate, channel);

    if (result < 0) {
        log_error("cannot ask ringcast-password: %s", strerror(-result));
    }
}

static void on_program_channel(struct server *server, struct channel_message *message)
{
    const char *program = message_string(message->body, "program", "");
    json_int_t process = message_integer(message->body, "pid", 0);
    int channel = channel_message_take_fd(message, 0);
    int result = channel < 0 ? -EBADMSG
                             : program_link_connect(&server->router.errands.link, program, process, channel);

    if (result == -ENOENT) {
        close_fd(channel);
    }
    if (result < 0) {
        log_error("cannot ask ringcast-%s: %s", program, strerror(-result));
    }
}

/* Rules that cannot be understood are never replaced by others. */
static void on_http(struct server *server, struct channel_message *message)
{
    int fd = channel_message_take_fd(message, 0);
    json_t *document = fd < 0 ? NULL : memory_file_read_json(fd);
    int result = document ? policy_set(&server->policy, document) : -EBADMSG;

    close_fd(fd);
    if (result == 0) {
        result = camera_groups_set(&server->router.camera_list.groups, json_object_get(document, "groups"));
    }
    if (result == 0) {
        server->feeds.changes++;
        limits_set(&server->limits, json_object_get(document, "limits"));
        server_limits_changed(server);
    }
    json_decref(document);
    if (result < 0) {
        log_error("cannot serve viewers by the rules for HTTP that were sent: %s", strerror(-result));
        server_stop(server);
    }
}

/* ---- Cameras ---- */

/* Takes over RING and WAKE, of which either may be -1. */
static void add_stream(struct server *server, const json_t *body, int ring, int wake)
{
    const char *name = message_string(body, "name", "");
    struct stat identity = {0};
    ringcast_reader *reader = NULL;

    if (ring >= 0) {
        fstat(ring, &identity);
    }
    bool given = ring >= 0 || wake >= 0; /* a camera that has no ring has failed, and its state says why */
    int result = ring < 0 || wake < 0 ? -EBADMSG : ringcast_open_fd(ring, &reader);
    close_fd(ring);
    if (result < 0 && given) {
        log_camera(LOG_LEVEL_ERROR, name, "camera %s: cannot read its ring: %s", name, strerror(-result));
    }
    /* Without a readable ring the camera is still there, and its viewers wait. */
    result = streams_add(&server->streams, name, reader, wake);
    if (result < 0) {
        log_camera(LOG_LEVEL_ERROR, name, "camera %s: cannot add it: %s", name, strerror(-result));
        return;
    }
    struct stream *stream = streams_find(&server->streams, name);
    stream->ring_device = identity.st_dev;
    stream->ring_inode = identity.st_ino;
    stream_update(&server->streams, stream, body);
}

static void on_camera_add(struct server *server, struct channel_message *message)
{
    struct stream *known = streams_find(&server->streams, message_string(message->body, "name", ""));
    int ring = channel_message_take_fd(message, 0);
    int wake = channel_message_take_fd(message, 1);
    struct stat identity;

    if (known && ring >= 0 && fstat(ring, &identity) == 0 && stream_has_ring(known, &identity)) {
        /* From a ringcastd that took over from one that was killed: at most the state is new. */
        stream_update(&server->streams, known, message->body);
        close_fd(ring);
        close_fd(wake);
        return;
    }
    add_stream(server, message->body, ring, wake);
}

static void on_camera_state(struct server *server, struct stream *stream, const json_t *body)
{
    stream_update(&server->streams, stream, body);
}

static void on_camera_remove(struct server *server, struct stream *stream, const json_t *body)
{
    log_set_state(message_string(body, "name", ""), NULL);
    streams_remove(&server->streams, stream, LWS_CLOSE_STATUS_GOINGAWAY);
    feed_set_viewers_changed(&server->feeds);
}

/* Messages about a camera that is there. */
static void dispatch_camera(struct server *server, const json_t *body)
{
    static const struct {
        const char *type;
        void (*handle)(struct server *server, struct stream *stream, const json_t *body);
    } handlers[] = {{"camera-state", on_camera_state}, {"camera-remove", on_camera_remove}};

    struct stream *stream = streams_find(&server->streams, message_string(body, "name", ""));
    for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        if (message_is(body, handlers[i].type)) {
            if (stream) {
                handlers[i].handle(server, stream, body);
            } else {
                log_warning("%s for an unknown camera", handlers[i].type);
            }
            return;
        }
    }
    log_warning("unknown message type %s", message_type(body));
}

/* ---- Viewers ---- */

/*
 * Sends ANSWER (consumed) to QUESTION. Nothing more is done if it cannot be sent: the asker's time runs out.
 */
static void send_answer(struct server *server, const json_t *question, json_t *answer)
{
    if (answer) {
        json_object_set_new(answer, "number", json_integer(message_integer(question, "number", 0)));
    }
    supervisor_link_send(&server->link, answer);
}

static void on_viewers_list(struct server *server, const json_t *body)
{
    json_t *viewers;
    bool more = viewer_list_page(&server->streams, body, &viewers);

    send_answer(server, body, message_pack("viewers-page", "{s:o, s:b}", "viewers", viewers, "more", more));
}

static void on_kick(struct server *server, const json_t *body)
{
    unsigned count = viewer_list_kick(&server->streams, body);

    feed_set_viewers_changed(&server->feeds);
    send_answer(server, body, message_pack("kicked", "{s:i}", "viewers", (int)count));
}

/* ---- The channel ---- */

static void dispatch(struct server *server, struct channel_message *message)
{
    if (message_is(message->body, BLACKBOX_MESSAGE)) {
        blackbox_carry(channel_message_take_fd(message, 0));
        heartbeat_beat(&server->feeds.heartbeat);
    } else if (message_is(message->body, "log-level")) {
        set_log_level(message->body, "level");
    } else if (message_is(message->body, "stop")) {
        server_stop(server);
    } else if (message_is(message->body, "listen")) {
        on_listen(server, message);
    } else if (message_is(message->body, "tls")) {
        on_tls(server, message);
    } else if (message_is(message->body, "http")) {
        on_http(server, message);
    } else if (message_is(message->body, "access")) {
        on_access(server, message);
    } else if (message_is(message->body, "password-channel")) {
        on_password_channel(server, message);
    } else if (message_is(message->body, "program-channel")) {
        on_program_channel(server, message);
    } else if (message_is(message->body, "viewers-elsewhere")) {
        streams_set_elsewhere(&server->streams, json_object_get(message->body, "cameras"));
    } else if (message_is(message->body, "viewers-list")) {
        on_viewers_list(server, message->body);
    } else if (message_is(message->body, "kick")) {
        on_kick(server, message->body);
    } else if (message_is(message->body, "camera-add")) {
        on_camera_add(server, message);
    } else {
        dispatch_camera(server, message->body);
    }
}

static void channel_ready(void *context)
{
    struct server *server = context;

    for (int i = 0; i < RECEIVE_TURN; i++) {
        struct channel_message message;
        int result = channel_receive(server->link.channel.fd, &message);
        if (result == 1) {
            dispatch(server, &message);
            channel_message_clear(&message);
        } else if (result == -EBADMSG) {
            log_warning("%s", channel_drop_reason(&message));
        } else if (result == -EAGAIN) {
            return;
        } else {
            log_info("ringcastd is gone");
            watch_end(&server->link.channel);
            server_stop(server);
            return;
        }
    }
}

int supervisor_commands_begin(struct server *server, int channel)
{
    return supervisor_link_begin(&server->link, &server->loop, &server->streams, &server->connections,
                                 &server->limits, channel, channel_ready, server);
}
