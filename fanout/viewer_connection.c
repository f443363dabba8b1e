/* SPDX-License-Identifier: MIT */
#include "fanout/viewer_connection.h"

#include <string.h>

#include "common/base/clock.h"
#include "fanout/bundle_connection.h"
#include "fanout/feed/bundle.h"
#include "fanout/feed/past.h"
#include "fanout/feed/viewer.h"
#include "fanout/go2rtc.h"
#include "fanout/http/bundle_command.h"
#include "fanout/http/close_frame.h"
#include "fanout/http/go2rtc_message.h"
#include "fanout/http/said.h"
#include "fanout/http/viewer_command.h"
#include "fanout/media_routes.h"
#include "fanout/server.h"

/* A client of go2rtc's that has no stream is cut off after so long. */
#define AT_DOOR_TIMEOUT_S 30

/* Nothing more is sent to VIEWER, or to those whose socket it is. */
static void leave_feeds(struct viewer *viewer)
{
    if (viewer->bundle) {
        bundle_leave_feeds(viewer->bundle);
    } else {
        feed_leave(viewer);
    }
}

static struct server *server_of(const struct viewer *viewer)
{
    return lws_context_user(lws_get_context(viewer->wsi));
}

static void set_kind(struct viewer *viewer, enum connection_kind kind)
{
    connections_enter(&server_of(viewer)->connections, lws_get_opaque_user_data(viewer->wsi), kind);
}

/* What the client of a file has to say is of no use, but shows whether it is still there. */
static void guest_sent(void *context)
{
    struct viewer *viewer = context;
    struct connection *connection = lws_get_opaque_user_data(viewer->wsi);

    if (!guest_list_drain(viewer)) {
        watch_leave(&connection->arrivals);
        feed_leave(viewer);
        lws_set_timeout(viewer->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
    }
}

/* Without libev nobody looks beside libwebsockets at what they send. */
void viewer_connections_drain_guests(struct server *server)
{
    for (struct stream *stream = server->streams.first; !server->loop.events && stream;
         stream = stream->next) {
        for (unsigned i = stream->feed.viewers.count;
             i-- > 0;) { /* who is gone gives his place to the last one */
            struct viewer *viewer = stream->feed.viewers.list[i].viewer;
            if (viewer->guest && guest_is_http(viewer->guest)) {
                guest_sent(viewer);
            }
        }
    }
}

/* Not from VIEWER's own callback. */
void viewer_connection_close_paused(struct server *server, struct connection *connection,
                                    struct viewer *viewer)
{
    if (viewer->state == VIEWER_BUNDLE) {
        bundle_connection_close(viewer, VIEWER_TRY_AGAIN_LATER, VIEWER_TOO_MANY_PAUSED);
    } else if (viewer->state == VIEWER_PAUSED) {
        feed_leave(viewer);
        viewer_close(viewer, VIEWER_TRY_AGAIN_LATER, VIEWER_TOO_MANY_PAUSED);
    } else {
        return; /* it is being closed for another reason */
    }
    connections_enter(&server->connections, connection, CONNECTION_ENDING);
}

/* VIEWER, which has a stream and a permit, begins to watch. */
static void join(struct server *server, struct connection *connection, struct viewer *viewer)
{
    struct stream *stream = connection->stream;
    if (!connection->is_counted && !user_viewers_begin(&server->user_viewers, connection->permit,
                                                       server->limits.max[LIMIT_VIEWERS_PER_USER])) {
        limits_count(&server->limits, LIMIT_VIEWERS_PER_USER, &connection->address);
        viewer_close(viewer, VIEWER_TRY_AGAIN_LATER, VIEWER_TOO_MANY_OF_USER);
        return;
    }
    connection->is_counted = true;
    if (viewer->guest) {
        guest_list_add(&server->guests, viewer->guest);
    }
    stream_join(stream, viewer, connection->permit);
    supervisor_link_viewer_joined(&server->link, stream);
    viewer_rights_note(&server->rights, connection->permit);
}

/* CONNECTION is a viewer's from now on. */
static void begin_viewer(struct server *server, struct connection *connection, struct viewer *viewer)
{
    connections_move(&server->connections, connection);
    connections_enter(&server->connections, connection, CONNECTION_BUSY);
    request_deadlines_expect(&server->deadlines, connection, CONNECTION_NONE);
    arrivals_leave(&server->arrivals, connection); /* what a viewer sends is not a request's head */
    viewer_init(viewer, connection->wsi, connection->guest, server_viewer_came(server));
    viewer->keyframes = connection->keyframes;
}

static void wait_at_door(struct viewer *viewer)
{
    viewer_enter_state(viewer, VIEWER_AT_DOOR);
    lws_set_timeout(viewer->wsi, PENDING_TIMEOUT_USER_REASON_BASE, AT_DOOR_TIMEOUT_S);
}

int viewer_connection_begin(struct server *server, struct lws *wsi, struct viewer *viewer)
{
    struct connection *connection = lws_get_opaque_user_data(wsi);
    begin_viewer(server, connection, viewer);
    if (connection->refusal) {
        viewer_close(viewer, connection->refusal_code, connection->refusal);
        connections_enter(&server->connections, connection, CONNECTION_ENDING);
        return 0;
    }
    if (connection->is_bundle) {
        return bundle_connection_begin(server, viewer);
    }
    if (connection->guest) {
        wait_at_door(viewer);
        return 0;
    }
    join(server, connection, viewer);
    return 0;
}

/* After the request in WSI has been read: its answer may be a stream. */
void viewer_connection_begin_guest(struct server *server, struct lws *wsi)
{
    struct connection *connection = lws_get_opaque_user_data(wsi);
    struct viewer *viewer = lws_wsi_user(wsi);

    if (!connection || !connection->guest || !guest_is_http(connection->guest) || !viewer || viewer->wsi) {
        return;
    }
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
    begin_viewer(server, connection, viewer);
    watch_beside(&connection->arrivals, &server->loop, lws_get_socket_fd(wsi), guest_sent, viewer);
    join(server, connection, viewer);
}

/* The file ends in order, if it has begun. */
static int finish_guest(struct viewer *viewer)
{
    if (viewer->guest->begun) {
        guest_finish_file(viewer);
        return -1;
    }
    media_routes_refuse(&server_of(viewer)->router, viewer->wsi, viewer->close_code, viewer->close_reason);
    return -1;
}

/* A client of go2rtc's has said what it wants, or has left its feed. */
static void serve_go2rtc(struct viewer *viewer)
{
    struct server *server = server_of(viewer);
    struct connection *connection = lws_get_opaque_user_data(viewer->wsi);

    if (viewer->guest->is_out) {
        viewer->guest->is_out = false;
        wait_at_door(viewer);
    } else if (viewer->guest->has_asked && go2rtc_choose(&server->router, connection, viewer)) {
        lws_set_timeout(viewer->wsi, NO_PENDING_TIMEOUT, 0);
        viewer_enter_state(viewer, VIEWER_BEHIND);
        join(server, connection, viewer);
    }
}

int viewer_connection_writable(struct viewer *viewer)
{
    switch ((enum viewer_state)viewer->state) {
    case VIEWER_NONE:
        return -1;
    case VIEWER_AT_DOOR:
        serve_go2rtc(viewer);
        return 0;
    case VIEWER_BUNDLE:
        return viewer_is_blocked(viewer) ? 0 : bundle_connection_writable(server_of(viewer), viewer);
    case VIEWER_CLOSING:
        if (viewer->guest && guest_is_http(viewer->guest)) {
            return finish_guest(viewer);
        }
        viewer_give_reason(viewer);
        return -1;
    default:
        if (viewer_is_blocked(viewer) || viewer_send_due(viewer)) {
            feed_writable(viewer);
            return 0;
        }
        feed_leave(viewer);
        return -1;
    }
}

static void resume(struct viewer *viewer)
{
    struct connection *connection = lws_get_opaque_user_data(viewer->wsi);
    struct stream *stream = connection->stream;
    if (viewer->state == VIEWER_PAUSED) {
        set_kind(viewer, CONNECTION_BUSY);
        feed_resume(viewer);
        supervisor_link_viewer_joined(&server_of(viewer)->link, stream);
    }
}

/* From the paused, too: they ask for something again. */
static void look_back(struct viewer *viewer, const struct viewer_command *command)
{
    const int64_t from_ns = clock_now_ns() - command->ago_ns;

    resume(viewer);
    if (!viewer->feed || past_begin(viewer, from_ns, from_ns + command->duration_ns) == 0) {
        return;
    }
    viewer->no_past_due += viewer->no_past_due < UINT8_MAX;
    viewer_want_writable(viewer);
}

static int obey(struct viewer *viewer, struct viewer_command command)
{
    switch (command.kind) {
    case VIEWER_COMMAND_TIME:
        if (!viewer_tell_time(viewer, command.client)) {
            feed_leave(viewer);
            return -1;
        }
        return 0;
    case VIEWER_COMMAND_PAUSE:
        if (viewer->state != VIEWER_PAUSED) {
            feed_pause(viewer);
            set_kind(viewer, CONNECTION_PAUSED);
        }
        return 0;
    case VIEWER_COMMAND_RESUME:
        resume(viewer);
        return 0;
    case VIEWER_COMMAND_LOOK:
        look_back(viewer, &command);
        return 0;
    case VIEWER_COMMAND_MORE:
        if (viewer->state == VIEWER_PAST) {
            past_extend(viewer, command.duration_ns);
        }
        return 0;
    case VIEWER_COMMAND_LIVE:
        if (viewer->state == VIEWER_PAST) {
            past_end(viewer);
        }
        return 0;
    case VIEWER_COMMAND_NONE:
        return 0;
    }
    return 0;
}

/* True if a message ends with what has just been received. */
static bool is_last(struct lws *wsi)
{
    return lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;
}

/* What a text message has so far, of which DATA is the newest piece. */
static bool is_utf8(struct viewer *viewer, const void *data, size_t length)
{
    struct lws *wsi = viewer->wsi;

    if (lws_frame_is_binary(wsi)) {
        return true;
    }
    return text_stream_add(&viewer->text, data, length) && (!is_last(wsi) || text_stream_end(&viewer->text));
}

/* From the next writable event: what is left of this frame is still to be parsed, and the next ones. */
static void refuse_input(struct viewer *viewer, uint16_t code, const char *reason)
{
    leave_feeds(viewer);
    viewer_close(viewer, code, reason);
}

static size_t longest_message(const struct viewer *viewer)
{
    if (viewer->guest) {
        return GO2RTC_MESSAGE_MAX;
    }
    return viewer->bundle ? BUNDLE_COMMAND_MAX : VIEWER_COMMAND_MAX;
}

static int obey_bundle(struct viewer *viewer, const struct bundle_command *command)
{
    return viewer->state == VIEWER_BUNDLE ? bundle_connection_obey(server_of(viewer), viewer, command) : 0;
}

/* VIEWER has said TEXT. */
static int heard(struct viewer *viewer, const char *text, size_t length)
{
    if (viewer->guest) {
        if (go2rtc_heard(viewer, text, length)) {
            serve_go2rtc(viewer);
        }
        return 0;
    }
    if (viewer->bundle) {
        const struct bundle_command command = bundle_command_parse(text, length);
        return obey_bundle(viewer, &command);
    }
    return viewer->state == VIEWER_AT_DOOR ? 0 : obey(viewer, viewer_command_parse(text, length));
}

/* What VIEWER has said was too long. Only a protocol that has words for it answers. */
static int missed(struct viewer *viewer)
{
    return viewer->bundle ? obey_bundle(viewer, &bundle_command_too_long) : 0;
}

static int text_received(struct viewer *viewer, const void *data, size_t length)
{
    struct connection *connection = lws_get_opaque_user_data(viewer->wsi);
    const char *text;
    size_t text_length;
    int result = 0;

    switch (said_add(&connection->said, data, length, is_last(viewer->wsi), longest_message(viewer), &text,
                     &text_length)) {
    case SAID_IN_PART:
        return 0;
    case SAID_WHOLE:
        result = heard(viewer, text, text_length);
        break;
    case SAID_LOST:
        result = missed(viewer);
        break;
    }
    said_forget(&connection->said);
    return result;
}

int viewer_connection_received(struct viewer *viewer, const void *data, size_t length)
{
    if (viewer->state == VIEWER_NONE || viewer->state == VIEWER_CLOSING) {
        return 0;
    }
    if (!viewer_accept_bytes(viewer, length)) {
        refuse_input(viewer, LWS_CLOSE_STATUS_POLICY_VIOLATION, VIEWER_SENT_TOO_MUCH);
        return 0;
    }
    if (!is_utf8(viewer, data, length)) {
        refuse_input(viewer, LWS_CLOSE_STATUS_INVALID_PAYLOAD, VIEWER_NOT_UTF8);
        return 0;
    }
    return lws_frame_is_binary(viewer->wsi) ? 0 : text_received(viewer, data, length);
}

/* The viewer closes. Nothing may follow libwebsockets' answer to the close frame. */
int viewer_connection_closes(struct viewer *viewer, const void *payload, size_t length)
{
    const char *reason;

    leave_feeds(viewer);
    uint16_t code = close_frame_check(payload, length, &reason);
    if (code == 0 || viewer->state == VIEWER_CLOSING) {
        return 0;
    }
    viewer_enter_state(viewer, VIEWER_CLOSING);
    lws_close_reason(viewer->wsi, (enum lws_close_status)code, (unsigned char *)reason, strlen(reason));
    return -1;
}

/* libwebsockets closes the viewer for what it sent: no fragment may follow its close frame (RFC 6455, 5.5.1). */
void viewer_connection_refused(struct viewer *viewer)
{
    if (viewer && viewer->wsi) {
        leave_feeds(viewer);
    }
}

/* Called more than once for some connections; HTTP requests and refused upgrades have no wsi in here. */
void viewer_connection_gone(struct server *server, struct viewer *viewer)
{
    if (!viewer || !viewer->wsi) {
        return;
    }
    if (viewer->bundle) {
        bundle_connection_gone(server, viewer);
    }
    feed_leave(viewer);
    viewer->wsi = NULL;
    server_viewer_left(server);
}
