/* SPDX-License-Identifier: MIT */
#include "fanout/loop/linger.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"

/* A client has this long to take its answer, and sends at most so much meanwhile. */
#define LINGER_MS 2000L
#define LINGER_BYTES (4u << 20)

/* Read at once. */
#define LINGER_PIECE 16384

static void talked(void *context)
{
    struct lingerer *lingerer = context;
    char piece[LINGER_PIECE];
    ssize_t count = recv(lingerer->watch.fd, piece, sizeof(piece), MSG_DONTWAIT);

    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (count <= 0 || (size_t)count >= lingerer->left) {
        watch_end(&lingerer->watch);
        return;
    }
    lingerer->left -= (size_t)count;
}

static void expired(void *context)
{
    struct linger_set *set = context;
    int64_t now_ns = clock_now_ns(), first_ns = INT64_MAX;

    for (size_t i = 0; i < LINGER_MAX; i++) {
        struct lingerer *lingerer = &set->list[i];
        if (lingerer->watch.watched && lingerer->until_ns <= now_ns) {
            watch_end(&lingerer->watch);
        } else if (lingerer->watch.watched && lingerer->until_ns < first_ns) {
            first_ns = lingerer->until_ns;
        }
    }
    if (first_ns != INT64_MAX) {
        watch_timer_arm(&set->timer, (long)((first_ns - now_ns) / NS_PER_MS) + 1);
    }
}

int linger_begin(struct linger_set *set, struct loop *loop)
{
    set->loop = loop;
    return watch_timer_begin(&set->timer, loop, expired, set);
}

void linger_close(struct linger_set *set, int fd)
{
    struct lingerer *lingerer = NULL;

    for (size_t i = 0; i < LINGER_MAX && !lingerer; i++) {
        lingerer = set->list[i].watch.watched ? NULL : &set->list[i];
    }
    if (!lingerer || !set->loop) {
        close(fd);
        return;
    }
    *lingerer = (struct lingerer){
        .set = set, .until_ns = clock_now_ns() + LINGER_MS * NS_PER_MS, .left = LINGER_BYTES};
    if (watch_begin(&lingerer->watch, set->loop, fd, talked, lingerer) == 0) {
        expired(set);
    }
}

void linger_end(struct linger_set *set)
{
    for (size_t i = 0; i < LINGER_MAX; i++) {
        watch_end(&set->list[i].watch);
    }
    watch_end(&set->timer.watch);
    set->loop = NULL;
}
