/* SPDX-License-Identifier: MIT */
#include "fanout/bundle_connection.h"

#include <stdlib.h>
#include <string.h>

#include "fanout/feed/bundle.h"
#include "fanout/feed/packet.h"
#include "fanout/server.h"

static struct connection *connection_of(const struct viewer *socket)
{
    return lws_get_opaque_user_data(socket->wsi);
}

/* Sends TEXT (consumed). What does not fit the socket waits in libwebsockets; a client can have few messages of this sort under way. */
static bool tell(struct viewer *socket, json_t *text)
{
    struct packet packet = {0};
    bool sent = packet_set_json(&packet, text) == 0 && packet_send(&packet, socket->wsi, LWS_WRITE_TEXT);

    packet_finish(&packet);
    return sent;
}

static bool tell_end(struct viewer *socket, uint32_t id, uint16_t code, const char *reason)
{
    return tell(socket, json_pack("{s:s, s:I, s:i, s:s?}", "type", "ended", "id", (json_int_t)id, "code",
                                  (int)code, "reason", reason));
}

/* A socket that watches nothing may have to go when there are too many of them. */
static void note_kind(struct server *server, struct viewer *socket)
{
    struct connection *connection = connection_of(socket);
    enum connection_kind kind = bundle_is_watching(socket->bundle) ? CONNECTION_BUSY : CONNECTION_PAUSED;

    if (socket->state == VIEWER_BUNDLE && connection->kind != kind) {
        connections_enter(&server->connections, connection, kind);
    }
}

static void forget(struct server *server, struct bundle *bundle, struct member *member)
{
    struct permit *permit = member->permit;

    bundle_remove(bundle, member);
    user_viewers_end(&server->user_viewers, permit);
    permit_unref(permit);
    server_member_left(server);
}

void bundle_connection_close(struct viewer *socket, uint16_t code, const char *reason)
{
    bundle_leave_feeds(socket->bundle);
    viewer_close(socket, code, reason);
}

/* What CONNECTION's client said in its address: an array of messages, of which none is too much; NULL: nothing. */
static json_t *take_opening(struct connection *connection)
{
    json_t *opening =
        connection->opening ? json_loads(connection->opening, JSON_REJECT_DUPLICATES, NULL) : NULL;

    free(connection->opening);
    connection->opening = NULL;
    if (json_array_size(opening) > BUNDLE_OPENING_MESSAGES) {
        json_decref(opening);
        opening = NULL;
    }
    return opening;
}

static int obey_opening(struct server *server, struct viewer *socket, const json_t *opening)
{
    for (size_t i = 0; i < json_array_size(opening) && socket->state == VIEWER_BUNDLE; i++) {
        const struct bundle_command command = bundle_command_of(json_array_get(opening, i));
        if (bundle_connection_obey(server, socket, &command) < 0) {
            return -1;
        }
    }
    return 0;
}

int bundle_connection_begin(struct server *server, struct viewer *socket)
{
    if (bundle_begin(socket, &server->bundles) < 0) {
        viewer_close(socket, VIEWER_TRY_AGAIN_LATER, "no memory");
        return 0;
    }
    note_kind(server, socket);
    json_t *opening = take_opening(connection_of(socket));
    bool told = tell(socket, json_pack("{s:s, s:i, s:i, s:i}", "type", "hello", "version", BUNDLE_VERSION,
                                       "subscriptions", (int)BUNDLE_SUBSCRIPTIONS_MAX, "begun",
                                       (int)json_array_size(opening)));
    int result = told ? obey_opening(server, socket, opening) : -1;
    json_decref(opening);
    return result;
}

/* ---- Subscriptions ---- */

/* Why PERMIT's visitor may not watch STREAM, which CAMERA has or not; NULL: he may. */
static const char *judge(struct server *server, const struct bundle_command *command,
                         const struct stream *stream, const struct permit *permit, uint16_t *code)
{
    const struct stream *camera = router_find_stream(&server->router, command->camera, UPGRADE_STREAM_MAIN);

    if (!permit || !camera) { /* the same words for what is not there and what is not his */
        *code = GATE_CLOSE_HIDDEN;
        return GATE_HIDDEN_REASON;
    }
    *code = GATE_CLOSE_NO_STREAM;
    return stream ? NULL : GATE_NO_STREAM_REASON;
}

/* PERMIT is the member's if it is added. NULL: it is not, for *REASON. */
static struct member *add(struct server *server, struct bundle *bundle, const struct bundle_command *command,
                          struct permit *permit, uint16_t *code, const char **reason)
{
    *code = VIEWER_TRY_AGAIN_LATER;
    *reason = VIEWER_TOO_MANY_OF_USER;
    if (!user_viewers_begin(&server->user_viewers, permit, server->limits.max[LIMIT_VIEWERS_PER_USER])) {
        limits_count(&server->limits, LIMIT_VIEWERS_PER_USER, &connection_of(bundle->socket)->address);
        return NULL;
    }
    struct member *member = bundle_add(bundle, command->id, server_member_came(server));
    if (!member) {
        user_viewers_end(&server->user_viewers, permit);
        server_member_left(server);
        *reason = "no memory";
        return NULL;
    }
    member->permit = permit;
    return member;
}

/* MEMBER begins to watch STREAM. */
static void watch(struct server *server, struct member *member, struct stream *stream, bool keyframes)
{
    member->viewer.keyframes = keyframes;
    stream_join(stream, &member->viewer, member->permit);
    supervisor_link_viewer_joined(&server->link, stream);
}

static bool subscribe(struct server *server, struct viewer *socket, const struct bundle_command *command)
{
    struct bundle *bundle = socket->bundle;
    uint16_t code;

    if (bundle_find(bundle, command->id)) {
        return tell(socket, json_pack("{s:s, s:I, s:s}", "type", "error", "id", (json_int_t)command->id,
                                      "reason", "this id is in use"));
    }
    if (bundle->count >= BUNDLE_SUBSCRIPTIONS_MAX) {
        return tell_end(socket, command->id, VIEWER_TRY_AGAIN_LATER, "too many subscriptions");
    }
    struct permit *permit = gate_narrow(connection_of(socket)->permit, command->camera);
    struct stream *stream = router_find_stream(&server->router, command->camera, command->stream);
    const char *reason = judge(server, command, stream, permit, &code);
    if (!reason && !gate_begin_stream(&server->router.gate, permit)) {
        code = GATE_CLOSE_LOG_IN;
        reason = "the token was for one stream";
    }
    struct member *member = reason ? NULL : add(server, bundle, command, permit, &code, &reason);
    if (!member) {
        permit_unref(permit);
        return tell_end(socket, command->id, code, reason);
    }
    viewer_rights_note(&server->rights, permit);
    watch(server, member, stream, command->keyframes);
    return true;
}

/* Other frames, or the camera's other stream: as if it had just been subscribed. */
static bool change(struct server *server, struct viewer *socket, struct member *member,
                   const struct bundle_command *command)
{
    struct viewer *viewer = &member->viewer;
    const struct stream *now = viewer->feed ? stream_of_feed(viewer->feed) : NULL;

    if (!now) {
        return true; /* it is ending */
    }
    const char *camera = now->main ? now->main->name : now->name;
    enum upgrade_stream wanted = command->has_stream  ? command->stream
                                 : stream_is_sub(now) ? UPGRADE_STREAM_SUB
                                                      : UPGRADE_STREAM_MAIN;
    bool keyframes = command->has_frames ? command->keyframes : viewer->keyframes;
    struct stream *stream = router_find_stream(&server->router, camera, wanted);
    if (stream == now && keyframes == viewer->keyframes) {
        return true;
    }
    feed_leave(viewer);
    if (!stream) {
        uint32_t id = member->id;
        forget(server, socket->bundle, member);
        return tell_end(socket, id, GATE_CLOSE_NO_STREAM, GATE_NO_STREAM_REASON);
    }
    bundle_begin_again(member);
    watch(server, member, stream, keyframes);
    return true;
}

static void pause_member(struct member *member)
{
    feed_pause(&member->viewer);
}

static void resume_member(struct server *server, struct member *member)
{
    if (member->viewer.state == VIEWER_PAUSED) {
        const struct stream *stream = stream_of_feed(member->viewer.feed);
        feed_resume(&member->viewer);
        supervisor_link_viewer_joined(&server->link, stream);
    }
}

/* A command for one subscription that is there, or for all. */
static bool obey_for(struct server *server, struct viewer *socket, struct member *member,
                     const struct bundle_command *command)
{
    switch (command->kind) {
    case BUNDLE_COMMAND_UNSUBSCRIBE:
        forget(server, socket->bundle, member);
        return true;
    case BUNDLE_COMMAND_PAUSE:
        pause_member(member);
        return true;
    case BUNDLE_COMMAND_RESUME:
        resume_member(server, member);
        return true;
    case BUNDLE_COMMAND_CHANGE:
        return change(server, socket, member, command);
    default:
        return true;
    }
}

static bool obey_all(struct server *server, struct viewer *socket, const struct bundle_command *command)
{
    struct member *member;

    TAILQ_FOREACH(member, &socket->bundle->members, link) {
        obey_for(server, socket, member, command); /* pause and resume: nobody goes */
    }
    return true;
}

static bool obey(struct server *server, struct viewer *socket, const struct bundle_command *command)
{
    struct member *member = bundle_find(socket->bundle, command->id);

    switch (command->kind) {
    case BUNDLE_COMMAND_NONE:
        return true;
    case BUNDLE_COMMAND_WRONG:
        return command->id > 0 && !member
                   ? tell_end(socket, command->id, BUNDLE_CLOSE_WRONG, command->error)
                   : tell(socket, json_pack("{s:s, s:s}", "type", "error", "reason", command->error));
    case BUNDLE_COMMAND_TIME:
        return viewer_tell_time(socket, command->client);
    case BUNDLE_COMMAND_SUBSCRIBE:
        return subscribe(server, socket, command);
    default:
        break;
    }
    if (command->id == 0) {
        return obey_all(server, socket, command);
    }
    return !member ||
           obey_for(server, socket, member, command); /* its end has been told, and has crossed this */
}

int bundle_connection_obey(struct server *server, struct viewer *socket, const struct bundle_command *command)
{
    uint16_t code;
    const char *reason = gate_end_of(&server->router.gate, connection_of(socket)->permit, &code);

    if (reason &&
        code == GATE_CLOSE_LOG_IN) { /* of whom there is no stream any more, which would have been ended */
        bundle_connection_close(socket, code, reason);
        return 0;
    }
    if (!obey(server, socket, command)) {
        bundle_leave_feeds(socket->bundle);
        return -1;
    }
    note_kind(server, socket);
    return 0;
}

/* ---- The socket ---- */

/* Members that were closed are told of it and go; if the visitor's log-in has ended, all do. False: the connection is broken. */
static bool tell_ends(struct server *server, struct viewer *socket)
{
    struct member *member, *next;

    for (member = TAILQ_FIRST(&socket->bundle->members); member; member = next) {
        next = TAILQ_NEXT(member, link);
        const struct viewer *viewer = &member->viewer;
        if (viewer->state != VIEWER_CLOSING) {
            continue;
        }
        if (viewer->close_code == GATE_CLOSE_LOG_IN) {
            bundle_connection_close(socket, viewer->close_code, viewer->close_reason);
            return true;
        }
        uint32_t id = member->id;
        uint16_t code = viewer->close_code;
        const char *reason = viewer->close_reason;
        if (!reason && code == LWS_CLOSE_STATUS_GOINGAWAY) {
            reason = "the camera was removed";
        }
        forget(server, socket->bundle, member);
        if (!tell_end(socket, id, code, reason)) {
            return false;
        }
        if (viewer_is_blocked(socket)) {
            viewer_want_writable(socket);
            return true;
        }
    }
    return true;
}

int bundle_connection_writable(struct server *server, struct viewer *socket)
{
    struct member *member;

    if (!viewer_send_due(socket) || !tell_ends(server, socket)) {
        bundle_leave_feeds(socket->bundle);
        return -1;
    }
    if (socket->state != VIEWER_BUNDLE) {
        return 0;
    }
    TAILQ_FOREACH(member, &socket->bundle->members, link) {
        if (member->viewer.feed && member->viewer.state_due) {
            feed_writable(&member->viewer);
        }
    }
    note_kind(server, socket);
    bundle_serve(socket->bundle);
    return 0;
}

void bundle_connection_gone(struct server *server, struct viewer *socket)
{
    while (!TAILQ_EMPTY(&socket->bundle->members)) {
        forget(server, socket->bundle, TAILQ_FIRST(&socket->bundle->members));
    }
    bundle_end(socket);
}
