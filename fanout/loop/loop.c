/* SPDX-License-Identifier: MIT */
#include "fanout/loop/loop.h"

#include <errno.h>
#include <ev.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log/log.h"

static bool is_poll_wanted(void)
{
    const char *wanted = getenv("RINGCAST_FANOUT_LOOP");
    return wanted && strcmp(wanted, "poll") == 0;
}

static void never(struct ev_loop *events, ev_periodic *watcher, int revents)
{
    (void)events;
    (void)watcher;
    (void)revents;
}

/*
 * libev wakes up every minute to see whether the wall clock was set, unless there is a periodic watcher: then
 * it has the kernel tell it. So there is one, which never fires. It does not outlive the loop.
 */
static void stay_asleep(struct ev_loop *events)
{
    static const ev_tstamp far_future = 1e11; /* seconds since 1970: the year 5138 */
    static ev_periodic watcher;
    ev_periodic_init(&watcher, never, far_future, 0, NULL);
    ev_periodic_start(events, &watcher);
}

/*
 * libev's own ways are to print something and abort(). Without memory or a working epoll the fan-out cannot go on
 * either, but it says so in its log and ends as after any other failure, and ringcastd starts it again.
 */
static void *allocate(void *memory, long size)
{
    if (size == 0) {
        free(memory);
        return NULL;
    }
    void *larger = realloc(memory, (size_t)size);
    if (!larger) {
        log_error("out of memory: the loop needs %ld bytes for its connections; ending", size);
        _exit(EXIT_FAILURE);
    }
    return larger;
}

static void fail(const char *what)
{
    log_error("the loop cannot go on: %s: %s; ending", what, strerror(errno));
    _exit(EXIT_FAILURE);
}

static void create_on_libev(struct loop *loop, const struct lws_context_creation_info *info)
{
    ev_set_allocator(allocate);
    ev_set_syserr_cb(fail);
    loop->events = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (!loop->events) {
        return;
    }
    void *loops[] = {loop->events};
    struct lws_context_creation_info with_loop = *info;
    with_loop.options |= LWS_SERVER_OPTION_LIBEV;
    with_loop.foreign_loops = loops;
    loop->context = lws_create_context(&with_loop);
    if (loop->context) {
        stay_asleep(loop->events);
    } else {
        ev_loop_destroy(loop->events);
        loop->events = NULL;
    }
}

int loop_begin(struct loop *loop, const struct lws_context_creation_info *info)
{
    *loop = (struct loop){0};
    bool poll_wanted = is_poll_wanted();
    if (!poll_wanted) {
        create_on_libev(loop, info);
    }
    if (!loop->context) {
        if (!poll_wanted) {
            log_warning(
                "libwebsockets' plugin for libev (libwebsockets-evlib-ev) is not installed: many viewers "
                "cost more without it");
        }
        loop->context = lws_create_context(info);
    }
    if (loop->context) {
        loop->vhost = lws_create_vhost(loop->context, info);
    }
    return loop->vhost ? 0 : -ENOMEM;
}

int loop_turn(struct loop *loop)
{
    if (loop->events) {
        ev_run(loop->events, EVRUN_ONCE);
        return 0;
    }
    return lws_service(loop->context, 0) < 0 ? -EIO : 0;
}

void loop_end(struct loop *loop)
{
    if (loop->context) {
        lws_context_destroy(loop->context);
    }
    if (loop->events) {
        ev_loop_destroy(loop->events);
    }
    *loop = (struct loop){0};
}
