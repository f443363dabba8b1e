/* SPDX-License-Identifier: MIT */
#include "ingest/rtsp/rtsp_keepalive.h"

#include "common/base/clock.h"
#include "common/log/log.h"

#define METHODS_ALL ((1u << RTSP_KEEPALIVE_COUNT) - 1)

/* A session that ends by itself after this part of its time-out, or later, may have ended for want of keepalives; one that
 * lives for so many time-outs is kept alive by what is sent. */
#define LIFE_SUSPECT_PERCENT 70
#define LIFE_PROVEN_TIMEOUTS 4

/* Two sessions that lived equally long, within a twentieth and these milliseconds, were ended by the same time-out, which
 * the camera did not name. Shorter lives than the second figure have other causes. */
#define LIFE_TOLERANCE_MS 1000
#define LIFE_SHORTEST_MS 2000

/* The first keepalives of sessions with time-outs of that length are spread over a third of the interval, in so many steps. */
#define SPREAD_TIMEOUT_MS 20000
#define SPREAD_STEPS 1000

static const char *const method_names[RTSP_KEEPALIVE_COUNT] = {
    [RTSP_KEEPALIVE_GET_PARAMETER] = "GET_PARAMETER",
    [RTSP_KEEPALIVE_OPTIONS] = "OPTIONS",
    [RTSP_KEEPALIVE_SET_PARAMETER] = "SET_PARAMETER",
};

/*
 * The method that is proven with this camera, or else the first that has not failed. RFC 2326, section 10.8: GET_PARAMETER
 * without a body is the ping; OPTIONS is for cameras that do not list it.
 */
static void choose(struct rtsp_keepalive *keepalive)
{
    struct rtsp_keepalive_memory *memory = keepalive->memory;

    keepalive->method = keepalive->has_get_parameter ? RTSP_KEEPALIVE_GET_PARAMETER : RTSP_KEEPALIVE_OPTIONS;
    if (memory->proven) {
        keepalive->method = memory->method;
        return;
    }
    if ((memory->failed & METHODS_ALL) == METHODS_ALL) {
        memory->failed = 0;
    }
    if (memory->failed >> keepalive->method & 1) {
        for (int i = 0; i < RTSP_KEEPALIVE_COUNT; i++) {
            if (!(memory->failed >> i & 1)) {
                keepalive->method = (enum rtsp_keepalive_method)i;
                break;
            }
        }
        log_info("the session is kept alive with %s", method_names[keepalive->method]);
    }
}

int rtsp_keepalive_timeout_ms(const struct rtsp_keepalive *keepalive)
{
    int timeout_ms = keepalive->timeout_s * MS_PER_SECOND;
    int learnt_ms = keepalive->memory->lifetime_ms;

    return learnt_ms > 0 && learnt_ms < timeout_ms ? learnt_ms : timeout_ms;
}

/* Half the time-out leaves room for an answer that is lost. */
void rtsp_keepalive_put_off(struct rtsp_keepalive *keepalive, int64_t now_ns)
{
    int64_t half_ms = rtsp_keepalive_timeout_ms(keepalive) / 2;

    keepalive->due_ns =
        now_ns + (half_ms < RTSP_KEEPALIVE_MAX_MS ? half_ms : RTSP_KEEPALIVE_MAX_MS) * NS_PER_MS;
}

void rtsp_keepalive_begin(struct rtsp_keepalive *keepalive, int64_t now_ns)
{
    keepalive->begun_ns = now_ns;
    choose(keepalive);
    rtsp_keepalive_put_off(keepalive, now_ns);
}

void rtsp_keepalive_spread(struct rtsp_keepalive *keepalive, int64_t now_ns, unsigned chance)
{
    if (rtsp_keepalive_timeout_ms(keepalive) >= SPREAD_TIMEOUT_MS && keepalive->due_ns > now_ns) {
        keepalive->due_ns -= (keepalive->due_ns - now_ns) / 3 / SPREAD_STEPS * (chance % SPREAD_STEPS);
    }
}

const char *rtsp_keepalive_take(struct rtsp_keepalive *keepalive, int64_t now_ns)
{
    int64_t proven_ns = LIFE_PROVEN_TIMEOUTS * (int64_t)rtsp_keepalive_timeout_ms(keepalive) * NS_PER_MS;

    if (now_ns - keepalive->begun_ns > proven_ns) {
        keepalive->memory->proven = true;
        keepalive->memory->method = keepalive->method;
    }
    keepalive->sent++;
    rtsp_keepalive_put_off(keepalive, now_ns);
    return method_names[keepalive->method];
}

void rtsp_keepalive_refused(struct rtsp_keepalive *keepalive, int status, int64_t now_ns)
{
    struct rtsp_keepalive_memory *memory = keepalive->memory;

    log_debug("%d to %s, a keepalive; another is tried", status, method_names[keepalive->method]);
    memory->failed |= 1u << keepalive->method;
    if (memory->method == keepalive->method) {
        memory->proven = false;
    }
    if ((memory->failed & METHODS_ALL) != METHODS_ALL) {
        choose(keepalive);
        keepalive->due_ns = now_ns;
    }
}

/*
 * A session that its camera ends about a time-out after it began, or after as long a life as the one before, was not kept
 * alive by what was sent.
 */
void rtsp_keepalive_ended(struct rtsp_keepalive *keepalive, int64_t end_ns)
{
    struct rtsp_keepalive_memory *memory = keepalive->memory;

    if (keepalive->begun_ns == 0) {
        return;
    }
    int64_t life_ms = (end_ns - keepalive->begun_ns) / NS_PER_MS;
    int64_t timeout_ms = rtsp_keepalive_timeout_ms(keepalive);
    int64_t difference_ms = life_ms > memory->life_ms ? life_ms - memory->life_ms : memory->life_ms - life_ms;
    bool again = life_ms >= LIFE_SHORTEST_MS && difference_ms < LIFE_TOLERANCE_MS + life_ms / 20;
    bool at_timeout =
        life_ms * 100 >= timeout_ms * LIFE_SUSPECT_PERCENT && life_ms < LIFE_PROVEN_TIMEOUTS * timeout_ms;

    memory->life_ms = life_ms;
    if (again && keepalive->sent == 0 && life_ms < timeout_ms) {
        memory->lifetime_ms = (int)life_ms;
        log_info("the camera ends sessions after %.1f s; keepalives are sent sooner",
                 (double)life_ms / MS_PER_SECOND);
        return;
    }
    if (keepalive->sent > 0 && (at_timeout || again) && !memory->proven) {
        log_info("the camera ended the session although it was kept alive with %s",
                 method_names[keepalive->method]);
        memory->failed |= 1u << keepalive->method;
    }
}
