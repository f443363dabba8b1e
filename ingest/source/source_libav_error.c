/* SPDX-License-Identifier: MIT */
#include "ingest/source/source_libav_error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libavutil/error.h>
#include <libavutil/log.h>

#include "common/base/clock.h"
#include "common/log/log.h"

/* Lines of libavformat a minute: a damaged stream would say the same thing for each packet. */
#define LINES_A_MINUTE 20

static bool quiet_now;

struct explanation {
    int code; /* AVERROR */
    int error;
    const char *words;
};

static const struct explanation explanations[] = {
    {AVERROR(ECONNREFUSED), -ECONNREFUSED, "connection refused"},
    {AVERROR(EHOSTUNREACH), -EHOSTUNREACH, "no route to the host"},
    {AVERROR(ENETUNREACH), -ENETUNREACH, "the network cannot be reached"},
    {AVERROR(ETIMEDOUT), -ETIMEDOUT, "no answer"},
    {AVERROR(ECONNRESET), -ECONNRESET, "the camera dropped the connection"},
    {AVERROR(EPIPE), -EPIPE, "the camera dropped the connection"},
    {AVERROR_EOF, -ECONNRESET, "the camera closed the connection"},
    {AVERROR(EIO), -EIO, "the host name cannot be resolved, or the connection broke"},
    {AVERROR_HTTP_UNAUTHORIZED, -EACCES, "the camera refuses the username or password (401)"},
    {AVERROR_HTTP_FORBIDDEN, -EACCES, "the camera forbids this stream (403)"},
    {AVERROR_HTTP_NOT_FOUND, -ENOENT, "the camera has no such stream (404): check the path of the url"},
    {AVERROR_HTTP_BAD_REQUEST, -EPROTO, "the camera does not understand the request (400)"},
    {AVERROR_HTTP_OTHER_4XX, -EPROTO, "the camera refuses the request (4xx)"},
    {AVERROR_HTTP_SERVER_ERROR, -EPROTO, "the camera reports an error of its own (5xx)"},
    {AVERROR(EPROTONOSUPPORT), -EPROTONOSUPPORT, "the camera does not offer this transport"},
    {AVERROR_INVALIDDATA, -EPROTO, "the camera's answer makes no sense"},
    {AVERROR(ENOMEM), -ENOMEM, "out of memory"},
};

int source_libav_error(const char *host, int code, char error[SOURCE_ERROR_SIZE])
{
    char words[AV_ERROR_MAX_STRING_SIZE] = "";

    for (size_t i = 0; i < sizeof(explanations) / sizeof(explanations[0]); i++) {
        if (explanations[i].code != code) {
            continue;
        }
        snprintf(error, SOURCE_ERROR_SIZE, "%s: %s", host, explanations[i].words);
        return explanations[i].error;
    }
    av_strerror(code, words, sizeof(words));
    snprintf(error, SOURCE_ERROR_SIZE, "%s: %s", host, words);
    return -EIO;
}

static bool line_allowed(void)
{
    static int64_t minute;
    static unsigned lines;
    int64_t now = clock_now_ns() / (60 * NS_PER_SECOND);

    if (now != minute) {
        minute = now;
        lines = 0;
    }
    return lines++ < LINES_A_MINUTE;
}

static void write_line(void *context, int level, const char *format, va_list arguments)
{
    char line[1024];
    int prefix = 0; /* libavformat's own prefix holds addresses of memory */

    (void)context;
    enum log_level ours = level > AV_LOG_ERROR || quiet_now ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING;
    if (level > AV_LOG_WARNING || ours > log_level_now() || !line_allowed()) {
        return;
    }
    av_log_format_line2(NULL, level, format, arguments, line, sizeof(line), &prefix);
    line[strcspn(line, "\n")] = '\0';
    log_write(ours, "libavformat: %s", line);
}

void source_libav_redirect_log(void)
{
    av_log_set_callback(write_line);
}

void source_libav_quiet_log(bool quiet)
{
    quiet_now = quiet;
}
