/* SPDX-License-Identifier: MIT */
#include "ingest/rtsp/rtsp_wait.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"

int rtsp_wait_ask(struct rtsp_wait *wait, int64_t now_ns)
{
    if (now_ns - wait->asked_ns < RTSP_WAIT_ASK_MS * NS_PER_MS) {
        return 0;
    }
    wait->asked_ns = now_ns;
    return wait->interrupted && wait->interrupted(wait->context) ? -ECANCELED : 0;
}

static int until(const struct rtsp_wait *wait, int64_t now_ns, int64_t deadline_ns)
{
    int64_t ask_ns = wait->asked_ns + RTSP_WAIT_ASK_MS * NS_PER_MS;
    int64_t end_ns = ask_ns < deadline_ns ? ask_ns : deadline_ns;
    int64_t left_ns = end_ns - now_ns;

    /* Rounded up, because after a wait that ends early another one of 0 ms would follow. */
    return left_ns > 0 ? (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

int rtsp_wait_poll(struct rtsp_wait *wait, struct pollfd *fds, size_t count, int64_t deadline_ns)
{
    struct pollfd all[RTSP_WAIT_FDS_MAX + 1];

    if (count > RTSP_WAIT_FDS_MAX) {
        return -EINVAL;
    }
    memcpy(all, fds, count * sizeof(*fds));
    all[count] = (struct pollfd){.fd = wait->attention, .events = POLLIN};
    for (;;) {
        int64_t now = clock_now_ns();
        int result = rtsp_wait_ask(wait, now);
        if (result < 0) {
            return result;
        }
        int ready = poll(all, count + 1, until(wait, now, deadline_ns));
        if (ready < 0 && errno != EINTR) {
            return -errno;
        }
        bool interrupted = ready < 0;
        if (interrupted || (ready > 0 && all[count].revents != 0)) {
            wait->asked_ns = 0;
            ready -= !interrupted;
        }
        if (ready > 0) {
            break;
        }
        if (clock_now_ns() >= deadline_ns) {
            return -ETIMEDOUT;
        }
    }
    memcpy(fds, all, count * sizeof(*fds));
    return 0;
}
