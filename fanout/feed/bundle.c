/* SPDX-License-Identifier: MIT */
#include "fanout/feed/bundle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "fanout/feed/feed.h"
#include "fanout/feed/pace.h"
#include "fanout/feed/packet.h"

/* What is before a binary message: the subscription's number. */
#define HEAD_SIZE 4u

/* How long the members of one socket are served before other sockets have their turn. */
#define TURN_NS (1 * NS_PER_MS)

/* A socket that seems to keep up is asked in so many looks at it, and while it is new in each. */
#define PINGS_LOOKS 5u
#define NEW_S 10

/* A socket that has acknowledged nothing for so long is asked: a slow one, and one of which nothing is known. */
#define PROBE_NS (1 * NS_PER_SECOND)
#define PROBE_EARLY_NS (40 * NS_PER_MS)

/* ---- Members ---- */

int bundle_begin(struct viewer *socket, struct bundle_list *list)
{
    struct bundle *bundle = calloc(1, sizeof(*bundle));

    if (!bundle) {
        return -ENOMEM;
    }
    bundle->socket = socket;
    TAILQ_INIT(&bundle->members);
    LIST_INSERT_HEAD(list, bundle, link);
    socket->bundle = bundle;
    viewer_enter_state(socket, VIEWER_BUNDLE);
    return 0;
}

void bundle_end(struct viewer *socket)
{
    LIST_REMOVE(socket->bundle, link);
    free(socket->pace);
    free(socket->bundle);
    socket->pace = NULL;
    socket->bundle = NULL;
}

struct member *bundle_add(struct bundle *bundle, uint32_t id, uint64_t number)
{
    struct member *member = calloc(1, sizeof(*member));

    if (!member) {
        return NULL;
    }
    viewer_init(&member->viewer, bundle->socket->wsi, NULL, number);
    member->viewer.bundle = bundle;
    member->id = id;
    TAILQ_INSERT_TAIL(&bundle->members, member, link);
    bundle->count++;
    return member;
}

void bundle_begin_again(struct member *member)
{
    struct viewer *viewer = &member->viewer;
    struct bundle *bundle = viewer->bundle;
    const uint64_t number = viewer->number, dropped = viewer->dropped;

    viewer_init(viewer, bundle->socket->wsi, NULL, number);
    viewer->bundle = bundle;
    viewer->dropped = dropped;
    member->queued = false;
}

void bundle_remove(struct bundle *bundle, struct member *member)
{
    feed_leave(&member->viewer);
    TAILQ_REMOVE(&bundle->members, member, link);
    bundle->count--;
    free(member);
}

struct member *bundle_find(const struct bundle *bundle, uint32_t id)
{
    struct member *member;

    TAILQ_FOREACH(member, &bundle->members, link) {
        if (member->id == id) {
            return member;
        }
    }
    return NULL;
}

void bundle_leave_feeds(struct bundle *bundle)
{
    struct member *member;

    TAILQ_FOREACH(member, &bundle->members, link) {
        feed_leave(&member->viewer);
    }
}

bool bundle_is_watching(const struct bundle *bundle)
{
    const struct member *member;

    TAILQ_FOREACH(member, &bundle->members, link) {
        if (member->viewer.feed && member->viewer.state != VIEWER_PAUSED) {
            return true;
        }
    }
    return false;
}

struct member *bundle_member(struct viewer *viewer)
{
    static_assert(offsetof(struct member, viewer) == 0, "a member begins with its viewer");
    return (struct member *)viewer;
}

bool bundle_has_member(const struct viewer *viewer)
{
    return viewer->bundle && viewer != viewer->bundle->socket;
}

struct viewer *bundle_socket(const struct bundle *bundle)
{
    return bundle->socket;
}

bool bundle_is_short(const struct bundle *bundle)
{
    return bundle->is_short;
}

double bundle_rate(const struct bundle *bundle)
{
    return bundle->rate;
}

/* ---- Messages ---- */

/* The number goes before the payload, which lws_write does not change: what was there is the room for it. */
static bool send_binary(const struct member *member, const struct packet *packet)
{
    uint8_t *payload = packet_payload(packet);

    bytes_put_be32(payload - HEAD_SIZE, member->id);
    return lws_write(member->viewer.wsi, payload - HEAD_SIZE, HEAD_SIZE + packet->length, LWS_WRITE_BINARY) >=
           0;
}

/* The number is the first member of the object, whose brace is written anew and put back. */
static bool send_text(const struct member *member, const struct packet *packet)
{
    char head[PACKET_HEAD + 2];
    uint8_t *payload = packet_payload(packet), first = payload[0];
    size_t length = (size_t)snprintf(head, sizeof(head), "{\"id\":%u,", member->id);

    static_assert(sizeof("{\"id\":2147483647,") - 1 <= PACKET_HEAD + 1, "the greatest number fits");
    memcpy(payload + 1 - length, head, length);
    bool sent =
        lws_write(member->viewer.wsi, payload + 1 - length, packet->length - 1 + length, LWS_WRITE_TEXT) >= 0;
    payload[0] = first;
    return sent;
}

bool bundle_send(struct viewer *viewer, struct packet *packet, bool text)
{
    struct member *member = bundle_member(viewer);

    member->sent += packet->length;
    member->turn += packet->length;
    return text ? send_text(member, packet) : send_binary(member, packet);
}

/* ---- Turns ---- */

void bundle_wait(struct viewer *viewer)
{
    struct bundle *bundle = viewer->bundle;
    struct member *member = bundle_member(viewer);

    if (!viewer->feed->reader) {
        return; /* nothing waits for it but the camera's ring */
    }
    if (!member->queued) {
        member->queued = true;
        member->turn = bundle->turn; /* what it was sent while there was room for all does not count */
    }
    bundle->is_short = true;
    viewer_want_writable(viewer);
}

/* Who is behind and has been sent least since it is. */
static struct member *next_member(const struct bundle *bundle)
{
    struct member *member, *first = NULL;

    TAILQ_FOREACH(member, &bundle->members, link) {
        const struct viewer *viewer = &member->viewer;
        bool waits = viewer->state == VIEWER_BEHIND && viewer->feed && viewer->feed->reader && !member->idle;
        if (waits && (!first || member->turn < first->turn)) {
            first = member;
        }
    }
    return first;
}

static void begin_turn(struct bundle *bundle)
{
    struct member *member;

    TAILQ_FOREACH(member, &bundle->members, link) {
        member->idle = false;
    }
}

/* A ping right behind a first burst: the answer says how soon that has been read. */
static void ask_early(const struct bundle *bundle)
{
    struct viewer *socket = bundle->socket;
    bool early = socket->pace && !socket->pace->active && !viewer_is_blocked(socket);
    uint32_t number = early ? pace_ask(socket->pace, clock_now_ns()) : 0;

    if (number && !viewer_ask(socket, number)) {
        viewer_cut(socket);
    }
}

void bundle_serve(struct bundle *bundle)
{
    struct member *member;
    int64_t end_ns = clock_now_ns() + TURN_NS;

    begin_turn(bundle);
    bundle->is_short = false;
    while ((member = next_member(bundle)) != NULL) {
        if (viewer_is_full(bundle->socket)) {
            bundle->is_short =
                true; /* libwebsockets calls back when a tail has gone, bundle_look when there is room */
            ask_early(bundle);
            return;
        }
        bundle->turn = member->turn;
        member->idle = !feed_step(&member->viewer);
        member->queued = member->viewer.state == VIEWER_BEHIND;
        bundle->is_short =
            false; /* the step may have asked for more room: the others have their turn first */
        if (clock_now_ns() > end_ns) {
            bundle->is_short = true;
            viewer_want_writable(bundle->socket);
            return;
        }
    }
    ask_early(bundle);
}

/* ---- A socket that does not keep up ---- */

/* What all members are sent together. */
static void add_up(struct bundle *bundle)
{
    const struct member *member;

    bundle->rate = 0;
    bundle->keyframe_bytes = 0;
    TAILQ_FOREACH(member, &bundle->members, link) {
        const struct viewer *viewer = &member->viewer;
        if (viewer->feed && viewer->state != VIEWER_PAUSED) {
            uint32_t keyframe = feed_keyframe_bytes(viewer);
            bundle->rate += feed_rate(viewer);
            bundle->keyframe_bytes = keyframe > bundle->keyframe_bytes ? keyframe : bundle->keyframe_bytes;
        }
    }
    viewer_limit_unsent(bundle->socket, pace_unsent(bundle->rate, bundle->keyframe_bytes));
}

static void set_pace(struct bundle *bundle, struct pace *pace)
{
    struct member *member;

    bundle->socket->pace = pace;
    TAILQ_FOREACH(member, &bundle->members, link) {
        feed_set_pace(&member->viewer, pace);
    }
}

static void suspect(struct bundle *bundle, const struct pace_sample *sample)
{
    struct pace *pace = malloc(sizeof(*pace));

    if (pace) {
        pace_begin(pace, sample, bundle->socket->window_max);
        set_pace(bundle, pace);
    }
}

static void acquit(struct bundle *bundle)
{
    struct pace *pace = bundle->socket->pace;

    set_pace(bundle, NULL);
    free(pace);
}

static bool sample_socket(const struct bundle *bundle, struct pace_sample *sample)
{
    return pace_sample_read(lws_get_socket_fd(bundle->socket->wsi), clock_now_ns(), sample);
}

void bundle_greet(struct viewer *viewer)
{
    struct bundle *bundle = viewer->bundle;
    struct viewer *socket = bundle->socket;
    struct pace_sample sample;

    add_up(bundle);
    bool first = socket->window_max == 0 && sample_socket(bundle, &sample);
    if (first) {
        socket->window_max = sample.window;
        suspect(bundle, &sample);
        uint32_t number =
            socket->pace && !viewer_is_blocked(socket) ? pace_greet(socket->pace, sample.now_ns) : 0;
        if (number && !viewer_ask(socket, number)) {
            viewer_cut(socket);
        }
    }
    viewer->pace = socket->pace;
    if (socket->pace && (first || socket->pace->burst)) {
        socket->pace->burst = pace_first_burst(bundle->rate);
    }
}

static bool is_behind(const struct bundle *bundle)
{
    const struct member *member;

    TAILQ_FOREACH(member, &bundle->members, link) {
        const struct viewer *viewer = &member->viewer;
        if (viewer->state == VIEWER_BEHIND && viewer->feed && viewer->feed->reader) {
            return true;
        }
    }
    return false;
}

static bool is_to_be_asked(const struct bundle *bundle)
{
    const struct viewer *socket = bundle->socket;

    return !viewer_is_blocked(socket) &&
           (bundle->looks % PINGS_LOOKS == 0 || clock_coarse_s() - socket->since < NEW_S);
}

/* A socket that nothing is known against. */
static void look_at_quick(struct bundle *bundle, const struct pace_sample *sample)
{
    struct viewer *socket = bundle->socket;

    socket->window_max = sample->window > socket->window_max ? sample->window : socket->window_max;
    if (pace_is_much(bundle->rate, sample->queued, sample->rtt_ns) ||
        pace_is_filled(sample->window, socket->window_max)) {
        suspect(bundle, sample);
    } else if (is_to_be_asked(bundle) && !viewer_ask(socket, pace_time_number(sample->now_ns))) {
        viewer_cut(socket);
    }
}

static void look_at_slow(struct bundle *bundle, const struct pace_sample *sample)
{
    struct viewer *socket = bundle->socket;
    struct pace *pace = socket->pace;

    pace->burst = pace->burst ? pace_first_burst(bundle->rate) : 0;
    pace_note(pace, sample);
    uint64_t backlog = pace->active ? pace_backlog(pace, sample->now_ns) : sample->queued;
    bool much = pace_is_much(bundle->rate, backlog, sample->rtt_ns) ||
                (!pace->answers && pace_is_filled(sample->window, pace->window_max));
    bool behind = is_behind(bundle);
    int verdict = pace_judge(pace, much || (behind && !pace_is_in_time(pace)), sample->now_ns);
    if (verdict < 0 && !behind && !pace_is_unproven(pace, sample->now_ns)) {
        acquit(bundle);
        return;
    }
    if (viewer_is_blocked(socket)) {
        return;
    }
    uint32_t number = pace_ask(pace, sample->now_ns);
    int64_t silent_ns = pace->active ? PROBE_NS : PROBE_EARLY_NS;
    bool sent = number == 0 || viewer_ask(socket, number);
    if (sent && behind && pace_has_room(pace, sample->now_ns)) {
        bundle_serve(bundle);
    } else if (sent && behind && sample->now_ns - sample->ack_ns >= silent_ns) {
        sent = viewer_probe(socket, pace_probe(pace, sample->now_ns));
    }
    if (!sent) {
        viewer_cut(socket);
    }
}

void bundle_look(struct bundle *bundle, unsigned phases)
{
    struct pace_sample sample;

    if (bundle->socket->state != VIEWER_BUNDLE || bundle->count == 0 ||
        (!bundle->socket->pace && ++bundle->looks % phases != 0)) {
        return;
    }
    add_up(bundle);
    if (!sample_socket(bundle, &sample)) {
        return;
    }
    if (bundle->socket->pace) {
        look_at_slow(bundle, &sample);
    } else {
        look_at_quick(bundle, &sample);
    }
}

void bundle_answered(struct bundle *bundle, uint32_t number)
{
    struct viewer *socket = bundle->socket;
    struct pace_sample sample;

    if (number == 0 || socket->state != VIEWER_BUNDLE || !sample_socket(bundle, &sample)) {
        return;
    }
    if (socket->pace) {
        viewer_note_answer(socket, number, sample.now_ns);
        pace_answered(socket->pace, number, sample.heard_ns);
        bundle_serve(bundle);
        return;
    }
    uint32_t late_ms = pace_late_ms(number, sample.rtt_ns, sample.heard_ns);
    if (late_ms > 0) {
        suspect(bundle, &sample);
    }
    if (late_ms > 0 && socket->pace) {
        pace_convict(socket->pace, (uint64_t)(bundle->rate * late_ms / 1000), sample.now_ns);
    }
}

const char *bundle_keep_alive(struct bundle *bundle, int64_t stuck_ns, bool ping)
{
    struct viewer *socket = bundle->socket;
    const int64_t now_ns = clock_now_ns();

    if (socket->state != VIEWER_BUNDLE) {
        return NULL;
    }
    viewer_note_progress(socket, now_ns);
    if (socket->stuck_since_ns != 0 && now_ns - socket->stuck_since_ns >= stuck_ns) {
        return "took nothing for too long";
    }
    if (!viewer_accept_traffic(socket, now_ns)) {
        return VIEWER_SENT_TOO_MUCH;
    }
    if (ping && !viewer_is_blocked(socket) && !viewer_ping(socket)) {
        viewer_cut(socket);
    }
    return NULL;
}
