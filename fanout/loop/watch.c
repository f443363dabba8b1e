/* SPDX-License-Identifier: MIT */
#include "fanout/loop/watch.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/base/clock.h"

int watch_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
    (void)user;
    (void)in;
    (void)length;
    struct watch *watch = lws_get_opaque_user_data(wsi);
    switch (reason) {
    case LWS_CALLBACK_RAW_RX_FILE:
        watch->ready(watch->context);
        return watch->wsi ? 0 : -1;
    case LWS_CALLBACK_RAW_CLOSE_FILE:
        watch->wsi = NULL;
        watch->watched = false;
        return 0;
    default:
        return 0;
    }
}

static void on_event(struct ev_loop *events, ev_io *event, int revents)
{
    (void)events;
    (void)revents;
    struct watch *watch = event->data;
    watch->ready(watch->context);
}

static void watch_on_libev(struct watch *watch)
{
    ev_io_init(&watch->event, on_event, watch->fd, EV_READ);
    watch->event.data = watch;
    ev_io_start(watch->loop->events, &watch->event);
    watch->watched = true;
}

static void adopt(struct watch *watch)
{
    lws_adopt_desc_t adoption = {
        .vh = watch->loop->vhost,
        .type = LWS_ADOPT_RAW_FILE_DESC,
        .fd.filefd = watch->fd,
        .vh_prot_name = WATCH_PROTOCOL,
        .opaque = watch,
    };
    watch->wsi = lws_adopt_descriptor_vhost_via_info(&adoption);
    watch->watched = watch->wsi != NULL;
}

int watch_begin(struct watch *watch, struct loop *loop, int fd, void (*ready)(void *context), void *context)
{
    *watch = (struct watch){.loop = loop, .ready = ready, .context = context, .fd = fd};
    if (loop->events) {
        watch_on_libev(watch);
    } else {
        adopt(watch);
    }
    if (!watch->watched) {
        close(fd);
        return -EIO;
    }
    return 0;
}

void watch_beside(struct watch *watch, struct loop *loop, int fd, void (*ready)(void *context), void *context)
{
    *watch = (struct watch){.loop = loop, .ready = ready, .context = context, .fd = fd};
    if (loop->events) {
        ev_io_init(&watch->event, on_event, fd, EV_READ);
        ev_set_priority(&watch->event, EV_MAXPRI - 1);
        watch->event.data = watch;
        ev_io_start(loop->events, &watch->event);
        watch->watched = true;
    }
}

void watch_leave(struct watch *watch)
{
    if (watch->watched) {
        ev_io_stop(watch->loop->events, &watch->event);
        watch->watched = false;
    }
}

void watch_again(struct watch *watch)
{
    if (watch->loop->events) {
        ev_feed_fd_event(watch->loop->events, watch->fd, EV_READ);
    }
}

static void on_turn(struct ev_loop *events, ev_prepare *event, int revents)
{
    struct watch_turn *turn = event->data;

    (void)events;
    (void)revents;
    turn->ready(turn->context);
}

void watch_turn_init(struct watch_turn *turn, struct loop *loop, void (*ready)(void *context), void *context)
{
    *turn = (struct watch_turn){.loop = loop, .ready = ready, .context = context};
    ev_prepare_init(&turn->event, on_turn);
    turn->event.data = turn;
}

void watch_turn_begin(struct watch_turn *turn)
{
    if (turn->loop->events) {
        ev_prepare_start(turn->loop->events, &turn->event);
    }
}

void watch_turn_end(struct watch_turn *turn)
{
    if (turn->loop && turn->loop->events) {
        ev_prepare_stop(turn->loop->events, &turn->event);
    }
}

void watch_first(struct watch *watch)
{
    if (watch->loop->events) {
        ev_io_stop(watch->loop->events, &watch->event);
        ev_set_priority(&watch->event, EV_MAXPRI);
        ev_io_start(watch->loop->events, &watch->event);
    }
}

void watch_pause(struct watch *watch, bool paused)
{
    if (!watch->watched) {
        return;
    }
    if (!watch->loop->events) {
        lws_rx_flow_control(watch->wsi, !paused);
    } else if (paused) {
        ev_io_stop(watch->loop->events, &watch->event);
    } else {
        ev_io_start(watch->loop->events, &watch->event);
    }
}

void watch_end(struct watch *watch)
{
    if (!watch->watched) {
        return;
    }
    watch_pause(watch, true);
    if (watch->loop->events) {
        watch->watched = false;
        close(watch->fd);
    } else {
        lws_set_timeout(watch->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    }
}

static void timer_ready(void *context)
{
    struct watch_timer *timer = context;
    uint64_t expirations;
    if (read(timer->watch.fd, &expirations, sizeof(expirations)) > 0) {
        timer->expired(timer->context);
    }
}

int watch_timer_begin(struct watch_timer *timer, struct loop *loop, void (*expired)(void *context),
                      void *context)
{
    timer->expired = expired;
    timer->context = context;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    return fd < 0 ? -errno : watch_begin(&timer->watch, loop, fd, timer_ready, timer);
}

void watch_timer_arm_us(struct watch_timer *timer, long delay_us)
{
    struct itimerspec when = {
        .it_value = {.tv_sec = delay_us * NS_PER_US / NS_PER_SECOND,
                     .tv_nsec = delay_us * NS_PER_US % NS_PER_SECOND},
    };
    if (timer->watch.watched) {
        timerfd_settime(timer->watch.fd, 0, &when, NULL);
    }
}

void watch_timer_arm(struct watch_timer *timer, long delay_ms)
{
    watch_timer_arm_us(timer, delay_ms * 1000);
}
