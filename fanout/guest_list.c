/* SPDX-License-Identifier: MIT */
#include "fanout/guest_list.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "fanout/feed/feed.h"

/*
 * A file whose camera sends nothing ends by the clock, so much later than by its pictures' times: these are late by what a camera
 * and its network need, and not all come at the same pace.
 */
#define DURATION_GRACE_NS (2 * NS_PER_SECOND)

/* Reads of what a client sends, in one turn. */
#define DRAIN_TURN 16

static bool is_listed(const struct guest *guest)
{
    return guest->due_ns != 0;
}

static void arm(struct guest_list *list)
{
    const struct guest *guest;
    int64_t first_ns = INT64_MAX;

    TAILQ_FOREACH(guest, &list->guests, link) {
        first_ns = guest->due_ns < first_ns ? guest->due_ns : first_ns;
    }
    int64_t left_ms = first_ns == INT64_MAX ? -1 : (first_ns - clock_now_ns()) / NS_PER_MS;
    watch_timer_arm(&list->timer, first_ns == INT64_MAX ? 0 : left_ms > 0 ? (long)left_ms + 1 : 1);
}

/* How often a clip whose end has come by the clock is looked at, until all of the past was sent. */
#define CLIP_LOOK_NS (1 * NS_PER_SECOND)

/* Of a clip that has begun: by the clock only what is live ends; the past is sent as fast as its client takes it. */
static int64_t end_of_clip(const struct guest *guest)
{
    const int64_t end_ns = guest->until_ns + DURATION_GRACE_NS;
    const struct viewer *viewer = guest->viewer;
    int64_t now_ns = clock_now_ns();

    if (viewer->state != VIEWER_PAST && viewer->state != VIEWER_BEHIND) {
        return end_ns;
    }
    return end_ns > now_ns ? end_ns : now_ns + CLIP_LOOK_NS;
}

/* When something is to be done for GUEST; 0: never. */
static int64_t end_of(const struct guest *guest)
{
    if (!guest->begun) {
        return guest->since_ns + GUEST_LIST_WAIT_MS * NS_PER_MS;
    }
    if (guest->until_ns) {
        return end_of_clip(guest);
    }
    return guest->duration_ns > 0 ? guest->begun_ns + guest->duration_ns + DURATION_GRACE_NS : 0;
}

/* It may begin at once, and then be over before the first time. */
static void put_in(struct guest_list *list, struct guest *guest, int64_t now_ns)
{
    int64_t end_ns = end_of(guest);
    int64_t over_ns = guest->duration_ns > 0 ? now_ns + guest->duration_ns + DURATION_GRACE_NS : end_ns;

    guest->due_ns = end_ns < over_ns ? end_ns : over_ns;
    TAILQ_INSERT_TAIL(&list->guests, guest, link);
}

static void take_out(struct guest_list *list, struct guest *guest)
{
    if (is_listed(guest)) {
        TAILQ_REMOVE(&list->guests, guest, link);
        guest->due_ns = 0;
    }
}

static void close_guest(struct viewer *viewer, uint16_t code, const char *reason)
{
    feed_leave(viewer);
    viewer_close(viewer, code, reason);
}

/* The camera has sent nothing. A client of go2rtc's waits on when it has been told. */
static void give_up(struct viewer *viewer)
{
    if (guest_is_http(viewer->guest)) {
        close_guest(viewer, GUEST_AWAY, GUEST_IS_AWAY);
    } else if (!viewer_is_blocked(viewer) && !guest_send_error(viewer, "mse", "streams: " GUEST_IS_AWAY)) {
        feed_leave(viewer);
        viewer_cut(viewer);
    }
}

/* GUEST's time has come, and it is in no list. */
static void is_due(struct guest_list *list, struct guest *guest, int64_t now_ns)
{
    struct viewer *viewer = guest->viewer;

    if (!viewer->feed) {
        return; /* it is being closed already */
    }
    if (end_of(guest) > now_ns) {
        put_in(list, guest, now_ns);
    } else if (!guest->begun) {
        give_up(viewer);
    } else if (end_of(guest) > 0) {
        close_guest(viewer, GUEST_DONE, "the time is over");
    }
}

static void timer_expired(void *context)
{
    struct guest_list *list = context;
    struct guest *guest, *next;
    int64_t now_ns = clock_now_ns();

    for (guest = TAILQ_FIRST(&list->guests); guest; guest = next) {
        next = TAILQ_NEXT(guest, link);
        if (guest->due_ns <= now_ns) {
            take_out(list, guest);
            is_due(list, guest, now_ns);
        }
    }
    arm(list);
}

int guest_list_begin(struct guest_list *list, struct loop *loop)
{
    TAILQ_INIT(&list->guests);
    return watch_timer_begin(&list->timer, loop, timer_expired, list);
}

void guest_list_end(struct guest_list *list)
{
    watch_end(&list->timer.watch);
}

void guest_list_add(struct guest_list *list, struct guest *guest)
{
    take_out(list, guest);
    guest->since_ns = clock_now_ns();
    put_in(list, guest, guest->since_ns);
    arm(list);
}

void guest_list_remove(struct guest_list *list, struct guest *guest)
{
    if (is_listed(guest)) {
        take_out(list, guest);
        arm(list);
    }
}

bool guest_list_drain(const struct viewer *viewer)
{
    SSL *ssl = lws_get_ssl(viewer->wsi);
    char bytes[4096];

    for (int i = 0; i < DRAIN_TURN; i++) {
        if (ssl) {
            ERR_clear_error();
            int count = SSL_read(ssl, bytes, sizeof(bytes));
            int error = count > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl, count);
            if (error != SSL_ERROR_NONE) {
                return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
            }
            continue;
        }
        ssize_t count = recv(lws_get_socket_fd(viewer->wsi), bytes, sizeof(bytes), MSG_DONTWAIT);
        if (count <= 0) {
            return count < 0 && (errno == EAGAIN || errno == EINTR);
        }
    }
    return true;
}
