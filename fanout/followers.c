/* SPDX-License-Identifier: MIT */
#include "fanout/followers.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/log/log.h"

/* Between two lists. */
#define LIST_MS 1000

/* Several changes come together, as at a reload. */
#define SOON_MS 50

/* A client that hears nothing for much longer than this may take the connection for dead. Documented. */
#define ALIVE_MS 20000

/* There is nothing to be said: a client that sends more bytes than this is closed. */
#define RECEIVED_MAX 4096u

struct follower {
    TAILQ_ENTRY(follower) link;
    struct connection *connection;
    char *prefix;       /* of its request, before paths */
    uint64_t list;      /* a hash of the list that it was told last; 0: none yet */
    uint64_t event;     /* number of the newest event that it has seen, or is not to see */
    size_t received;    /* bytes */
    bool list_due;      /* it is to be told the list, if that is another one */
    bool alive_due;     /* a sign of life is to be sent, unless something else is */
    bool joined;        /* it is in the queue */
    uint16_t code;      /* it is to be closed with; 0: not */
    const char *reason; /* static text */
};

static void want_turn(const struct follower *follower)
{
    lws_callback_on_writable(follower->connection->wsi);
}

static void want_turns(const struct followers *followers)
{
    const struct follower *follower;

    TAILQ_FOREACH(follower, &followers->queue, link) {
        want_turn(follower);
    }
}

static void close_one(struct follower *follower, uint16_t code, const char *reason)
{
    if (follower->code == 0) {
        follower->code = code;
        follower->reason = reason;
        want_turn(follower);
    }
}

/* ---- Time ---- */

static int64_t sooner(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

/* When the list is told again, a sign of life is due, or the first log-in ends. */
static void arm(struct followers *followers)
{
    int64_t now_ns = clock_now_ns();
    int64_t due_ns = followers->alive_ns + ALIVE_MS * NS_PER_MS;
    const struct follower *follower;

    if (followers->count == 0) {
        watch_timer_arm(&followers->timer, 0);
        return;
    }
    if (followers->list_due) {
        int64_t next_ns = followers->told_ns + LIST_MS * NS_PER_MS, soon_ns = now_ns + SOON_MS * NS_PER_MS;
        due_ns = sooner(due_ns, next_ns > soon_ns ? next_ns : soon_ns);
    }
    TAILQ_FOREACH(follower, &followers->queue, link) {
        int64_t expires_s = permit_visitor(follower->connection->permit)->expires;
        if (expires_s != 0 && follower->code == 0) {
            due_ns = sooner(due_ns, now_ns + expires_s * NS_PER_SECOND - clock_wall_ns());
        }
    }
    watch_timer_arm(&followers->timer, due_ns > now_ns ? (long)((due_ns - now_ns) / NS_PER_MS) + 1 : 1);
}

static void timer_expired(void *context)
{
    struct followers *followers = context;
    struct follower *follower;
    int64_t now_ns = clock_now_ns();

    if (followers->list_due && now_ns - followers->told_ns >= LIST_MS * NS_PER_MS) {
        followers->list_due = false;
        followers->told_ns = now_ns;
        TAILQ_FOREACH(follower, &followers->queue, link) {
            follower->list_due = true;
            want_turn(follower);
        }
    }
    if (now_ns - followers->alive_ns >= ALIVE_MS * NS_PER_MS) {
        followers->alive_ns = now_ns;
        TAILQ_FOREACH(follower, &followers->queue, link) {
            follower->alive_due = true;
            want_turn(follower);
        }
    }
    followers_check(followers);
}

void followers_check(struct followers *followers)
{
    struct follower *follower;

    TAILQ_FOREACH(follower, &followers->queue, link) {
        uint16_t code;
        const char *reason = gate_end_of(followers->gate, follower->connection->permit, &code);
        if (reason && code == GATE_CLOSE_LOG_IN) {
            close_one(follower, code, reason);
        }
    }
    arm(followers);
}

void followers_list_changed(struct followers *followers)
{
    if (!followers->list_due) {
        followers->list_due = true;
        arm(followers);
    }
}

/* ---- Messages ---- */

static int send_text(const struct follower *follower, const char *text, size_t length)
{
    unsigned char *room = malloc(LWS_PRE + length);

    if (!room) {
        return -1;
    }
    memcpy(room + LWS_PRE, text, length);
    int sent = lws_write(follower->connection->wsi, room + LWS_PRE, length, LWS_WRITE_TEXT);
    free(room);
    return sent < (int)length ? -1 : 0;
}

/* 1: the list was sent. 0: he has it. -1: it cannot be sent. */
static int tell_list(struct followers *followers, struct follower *follower)
{
    if (!follower->list_due) {
        return 0;
    }
    follower->list_due = false;
    const struct camera_list_body *body =
        camera_list_get(followers->cameras, followers->streams, permit_visitor(follower->connection->permit),
                        follower->prefix);

    if (!body) {
        return -1;
    }
    uint64_t hash = hash_add(HASH_START, body->etag, strlen(body->etag));
    if (hash == follower->list) {
        return 0;
    }
    follower->list = hash;
    return send_text(follower, body->text, body->length) < 0 ? -1 : 1;
}

/* The oldest event in force that FOLLOWER is to see and has not seen; NULL: none. What he may not see counts as seen. */
static const struct attention *next_event(const struct followers *followers, struct follower *follower,
                                          int64_t now_ns)
{
    const struct attention *attention;
    const struct visitor *visitor = permit_visitor(follower->connection->permit);
    bool was_there = follower->event != 0; /* so it may have been told the beginning of what is over */

    TAILQ_FOREACH(attention, &followers->attention.queue, link) {
        if (attention->number <= follower->event) {
            continue;
        }
        follower->event = attention->number;
        if (visitor_may_watch(visitor, attention->camera) && (was_there || attention->until_ns > now_ns)) {
            return attention;
        }
    }
    return NULL;
}

/* 1: an event was sent; 0: there is none; -1: it cannot be sent. */
static int tell_event(const struct followers *followers, struct follower *follower)
{
    int64_t now_ns = clock_now_ns();
    const struct attention *attention = next_event(followers, follower, now_ns);

    if (!attention) {
        return 0;
    }
    json_t *message = json_pack("{s:o}", "event", attention_at(attention, now_ns));
    char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
    int result = text ? send_text(follower, text, strlen(text)) : -1;

    free(text);
    json_decref(message);
    return result < 0 ? -1 : 1;
}

int followers_writable(struct followers *followers, struct connection *connection)
{
    struct follower *follower = connection->follower;

    if (!follower->joined) {
        return 0;
    }
    if (follower->code != 0) {
        lws_close_reason(connection->wsi, (enum lws_close_status)follower->code,
                         (unsigned char *)follower->reason, strlen(follower->reason));
        return -1;
    }
    int sent = tell_list(followers, follower);
    if (sent == 0) {
        sent = tell_event(followers, follower);
    }
    if (sent == 0 && follower->alive_due) {
        sent = send_text(follower, "{}", 2) < 0 ? -1 : 0;
        follower->alive_due = false;
    }
    if (sent > 0) {
        follower->alive_due = false;
        want_turn(follower); /* one message in a turn */
    }
    return sent < 0 ? -1 : 0;
}

int followers_received(struct followers *followers, struct connection *connection, size_t length)
{
    struct follower *follower = connection->follower;

    (void)followers;
    follower->received += length;
    if (follower->received > RECEIVED_MAX) {
        close_one(follower, LWS_CLOSE_STATUS_POLICY_VIOLATION, "nothing is to be sent here");
    }
    return 0;
}

void followers_tell(struct followers *followers, const json_t *event)
{
    int result = attention_list_add(&followers->attention, event, clock_now_ns());

    if (result < 0) {
        log_warning("cannot tell an event: %s", strerror(-result));
        return;
    }
    want_turns(followers);
}

/* ---- Coming and going ---- */

bool followers_prepare(struct connection *connection, const struct http_request *request)
{
    struct follower *follower = calloc(1, sizeof(*follower));

    if (!follower) {
        return false;
    }
    follower->connection = connection;
    follower->prefix = strdup(request->prefix);
    if (!follower->prefix) {
        free(follower);
        return false;
    }
    connection->follower = follower;
    return true;
}

void followers_join(struct followers *followers, struct connection *connection)
{
    struct follower *follower = connection->follower;

    follower->joined = follower->list_due = true;
    TAILQ_INSERT_TAIL(&followers->queue, follower, link);
    if (followers->count++ == 0) {
        followers->alive_ns = clock_now_ns();
    }
    arm(followers);
    want_turn(follower);
}

bool followers_leave(struct followers *followers, struct connection *connection)
{
    struct follower *follower = connection->follower;
    bool joined = follower && follower->joined;

    if (!follower) {
        return false;
    }
    if (joined) {
        TAILQ_REMOVE(&followers->queue, follower, link);
        followers->count--;
    }
    free(follower->prefix);
    free(follower);
    connection->follower = NULL;
    return joined;
}

void followers_close(struct followers *followers, uint16_t code)
{
    struct follower *follower;

    TAILQ_FOREACH(follower, &followers->queue, link) {
        close_one(follower, code, "");
    }
}

int followers_begin(struct followers *followers, struct loop *loop, struct camera_list *cameras,
                    struct streams *streams, struct gate *gate)
{
    *followers = (struct followers){.cameras = cameras, .streams = streams, .gate = gate};
    TAILQ_INIT(&followers->queue);
    attention_list_init(&followers->attention);
    return watch_timer_begin(&followers->timer, loop, timer_expired, followers);
}

void followers_end(struct followers *followers)
{
    watch_end(&followers->timer.watch);
}

void followers_finish(struct followers *followers)
{
    attention_list_finish(&followers->attention);
}
