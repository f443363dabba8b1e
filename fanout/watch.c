#include "watch.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

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
        return 0;
    default:
        return 0;
    }
}

int watch_begin(struct watch *watch, struct lws_vhost *vhost, int fd, void (*ready)(void *context),
                void *context)
{
    *watch = (struct watch){.ready = ready, .context = context, .fd = fd};
    lws_adopt_desc_t adoption = {
        .vh = vhost,
        .type = LWS_ADOPT_RAW_FILE_DESC,
        .fd.filefd = fd,
        .vh_prot_name = WATCH_PROTOCOL,
        .opaque = watch,
    };
    watch->wsi = lws_adopt_descriptor_vhost_via_info(&adoption);
    if (!watch->wsi) {
        close(fd);
        return -EIO;
    }
    return 0;
}

void watch_pause(struct watch *watch, int paused)
{
    if (watch->wsi) {
        lws_rx_flow_control(watch->wsi, !paused);
    }
}

void watch_end(struct watch *watch)
{
    if (watch->wsi) {
        watch_pause(watch, 1);
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

int watch_timer_begin(struct watch_timer *timer, struct lws_vhost *vhost, void (*expired)(void *context),
                      void *context)
{
    timer->expired = expired;
    timer->context = context;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    return fd < 0 ? -errno : watch_begin(&timer->watch, vhost, fd, timer_ready, timer);
}

void watch_timer_arm(struct watch_timer *timer, long delay_ms)
{
    struct itimerspec when = {
        .it_value = {.tv_sec = delay_ms / 1000, .tv_nsec = delay_ms % 1000 * 1000000},
    };
    timerfd_settime(timer->watch.fd, 0, &when, NULL);
}
