/* SPDX-License-Identifier: MIT */
#include "tests/bench/viewer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/clock.h"
#include "tests/bench/fragment_head.h"

#define REQUEST_MAX 4096

/* The key and its answer of RFC 6455 section 1.3. */
#define HANDSHAKE_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define HANDSHAKE_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

/* Close code of a connection that ended without a close frame (RFC 6455 section 7.1.5). */
#define CLOSED_ABNORMALLY 1006

const char *viewer_strstate(enum viewer_state state)
{
    switch (state) {
    case VIEWER_IDLE:
        return "idle";
    case VIEWER_CONNECTING:
        return "connecting";
    case VIEWER_UPGRADING:
        return "upgrading";
    case VIEWER_STREAMING:
        return "streaming";
    case VIEWER_CLOSED:
        return "closed";
    }
    return "?";
}

static void enter_state(struct viewer *viewer, enum viewer_state state)
{
    for (size_t i = 1; i < viewer->member_count; i++) {
        viewer->members[i].state = state;
    }
    viewer->state = state;
    if (state != VIEWER_CLOSED) {
        return;
    }
    SSL_free(viewer->ssl);
    viewer->ssl = NULL;
    if (viewer->fd >= 0) {
        close(viewer->fd);
    }
    viewer->fd = -1;
}

static void give_up(struct viewer *viewer, uint64_t *reason)
{
    (*reason)++;
    enter_state(viewer, VIEWER_CLOSED);
}

int viewer_connect(struct viewer *viewer, const struct viewer_run *run)
{
    viewer->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (viewer->fd < 0) {
        return -errno;
    }
    if (viewer->slow && run->slow_rcvbuf > 0) {
        setsockopt(viewer->fd, SOL_SOCKET, SO_RCVBUF, &run->slow_rcvbuf, sizeof run->slow_rcvbuf);
    }
    setsockopt(viewer->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    ws_stream_init(&viewer->stream);
    viewer->tally->viewers += viewer->members ? viewer->member_count : 1;
    viewer->connect_ns = clock_ns();
    for (size_t i = 1; i < viewer->member_count; i++) {
        viewer->members[i].connect_ns = viewer->connect_ns;
    }
    if (connect(viewer->fd, (const struct sockaddr *)&run->server, sizeof run->server) < 0 &&
        errno != EINPROGRESS) {
        int error = errno;
        give_up(viewer, &viewer->tally->refused);
        return -error;
    }
    enter_state(viewer, VIEWER_CONNECTING);
    return 0;
}

static bool speak_tls(struct viewer *viewer, struct viewer_run *run)
{
    if (!run->tls) {
        return true;
    }
    viewer->ssl = secure_connect(run->tls, viewer->fd, run->resume ? run->session : NULL);
    run->resumed += viewer->ssl && SSL_session_reused(viewer->ssl);
    return viewer->ssl != NULL;
}

void viewer_writable(struct viewer *viewer, struct viewer_run *run)
{
    char request[REQUEST_MAX];
    int length;
    if (run->raw) {
        length = snprintf(request, sizeof request, "%s", RAW_HELLO);
    } else {
        length =
            snprintf(request, sizeof request,
                     "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: " HANDSHAKE_KEY "\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
                     viewer->path, ntohs(run->server.sin_port),
                     viewer->members ? "Sec-WebSocket-Protocol: ringcast.bundle.1\r\n" : "",
                     run->header ? run->header : "", run->header ? "\r\n" : "");
    }
    bool fits = length > 0 && length < REQUEST_MAX;
    if (!fits || !speak_tls(viewer, run) ||
        secure_send(viewer->ssl, viewer->fd, request, (size_t)length) != length) {
        give_up(viewer, &viewer->tally->refused);
        return;
    }
    enter_state(viewer, run->raw ? VIEWER_STREAMING : VIEWER_UPGRADING);
    if (run->raw) {
        viewer->tally->joined++;
    }
}

static void note_join(struct viewer *viewer, int64_t now)
{
    histogram_add(&viewer->tally->join, now - viewer->connect_ns);
}

static void count_message(struct viewer *viewer, struct viewer_run *run, uint64_t length)
{
    viewer->tally->fragments++;
    viewer->tally->bytes += length;
    viewer->fragments++;
    if (!run->measuring) {
        return;
    }
    viewer->tally->interval_fragments++;
    viewer->tally->interval_bytes += length;
    viewer->interval_fragments++;
    if (viewer->records_sizes && run->sizes_count < run->sizes_max) {
        run->sizes[run->sizes_count++] = (uint32_t)length;
    }
}

static void check_order(struct viewer *viewer, uint32_t sequence, bool keyframe, int64_t *step)
{
    struct tally *tally = viewer->tally;
    *step = (int32_t)(sequence - viewer->sequence);
    if (*step == 0) {
        tally->duplicated++;
    } else if (*step < 0) {
        tally->disordered++;
    } else if (*step > 1) {
        uint64_t skipped = (uint64_t)*step - 1;
        tally->lost += skipped > viewer->announced ? skipped - viewer->announced : 0;
    }
    if (viewer->announced > 0 && !keyframe) {
        tally->after_drop_not_keyframe++;
    }
    viewer->announced = 0;
    viewer->sequence = sequence;
}

/* The camera counts frames, the ring fragments: both must have moved by the same number. */
static void check_frame(struct viewer *viewer, uint64_t frame, int64_t step)
{
    if (viewer->has_frame) {
        int64_t frame_step = (int64_t)(frame - viewer->frame);
        if (frame_step <= 0) {
            viewer->tally->frames_repeated++;
        } else if (step > 0 && frame_step > step) {
            viewer->tally->frames_missing += (uint64_t)(frame_step - step);
        }
    }
    viewer->frame = frame;
    viewer->has_frame = true;
}

static void note_latency(struct viewer *viewer, struct viewer_run *run, const struct fragment_head *head,
                         int64_t now)
{
    int64_t published_ns;
    if (!run->measuring) {
        return;
    }
    if (head->stamped) {
        histogram_add(&viewer->tally->latency, now - head->stamp.capture_ns);
    }
    if (run->watch && ring_watch_published(run->watch, head->sequence, &published_ns)) {
        histogram_add(&viewer->tally->ring_to_socket, now - published_ns);
    }
}

static void on_fragment(struct viewer *viewer, struct viewer_run *run, const struct fragment_head *head,
                        int64_t now)
{
    struct tally *tally = viewer->tally;
    int64_t step = 1;
    if (viewer->fragments == 1) {
        note_join(viewer, now);
        tally->first_not_keyframe += !head->keyframe;
        viewer->sequence = head->sequence;
    } else {
        check_order(viewer, head->sequence, head->keyframe, &step);
    }
    if (head->has_slice && head->idr != head->keyframe) {
        tally->keyframe_flag_wrong++;
    }
    if (head->stamped) {
        check_frame(viewer, head->stamp.frame, step);
    } else {
        tally->unstamped++;
    }
    note_latency(viewer, run, head, now);
}

static void on_binary(struct viewer *viewer, struct viewer_run *run, const uint8_t *data, size_t present,
                      uint64_t length, int64_t now)
{
    struct fragment_head head;
    switch (fragment_kind(data, present)) {
    case FRAGMENT_INIT:
        viewer->tally->inits++;
        viewer->video_track = fragment_video_track(data, present);
        break;
    case FRAGMENT_MEDIA:
        count_message(viewer, run, length);
        if (fragment_head_read(data, present, viewer->video_track, &head)) {
            on_fragment(viewer, run, &head, now);
        } else {
            viewer->tally->unreadable++;
        }
        break;
    case FRAGMENT_UNKNOWN:
        viewer->tally->unreadable++;
        break;
    }
}

static void on_text(struct viewer *viewer, const uint8_t *data, size_t length)
{
    json_t *message = json_loadb((const char *)data, length, 0, NULL);
    const char *type = json_string_value(json_object_get(message, "type"));
    viewer->tally->texts++;
    if (!type) {
        viewer->tally->unreadable++;
    } else if (strcmp(type, "drop") == 0) {
        uint64_t fragments = (uint64_t)json_integer_value(json_object_get(message, "fragments"));
        viewer->tally->drops++;
        viewer->tally->dropped_fragments += fragments;
        viewer->announced += fragments;
    }
    json_decref(message);
}

/* Whose it is: the number before a binary message, or the first member of a text; what has none is the socket's. */
static void on_member_message(struct viewer *viewer, struct viewer_run *run, enum ws_opcode opcode,
                              const uint8_t *data, size_t present, uint64_t length, int64_t now)
{
    static const char key[] = "{\"id\":";
    size_t head = opcode == WS_BINARY ? 4 : 0;
    unsigned long id = 0;

    if (opcode == WS_BINARY && present >= head) {
        id = (unsigned long)data[0] << 24 | (unsigned long)data[1] << 16 | (unsigned long)data[2] << 8 |
             data[3];
    } else if (opcode == WS_TEXT && present > sizeof key && memcmp(data, key, sizeof key - 1) == 0) {
        id = strtoul((const char *)data + sizeof key - 1, NULL, 10);
    }
    if (id > viewer->member_count || (id == 0 && opcode == WS_BINARY)) {
        viewer->tally->unreadable++;
    } else if (opcode == WS_BINARY) {
        on_binary(&viewer->members[id - 1], run, data + head, present - head, length - head, now);
    } else if (id > 0) {
        on_text(&viewer->members[id - 1], data, present);
    } else {
        on_text(viewer, data, present); /* hello, or an error, which is counted */
        viewer->tally->broken += memmem(data, present, "\"ended\"", 7) != NULL;
    }
}

static void on_control(struct viewer *viewer, enum ws_opcode opcode)
{
    uint8_t frame[WS_CONTROL_MAX + 6];
    size_t length = viewer->control_length;
    if (opcode == WS_PING) {
        viewer->tally->pings++;
        length = ws_client_frame(frame, WS_PONG, viewer->control, length);
        (void)!secure_send(viewer->ssl, viewer->fd, frame, length);
    } else if (opcode == WS_CLOSE) {
        int code = length >= 2 ? viewer->control[0] << 8 | viewer->control[1] : 1005;
        length = ws_client_frame(frame, WS_CLOSE, viewer->control, length >= 2 ? 2 : 0);
        (void)!secure_send(viewer->ssl, viewer->fd, frame, length);
        tally_add_close(viewer->tally, code);
        enter_state(viewer, VIEWER_CLOSED);
    }
}

static void on_control_chunk(struct viewer *viewer, const struct ws_chunk *chunk)
{
    memcpy(viewer->control + chunk->offset, chunk->data, chunk->length);
    viewer->control_length = (size_t)chunk->offset + chunk->length;
    if (chunk->end) {
        on_control(viewer, chunk->opcode);
    }
}

/* The message's first bytes: in place if it came at once, else collected. NULL: out of memory. */
static const uint8_t *message_head(struct viewer *viewer, const struct ws_chunk *chunk, size_t *present)
{
    if (chunk->offset == 0) {
        viewer->head_length = 0;
        if (chunk->end) {
            *present = chunk->length < FRAGMENT_HEAD_SIZE ? chunk->length : FRAGMENT_HEAD_SIZE;
            return chunk->data;
        }
    }
    if (!viewer->head) {
        viewer->head = malloc(FRAGMENT_HEAD_SIZE);
    }
    if (!viewer->head) {
        return NULL;
    }
    size_t room = FRAGMENT_HEAD_SIZE - viewer->head_length;
    size_t take = chunk->length < room ? chunk->length : room;
    memcpy(viewer->head + viewer->head_length, chunk->data, take);
    viewer->head_length += take;
    *present = viewer->head_length;
    return viewer->head;
}

static void on_chunk(struct viewer *viewer, struct viewer_run *run, const struct ws_chunk *chunk, int64_t now)
{
    size_t present;
    if (chunk->opcode != WS_TEXT && chunk->opcode != WS_BINARY) {
        on_control_chunk(viewer, chunk);
        return;
    }
    const uint8_t *head = message_head(viewer, chunk, &present);
    if (!head) {
        give_up(viewer, &viewer->tally->broken);
        return;
    }
    if (!chunk->end) {
        return;
    }
    uint64_t length = chunk->offset + chunk->length;
    if (viewer->members) {
        on_member_message(viewer, run, chunk->opcode, head, present, length, now);
    } else if (chunk->opcode == WS_TEXT) {
        on_text(viewer, head, present);
    } else {
        on_binary(viewer, run, head, present, length, now);
    }
}

static void feed_websocket(struct viewer *viewer, struct viewer_run *run, const uint8_t *data, size_t length,
                           int64_t now)
{
    struct ws_chunk chunk;
    while (viewer->state == VIEWER_STREAMING) {
        switch (ws_stream_next(&viewer->stream, &data, &length, &chunk)) {
        case WS_CHUNK:
            on_chunk(viewer, run, &chunk, now);
            break;
        case WS_BROKEN:
            give_up(viewer, &viewer->tally->broken);
            return;
        case WS_MORE:
            return;
        }
    }
}

static void feed_raw(struct viewer *viewer, struct viewer_run *run, const uint8_t *data, size_t length,
                     int64_t now)
{
    int64_t step;
    while (raw_stream_next(&viewer->raw, &data, &length)) {
        const struct raw_header *header = &viewer->raw.header;
        count_message(viewer, run, header->length);
        if (viewer->fragments == 1) {
            note_join(viewer, now);
            viewer->sequence = header->sequence;
        } else {
            check_order(viewer, header->sequence, true, &step);
        }
        if (run->measuring) {
            histogram_add(&viewer->tally->latency, now - header->sent_ns);
        }
    }
}

/* One message for each camera; together they are less than a socket takes at once. */
static void subscribe_members(struct viewer *viewer)
{
    char text[WS_CONTROL_MAX + 1];
    uint8_t frame[WS_CONTROL_MAX + 6];
    for (size_t i = 0; i < viewer->member_count; i++) {
        int length = snprintf(text, sizeof text, "{\"type\":\"subscribe\",\"id\":%zu,\"camera\":\"%s\"}",
                              i + 1, viewer->members[i].camera);
        size_t size = ws_client_frame(frame, WS_TEXT, (const uint8_t *)text, (size_t)length);
        if (length < 0 || length > WS_CONTROL_MAX ||
            secure_send(viewer->ssl, viewer->fd, frame, size) != (ssize_t)size) {
            viewer->tally->broken++;
        }
    }
}

/* Collects the answer to the handshake; what follows it is the stream's beginning. */
static void feed_handshake(struct viewer *viewer, struct viewer_run *run, const uint8_t *data, size_t length,
                           int64_t now)
{
    if (!viewer->head) {
        viewer->head = malloc(FRAGMENT_HEAD_SIZE);
    }
    size_t before = viewer->head_length;
    size_t take = length < FRAGMENT_HEAD_SIZE - 1 - before ? length : FRAGMENT_HEAD_SIZE - 1 - before;
    if (!viewer->head || take == 0) {
        give_up(viewer, &viewer->tally->refused);
        return;
    }
    memcpy(viewer->head + before, data, take);
    viewer->head_length += take;
    viewer->head[viewer->head_length] = '\0';
    char *answer = (char *)viewer->head;
    char *end = strstr(answer, "\r\n\r\n");
    if (!end) {
        return;
    }
    size_t used = (size_t)(end + 4 - answer) - before;
    end[2] = '\0';
    viewer->head_length = 0;
    if (strncmp(answer, "HTTP/1.1 101", 12) != 0 || !strstr(answer, HANDSHAKE_ACCEPT "\r\n")) {
        give_up(viewer, &viewer->tally->refused);
        return;
    }
    viewer->tally->joined += viewer->members ? viewer->member_count : 1;
    histogram_add(&viewer->tally->upgrade, now - viewer->connect_ns);
    enter_state(viewer, VIEWER_STREAMING);
    subscribe_members(viewer);
    feed_websocket(viewer, run, data + used, length - used, now);
}

static void feed(struct viewer *viewer, struct viewer_run *run, const uint8_t *data, size_t length,
                 int64_t now)
{
    if (viewer->state == VIEWER_UPGRADING) {
        feed_handshake(viewer, run, data, length, now);
    } else if (run->raw) {
        feed_raw(viewer, run, data, length, now);
    } else {
        feed_websocket(viewer, run, data, length, now);
    }
}

/* The newest: a client uses each only once. With TLS 1.3 they come with the first bytes. */
static void keep_session(const struct viewer *viewer, struct viewer_run *run)
{
    SSL_SESSION *session = viewer->ssl ? SSL_get1_session(viewer->ssl) : NULL;

    if (!session || session == run->session || !SSL_SESSION_is_resumable(session)) {
        SSL_SESSION_free(session);
        return;
    }
    SSL_SESSION_free(run->session);
    run->session = session;
}

size_t viewer_readable(struct viewer *viewer, struct viewer_run *run, size_t limit)
{
    size_t total = 0;
    while (viewer->fd >= 0 && total < limit) {
        size_t want = limit - total < run->buffer_size ? limit - total : run->buffer_size;
        ssize_t got = secure_receive(viewer->ssl, viewer->fd, run->buffer, want);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            break;
        }
        if (got <= 0) {
            if (viewer->state == VIEWER_STREAMING) {
                tally_add_close(viewer->tally, CLOSED_ABNORMALLY);
            } else {
                viewer->tally->refused++;
            }
            enter_state(viewer, VIEWER_CLOSED);
            break;
        }
        total += (size_t)got;
        feed(viewer, run, run->buffer, (size_t)got, clock_ns());
        keep_session(viewer, run);
        if ((size_t)got < want && !viewer->ssl) { /* a record of TLS is shorter than what there is */
            break;
        }
    }
    return total;
}

void viewer_finish(struct viewer *viewer)
{
    enter_state(viewer, VIEWER_CLOSED);
    free(viewer->head);
    viewer->head = NULL;
}
