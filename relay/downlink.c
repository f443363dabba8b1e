/* SPDX-License-Identifier: MIT */
#include "relay/downlink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/cluster/attachment.h"
#include "common/cluster/piece.h"
#include "common/cluster/subject.h"
#include "common/log/log.h"

/* How often is said that somebody here looks. */
#define ASK_INTERVAL_MS 1000

/* Bytes that wait for one worker. It reads at once unless it is stopped; what is left out it asks for again. */
#define UNSENT_MAX ((size_t)16 << 20)

/* What workers say is short and seldom. */
#define INPUT_SIZE 64

/* Lists of streams by the hash of their subjects. */
#define BUCKETS 1024

enum state { STATE_ATTACHED, STATE_JOINED, STATE_DRAINING };

struct unsent {
    STAILQ_ENTRY(unsent) link;
    size_t size, sent;
    uint8_t data[];
};

struct attached {
    TAILQ_ENTRY(attached) link;
    LIST_ENTRY(attached) by_live, by_take;
    enum state state;
    bool gone; /* freed at the end of the turn */
    int socket;
    char *camera, *node, *stream;
    char live[SUBJECT_SIZE], take[SUBJECT_SIZE], ask[SUBJECT_SIZE];
    struct link_subscription *to_live, *to_take;
    uint64_t ask_ms; /* when is asked next */
    STAILQ_HEAD(, unsent) unsent;
    size_t unsent_size;
    uint8_t input[INPUT_SIZE];
    size_t filled;
};

LIST_HEAD(bucket, attached);

struct downlink {
    struct link *link; /* NULL: none */
    int epoll;
    char cluster[SUBJECT_NODE_MAX + 1], node[SUBJECT_NODE_MAX + 1];
    TAILQ_HEAD(, attached) all, gone;
    struct bucket by_live[BUCKETS], by_take[BUCKETS];
    struct downlink_counts counts;
};

struct downlink *downlink_create(int epoll, const char *cluster, const char *node)
{
    struct downlink *downlink = calloc(1, sizeof(*downlink));

    if (!downlink) {
        return NULL;
    }
    downlink->epoll = epoll;
    snprintf(downlink->cluster, sizeof(downlink->cluster), "%s", cluster);
    snprintf(downlink->node, sizeof(downlink->node), "%s", node);
    TAILQ_INIT(&downlink->all);
    TAILQ_INIT(&downlink->gone);
    return downlink;
}

static struct bucket *bucket_of(struct bucket buckets[BUCKETS], const char *subject)
{
    return &buckets[hash_add(HASH_START, subject, strlen(subject)) % BUCKETS];
}

/* --- To the worker -------------------------------------------------------------------------------------- */

static void lose(struct downlink *downlink, struct attached *attached);

static void await_room(struct downlink *downlink, struct attached *attached, bool on)
{
    struct epoll_event event = {.events = on ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = attached};

    epoll_ctl(downlink->epoll, EPOLL_CTL_MOD, attached->socket, &event);
}

/* Keeps what a frame of SIZE bytes in two pieces still has to say after SENT bytes. False: out of memory. */
static bool keep(struct attached *attached, const struct iovec pieces[2], size_t sent)
{
    size_t size = pieces[0].iov_len + pieces[1].iov_len;
    struct unsent *unsent = malloc(sizeof(*unsent) + size);

    if (!unsent) {
        return false;
    }
    unsent->size = size;
    unsent->sent = sent;
    memcpy(unsent->data, pieces[0].iov_base, pieces[0].iov_len);
    if (pieces[1].iov_len > 0) {
        memcpy(unsent->data + pieces[0].iov_len, pieces[1].iov_base, pieces[1].iov_len);
    }
    STAILQ_INSERT_TAIL(&attached->unsent, unsent, link);
    attached->unsent_size += size;
    return true;
}

/* A frame is sent as a whole or not at all. */
static void send_frame(struct downlink *downlink, struct attached *attached, enum attachment_type type,
                       const void *content, size_t size)
{
    uint8_t header[ATTACHMENT_HEADER];
    const struct iovec pieces[2] = {{header, sizeof(header)}, {(void *)(uintptr_t)content, size}};
    const struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)pieces, .msg_iovlen = 2};
    ssize_t sent = 0;

    if (attached->gone) {
        return;
    }
    if (attached->unsent_size + size > UNSENT_MAX) {
        downlink->counts.left_out++;
        return;
    }
    attachment_write(header, type, size);
    if (STAILQ_EMPTY(&attached->unsent)) {
        sent = sendmsg(attached->socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            lose(downlink, attached);
            return;
        }
        sent = sent < 0 ? 0 : sent;
    }
    if ((size_t)sent < sizeof(header) + size) {
        if (!keep(attached, pieces, (size_t)sent)) {
            lose(downlink, attached); /* half a frame is worse than none */
            return;
        }
        await_room(downlink, attached, true);
    }
}

static void send_unsent(struct downlink *downlink, struct attached *attached)
{
    struct unsent *first;

    while ((first = STAILQ_FIRST(&attached->unsent))) {
        ssize_t sent = send(attached->socket, first->data + first->sent, first->size - first->sent,
                            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (sent < 0) {
            lose(downlink, attached);
            return;
        }
        first->sent += (size_t)sent;
        if (first->sent < first->size) {
            return;
        }
        STAILQ_REMOVE_HEAD(&attached->unsent, link);
        attached->unsent_size -= first->size;
        free(first);
    }
    await_room(downlink, attached, false);
}

static void tell_link(struct downlink *downlink, struct attached *attached, bool up, const char *why)
{
    if (up) {
        send_frame(downlink, attached, ATTACHMENT_UP, "", 0);
    } else {
        send_frame(downlink, attached, ATTACHMENT_DOWN, why, strlen(why));
    }
}

/* --- Subjects ------------------------------------------------------------------------------------------- */

static void ask(struct downlink *downlink, struct attached *attached, enum ask_kind kind)
{
    struct ask question = {.kind = kind};
    uint8_t message[ASK_SIZE];

    memcpy(question.node, downlink->node, sizeof(question.node));
    attached->ask_ms = clock_now_ms() + ASK_INTERVAL_MS;
    if (downlink->link) {
        link_publish(downlink->link, attached->ask, attached->take, message, ask_write(message, &question));
    }
}

static void leave_live(struct attached *attached)
{
    link_unsubscribe(attached->to_live);
    if (attached->to_live) {
        LIST_REMOVE(attached, by_live);
    }
    attached->to_live = NULL;
}

static void leave_take(struct attached *attached)
{
    link_unsubscribe(attached->to_take);
    if (attached->to_take) {
        LIST_REMOVE(attached, by_take);
    }
    attached->to_take = NULL;
}

/* Answers come to a subject that nobody else knows; another one each time, so that late answers to the question before are not taken for new ones. */
static void take_answers(struct downlink *downlink, struct attached *attached)
{
    const struct subject_stream stream = {downlink->cluster, downlink->node, attached->stream};
    uint64_t number = 0;

    (void)!getrandom(&number, sizeof(number), 0);
    leave_take(attached);
    subject_take(attached->take, &stream, number);
    attached->to_take = downlink->link ? link_subscribe(downlink->link, attached->take) : NULL;
    if (attached->to_take) {
        LIST_INSERT_HEAD(bucket_of(downlink->by_take, attached->take), attached, by_take);
    }
}

/* Also where it is subscribed to already: servers of a cluster that have been restarted together may not know of a subscription at another one
 * (nats-server 2.9.10), and would never send what belongs to it. What comes meanwhile is in the answer to the join. */
static void take_live(struct downlink *downlink, struct attached *attached)
{
    leave_live(attached);
    attached->to_live = downlink->link ? link_subscribe(downlink->link, attached->live) : NULL;
    if (attached->to_live) {
        LIST_INSERT_HEAD(bucket_of(downlink->by_live, attached->live), attached, by_live);
    }
}

static void join(struct downlink *downlink, struct attached *attached)
{
    attached->state = STATE_JOINED;
    take_answers(downlink, attached);
    take_live(downlink, attached);
    ask(downlink, attached, ASK_JOIN);
}

/* What is on its way would only make the pictures older: nothing more is sent here until it has drained. */
static void jump(struct downlink *downlink, struct attached *attached)
{
    attached->state = STATE_DRAINING;
    downlink->counts.jumps++;
    leave_live(attached);
    take_answers(downlink, attached);
    ask(downlink, attached, ASK_ECHO);
}

/* --- From the worker ------------------------------------------------------------------------------------ */

static void obey(struct downlink *downlink, struct attached *attached, uint8_t type)
{
    if (!downlink->link || !link_is_up(downlink->link)) {
        return; /* it learns when it is up */
    }
    if (type == ATTACHMENT_JOIN && attached->state != STATE_DRAINING) {
        join(downlink, attached);
    } else if (type == ATTACHMENT_JUMP && attached->state == STATE_JOINED) {
        jump(downlink, attached);
    }
}

static void read_input(struct downlink *downlink, struct attached *attached)
{
    ssize_t got;

    while (!attached->gone && (got = recv(attached->socket, attached->input + attached->filled,
                                          INPUT_SIZE - attached->filled, MSG_DONTWAIT)) != 0) {
        size_t at = 0;
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (got < 0) {
            break;
        }
        attached->filled += (size_t)got;
        while (attached->filled - at >= ATTACHMENT_HEADER) {
            uint8_t type;
            if (attachment_read(attached->input + at, &type) != 0) {
                log_camera(LOG_LEVEL_WARNING, attached->camera,
                           "camera %s: its worker says what is not understood", attached->camera);
                lose(downlink, attached);
                return;
            }
            at += ATTACHMENT_HEADER;
            obey(downlink, attached, type);
        }
        memmove(attached->input, attached->input + at, attached->filled - at);
        attached->filled -= at;
    }
    lose(downlink, attached);
}

void downlink_ready(struct downlink *downlink, void *pointer, uint32_t events)
{
    struct attached *attached = pointer;

    if (!attached->gone && (events & EPOLLOUT)) {
        send_unsent(downlink, attached);
    }
    if (!attached->gone && (events & ~(uint32_t)EPOLLOUT)) {
        read_input(downlink, attached);
    }
}

/* --- From NATS ------------------------------------------------------------------------------------------ */

static struct attached *find_taker(struct downlink *downlink, const char *subject)
{
    struct attached *attached;

    LIST_FOREACH(attached, bucket_of(downlink->by_take, subject), by_take) {
        if (strcmp(attached->take, subject) == 0) {
            return attached;
        }
    }
    return NULL;
}

static void carry(struct downlink *downlink, struct attached *attached, const struct link_message *message)
{
    downlink->counts.messages++;
    send_frame(downlink, attached, ATTACHMENT_PIECE, message->data, message->size);
}

static void answered(struct downlink *downlink, struct attached *attached, const struct link_message *message)
{
    struct piece piece;

    if (message->nobody) {
        send_frame(downlink, attached, ATTACHMENT_ABSENT, "", 0);
    } else if (attached->state == STATE_JOINED) {
        carry(downlink, attached, message);
    } else if (piece_read(&piece, message->data, message->size) == 0 && piece.kind == PIECE_ECHO) {
        join(downlink, attached);
    }
}

void downlink_came(struct downlink *downlink, const struct link_message *message)
{
    struct attached *attached = find_taker(downlink, message->subject), *next;

    if (attached) {
        answered(downlink, attached, message);
        return;
    }
    for (attached = LIST_FIRST(bucket_of(downlink->by_live, message->subject)); attached; attached = next) {
        next = LIST_NEXT(attached, by_live);
        if (strcmp(attached->live, message->subject) == 0) {
            carry(downlink, attached, message);
        }
    }
}

void downlink_news(struct downlink *downlink, bool up, const char *why)
{
    struct attached *attached, *next;

    for (attached = TAILQ_FIRST(&downlink->all); attached; attached = next) {
        next = TAILQ_NEXT(attached, link);
        if (!up && attached->state == STATE_DRAINING) {
            attached->state = STATE_JOINED; /* what was on its way is lost */
        }
        tell_link(downlink, attached, up, why);
    }
}

/* --- Attaching and leaving ------------------------------------------------------------------------------ */

void downlink_set_link(struct downlink *downlink, struct link *link)
{
    struct attached *attached;

    TAILQ_FOREACH(attached, &downlink->all, link) {
        leave_live(attached);
        leave_take(attached);
        attached->state = STATE_ATTACHED;
    }
    downlink->link = link;
}

static void free_attached(struct attached *attached)
{
    struct unsent *unsent;

    while ((unsent = STAILQ_FIRST(&attached->unsent))) {
        STAILQ_REMOVE_HEAD(&attached->unsent, link);
        free(unsent);
    }
    if (attached->socket >= 0) {
        close(attached->socket);
    }
    free(attached->camera);
    free(attached->node);
    free(attached->stream);
    free(attached);
}

/* It is freed at the end of the turn: an event of it may still be to come. */
static void lose(struct downlink *downlink, struct attached *attached)
{
    if (attached->gone) {
        return;
    }
    attached->gone = true;
    leave_live(attached);
    leave_take(attached);
    epoll_ctl(downlink->epoll, EPOLL_CTL_DEL, attached->socket, NULL);
    close(attached->socket);
    attached->socket = -1;
    TAILQ_REMOVE(&downlink->all, attached, link);
    TAILQ_INSERT_TAIL(&downlink->gone, attached, link);
}

static struct attached *make_attached(const char *camera, const char *node, const char *stream, int socket)
{
    struct attached *attached = calloc(1, sizeof(*attached));

    if (!attached) {
        close(socket);
        return NULL;
    }
    attached->socket = socket;
    STAILQ_INIT(&attached->unsent);
    attached->camera = strdup(camera);
    attached->node = strdup(node);
    attached->stream = strdup(stream);
    if (!attached->camera || !attached->node || !attached->stream) {
        free_attached(attached);
        return NULL;
    }
    return attached;
}

void downlink_attach(struct downlink *downlink, const char *camera, const char *node, const char *stream,
                     int socket)
{
    struct attached *attached, *next;
    const struct subject_stream name = {downlink->cluster, node, stream};

    for (attached = TAILQ_FIRST(&downlink->all); attached; attached = next) {
        next = TAILQ_NEXT(attached, link);
        if (strcmp(attached->camera, camera) == 0) {
            lose(downlink, attached);
        }
    }
    attached = make_attached(camera, node, stream, socket);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = attached};
    if (!attached || epoll_ctl(downlink->epoll, EPOLL_CTL_ADD, socket, &event) < 0) {
        log_camera(LOG_LEVEL_ERROR, camera, "camera %s: no memory for its worker", camera);
        if (attached) {
            free_attached(attached);
        }
        return;
    }
    subject_live(attached->live, &name);
    subject_ask(attached->ask, &name);
    TAILQ_INSERT_TAIL(&downlink->all, attached, link);
    tell_link(downlink, attached, downlink->link && link_is_up(downlink->link), "it has not answered yet");
}

uint64_t downlink_turn(struct downlink *downlink, uint64_t now_ms)
{
    struct attached *attached;
    uint64_t due_ms = UINT64_MAX;

    TAILQ_FOREACH(attached, &downlink->all, link) {
        if (attached->state == STATE_ATTACHED || !downlink->link || !link_is_up(downlink->link)) {
            continue;
        }
        if (attached->ask_ms <= now_ms) {
            ask(downlink, attached, attached->state == STATE_DRAINING ? ASK_ECHO : ASK_LIVE);
        }
        due_ms = attached->ask_ms < due_ms ? attached->ask_ms : due_ms;
    }
    while ((attached = TAILQ_FIRST(&downlink->gone))) {
        TAILQ_REMOVE(&downlink->gone, attached, link);
        free_attached(attached);
    }
    return due_ms;
}

struct downlink_counts downlink_counts(const struct downlink *downlink)
{
    struct downlink_counts counts = downlink->counts;
    const struct attached *attached;

    counts.streams = 0;
    TAILQ_FOREACH(attached, &downlink->all, link) {
        counts.streams++;
    }
    return counts;
}

void downlink_destroy(struct downlink *downlink)
{
    struct attached *attached;

    if (!downlink) {
        return;
    }
    while ((attached = TAILQ_FIRST(&downlink->all))) {
        lose(downlink, attached);
    }
    while ((attached = TAILQ_FIRST(&downlink->gone))) {
        TAILQ_REMOVE(&downlink->gone, attached, link);
        free_attached(attached);
    }
    free(downlink);
}
