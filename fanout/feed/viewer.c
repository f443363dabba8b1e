/* SPDX-License-Identifier: MIT */
#include "fanout/feed/viewer.h"

#include <errno.h>
#include <libwebsockets.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/log/log.h"
#include "fanout/feed/bundle.h"
#include "fanout/feed/guest.h"
#include "fanout/feed/pace.h"
#include "fanout/feed/packet.h"
#include "fanout/feed/past.h"

/* Bytes of a close frame's reason (RFC 6455, 5.5: 125 with the code). */
#define CLOSE_REASON_MAX 123

/* A viewer that is being closed and takes nothing is cut off after this many seconds. */
#define CLOSE_PATIENCE_S 5

/* The end of a file is more than a close frame, and what is before it may wait for a slow reader. */
#define GUEST_CLOSE_PATIENCE_S 30

/* A client has little to say. This much within the window is tolerated (keepalives of other players). */
#define RECEIVE_WINDOW_S 10
#define RECEIVE_BYTES_MAX 16384u

/* A bundle's client asks for many cameras at once, and again when its page shows others. */
#define BUNDLE_RECEIVE_BYTES_MAX 131072u

/* A guest may try everything that its own server has, such as an offer for WebRTC. */
#define GUEST_RECEIVE_BYTES_MAX 49152u

/* What a frame counts beside its payload: two bytes and the mask (RFC 6455, 5.2). */
#define FRAME_HEADER_BYTES 6u

/* All that a connection may bring within the window, control frames included. */
#define TRAFFIC_BYTES_MAX 65536u
#define BUNDLE_TRAFFIC_BYTES_MAX 262144u

/* A slow viewer that takes less than this takes nothing: what the kernel says of it is not exact. */
#define PROGRESS_BYTES 1024u

/* Answers to `time` within a second. A player asks a few times in a row and takes the quickest answer. */
#define TIME_ANSWERS_MAX 5u

const char *viewer_strstate(enum viewer_state state)
{
    static const char *const names[] = {"none", "at the door", "bundle", "behind", "waiting",
                                        "live", "slow",        "past",   "paused", "closing"};
    return (size_t)state < sizeof(names) / sizeof(names[0]) ? names[state] : "invalid";
}

void viewer_enter_state(struct viewer *viewer, enum viewer_state state)
{
    log_debug("viewer %p: %s -> %s", (void *)viewer, viewer_strstate(viewer->state), viewer_strstate(state));
    viewer->state = (uint8_t)state;
}

/* All that its connection has brought; 0: the kernel does not know. */
static uint64_t bytes_received(const struct viewer *viewer)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof(info);
    int result = getsockopt(lws_get_socket_fd(viewer->wsi), IPPROTO_TCP, TCP_INFO, &info, &length);

    return result == 0 ? info.tcpi_bytes_received : 0;
}

void viewer_init(struct viewer *viewer, struct lws *wsi, struct guest *guest, uint64_t number)
{
    const time_t now_s = clock_coarse_s();

    *viewer =
        (struct viewer){.wsi = wsi, .guest = guest, .number = number, .since = now_s, .traffic_since = now_s};
    if (guest) {
        guest->viewer = viewer;
        viewer->traffic = bytes_received(viewer); /* its connection may have brought other requests */
    }
    viewer_enter_state(viewer, VIEWER_BEHIND);
}

bool viewer_is_blocked(const struct viewer *viewer)
{
    return lws_partial_buffered(viewer->wsi) != 0;
}

struct viewer *viewer_socket(struct viewer *viewer)
{
    return viewer->bundle ? bundle_socket(viewer->bundle) : viewer;
}

bool viewer_is_full(struct viewer *viewer)
{
    struct pace_sample sample;

    if (viewer_is_blocked(viewer) || (viewer->bundle && bundle_is_short(viewer->bundle))) {
        return true;
    }
    if (!viewer->pace || !(viewer->pace->active || viewer->pace->burst) ||
        !pace_sample_read(lws_get_socket_fd(viewer->wsi), clock_now_ns(), &sample)) {
        return false;
    }
    pace_note(viewer->pace, &sample);
    return !pace_has_room(viewer->pace, sample.now_ns);
}

void viewer_limit_unsent(struct viewer *viewer, uint32_t bytes)
{
    if (bytes == 0 || (bytes >= viewer->unsent_max * 0.75 && bytes <= viewer->unsent_max * 1.25)) {
        return;
    }
    viewer->unsent_max = bytes;
    if (setsockopt(lws_get_socket_fd(viewer->wsi), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof(bytes)) <
        0) {
        log_debug("viewer %p: TCP_NOTSENT_LOWAT: %s", (void *)viewer, strerror(errno));
    }
}

void viewer_want_writable(struct viewer *viewer)
{
    lws_callback_on_writable(viewer->wsi);
}

bool viewer_send_packet(struct viewer *viewer, struct packet *packet, bool text)
{
    if (packet->length == 0) {
        return true;
    }
    return bundle_has_member(viewer)
               ? bundle_send(viewer, packet, text)
               : packet_send(packet, viewer->wsi, text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY);
}

bool viewer_send_init(struct viewer *viewer, struct init_cache *init)
{
    if (viewer->init_id == init->id) {
        return true;
    }
    viewer->init_id = init->id;
    return viewer_send_packet(viewer, &init->text, true) && viewer_send_packet(viewer, &init->segment, false);
}

bool viewer_send_gap(struct viewer *viewer, uint64_t next_sequence)
{
    if (viewer->last_sequence == 0 || next_sequence <= viewer->last_sequence + 1) {
        return true;
    }
    uint64_t skipped = next_sequence - viewer->last_sequence - 1;
    viewer->dropped += skipped;
    struct packet packet = {0};
    json_t *text = json_pack("{s:s, s:I, s:I, s:I}", "type", "drop", "fragments", (json_int_t)skipped, "from",
                             (json_int_t)viewer->last_sequence, "to", (json_int_t)next_sequence);
    bool sent = packet_set_json(&packet, text) == 0 && viewer_send_packet(viewer, &packet, true);
    packet_finish(&packet);
    return sent;
}

bool viewer_send_fragment(struct viewer *viewer, struct init_cache *init, struct fragment_buffer *fragment)
{
    uint64_t sequence = fragment->entry.sequence;

    if (viewer->guest) {
        return guest_send_fragment(viewer, init, fragment);
    }
    if (!viewer_send_gap(viewer, sequence) || !viewer_send_init(viewer, init) ||
        !viewer_send_packet(viewer, &fragment->packet, false)) {
        return false;
    }
    viewer->last_sequence = sequence;
    return true;
}

void viewer_cut(struct viewer *viewer)
{
    lws_set_timeout(viewer->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

void viewer_abort(struct viewer *viewer)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    int fd = lws_get_socket_fd(viewer->wsi);

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    shutdown(fd, SHUT_RDWR); /* libwebsockets sees a connection that is lost and does not wait for its tail */
    viewer_cut(viewer);
}

void viewer_close(struct viewer *viewer, uint16_t code, const char *reason)
{
    viewer->close_code = code;
    viewer->close_reason = reason;
    viewer->feed = NULL;
    viewer_enter_state(viewer, VIEWER_CLOSING);
    if (bundle_has_member(viewer)) {
        viewer_want_writable(viewer);
        return;
    }
    lws_set_timeout(viewer->wsi, PENDING_TIMEOUT_USER_REASON_BASE,
                    viewer->guest ? GUEST_CLOSE_PATIENCE_S : CLOSE_PATIENCE_S);
    viewer_want_writable(viewer);
}

void viewer_give_reason(struct viewer *viewer)
{
    unsigned char text[CLOSE_REASON_MAX + 1] = "";
    const char *reason = viewer->close_reason ? viewer->close_reason : "";
    snprintf((char *)text, sizeof(text), "%s", reason);
    lws_close_reason(viewer->wsi, (enum lws_close_status)viewer->close_code, text, strlen((char *)text));
}

uint64_t viewer_bytes_taken(const struct viewer *viewer)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof(info);
    const struct pace *pace = viewer->pace && viewer->pace->active ? viewer->pace : NULL;

    if (pace && !pace->answers) { /* what its receive buffer has taken nobody has seen */
        return pace->taken;
    }
    int result = getsockopt(lws_get_socket_fd(viewer->wsi), IPPROTO_TCP, TCP_INFO, &info, &length);
    uint64_t acked = result == 0 ? info.tcpi_bytes_acked : 0;
    return pace ? pace->taken + acked : acked; /* it may take long to reach the ping */
}

void viewer_note_progress(struct viewer *viewer, int64_t now_ns)
{
    if (!viewer_is_full(viewer)) {
        viewer->stuck_since_ns = 0;
        return;
    }
    uint64_t taken = viewer_bytes_taken(viewer);
    uint64_t least = viewer->pace ? PROGRESS_BYTES : 1;
    if (viewer->stuck_since_ns == 0 || taken < viewer->taken || taken - viewer->taken >= least) {
        viewer->taken = taken;
        viewer->stuck_since_ns = now_ns;
    }
}

void viewer_note_answer(struct viewer *viewer, uint32_t number, int64_t now_ns)
{
    if (viewer->pace && pace_has_read_on(viewer->pace, number) && viewer->stuck_since_ns != 0) {
        viewer->stuck_since_ns = now_ns;
    }
}

bool viewer_ping(struct viewer *viewer)
{
    unsigned char buffer[LWS_PRE];
    return (viewer->guest && guest_is_http(viewer->guest)) ||
           lws_write(viewer->wsi, buffer + LWS_PRE, 0, LWS_WRITE_PING) >= 0;
}

bool viewer_ask(struct viewer *viewer, uint32_t number)
{
    unsigned char buffer[LWS_PRE + sizeof(number)];

    memcpy(buffer + LWS_PRE, &number, sizeof(number));
    return (viewer->guest && guest_is_http(viewer->guest)) ||
           lws_write(viewer->wsi, buffer + LWS_PRE, sizeof(number), LWS_WRITE_PING) >= 0;
}

bool viewer_probe(struct viewer *viewer, uint32_t number)
{
    return number ? viewer_ask(viewer, number) : viewer_ping(viewer);
}

uint32_t viewer_pong_number(const void *payload, size_t length)
{
    uint32_t number = 0;

    if (payload && length == sizeof(number)) {
        memcpy(&number, payload, sizeof(number));
    }
    return number;
}

/* True if the viewer may get another answer with the time in this second. */
static bool may_answer(struct viewer *viewer)
{
    const time_t now_s = clock_coarse_s();

    if (now_s != viewer->answered_in) {
        viewer->answered_in = now_s;
        viewer->answers = 0;
    }
    if (viewer->answers == TIME_ANSWERS_MAX) {
        return false;
    }
    viewer->answers++;
    return true;
}

static bool send_due_time(struct viewer *viewer)
{
    if (!viewer->time_due) {
        return true;
    }
    viewer->time_due = false;
    double server_ms = (double)clock_wall_ns() / (double)NS_PER_MS;
    struct packet packet = {0};
    json_t *text =
        json_pack("{s:s, s:f, s:f}", "type", "time", "client", viewer->time_asked, "server_ms", server_ms);
    bool sent = packet_set_json(&packet, text) == 0 && viewer_send_packet(viewer, &packet, true);
    packet_finish(&packet);
    return sent;
}

bool viewer_send_due(struct viewer *viewer)
{
    bool sent = send_due_time(viewer);

    for (; sent && viewer->no_past_due > 0; viewer->no_past_due--) {
        sent = past_refuse(viewer);
    }
    return sent;
}

bool viewer_tell_time(struct viewer *viewer, double asked)
{
    if (!may_answer(viewer)) {
        return true;
    }
    viewer->time_due = true;
    viewer->time_asked = asked;
    if (viewer_is_blocked(viewer)) {
        viewer_want_writable(viewer);
        return true;
    }
    return viewer_send_due(viewer);
}

bool viewer_accept_bytes(struct viewer *viewer, size_t length)
{
    const time_t now_s = clock_coarse_s();
    const uint32_t most = viewer->guest    ? GUEST_RECEIVE_BYTES_MAX
                          : viewer->bundle ? BUNDLE_RECEIVE_BYTES_MAX
                                           : RECEIVE_BYTES_MAX;

    if (now_s - viewer->received_since >= RECEIVE_WINDOW_S) {
        viewer->received_since = now_s;
        viewer->received_bytes = 0;
    }
    if (length + FRAME_HEADER_BYTES > most - viewer->received_bytes) {
        return false;
    }
    viewer->received_bytes += (uint32_t)(length + FRAME_HEADER_BYTES);
    return true;
}

bool viewer_accept_traffic(struct viewer *viewer, int64_t now_ns)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof(info);
    time_t now = (time_t)(now_ns / NS_PER_SECOND);

    if (getsockopt(lws_get_socket_fd(viewer->wsi), IPPROTO_TCP, TCP_INFO, &info, &length) < 0) {
        return true;
    }
    const uint64_t most = viewer->bundle ? BUNDLE_TRAFFIC_BYTES_MAX : TRAFFIC_BYTES_MAX;
    bool accepted = info.tcpi_bytes_received - viewer->traffic <= most;
    if (now - viewer->traffic_since >= RECEIVE_WINDOW_S) {
        viewer->traffic = info.tcpi_bytes_received;
        viewer->traffic_since = now;
    }
    return accepted;
}
