/* SPDX-License-Identifier: MIT */
#include "fanout/http/clip_query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/url.h"

static const char digits[] = "0123456789";

/* A file's name has room for so much of a camera's. */
#define NAME_MAX_BYTES 64

/* Digits, and a point with more of them if there is one, which are all that is left of TEXT but for END. */
static bool is_number(const char *text, const char *end)
{
    size_t whole = strspn(text, digits), part = 0;

    if (text[whole] == '.') {
        part = strspn(text + whole + 1, digits) + 1;
    }
    return whole > 0 && part != 1 && strcmp(text + whole + part, end) == 0;
}

/* The nanoseconds of a number of seconds below 10^11. */
static bool read_seconds(const char *text, int64_t *ns)
{
    if (!is_number(text, "") || strspn(text, digits) > 11) {
        return false;
    }
    /* In whole numbers: a double has no room for the fraction of the seconds since 1970. */
    char *point;
    int64_t fraction = 0, unit = NS_PER_SECOND / 10;
    int64_t seconds = strtoll(text, &point, 10);
    for (const char *at = point + (*point == '.'); *at && unit > 0; at++, unit /= 10) {
        fraction += (*at - '0') * unit;
    }
    if (seconds > INT64_MAX / NS_PER_SECOND - 1) {
        return false;
    }
    *ns = seconds * NS_PER_SECOND + fraction;
    return true;
}

/* RFC 3339, section 5.6, in UTC. */
static bool read_date(const char *text, int64_t *ns)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd";
    struct tm moment = {0};
    int64_t fraction = 0;
    char seconds[CLIP_QUERY_TIME_SIZE];

    for (size_t i = 0; form[i]; i++) {
        if (form[i] == 'd' ? !text[i] || !strchr(digits, text[i]) : text[i] != form[i]) {
            return false;
        }
    }
    const char *rest = text + strlen(form) - 2;
    if (!is_number(rest, "Z") || strlen(rest) >= sizeof(seconds)) {
        return false;
    }
    snprintf(seconds, sizeof(seconds), "%.*s", (int)strlen(rest) - 1, rest);
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d", &moment.tm_year, &moment.tm_mon, &moment.tm_mday, &moment.tm_hour,
               &moment.tm_min) != 5 ||
        !read_seconds(seconds, &fraction)) {
        return false;
    }
    const struct tm asked = moment;
    if (asked.tm_year < 1970 || asked.tm_mon < 1 || asked.tm_mon > 12 || asked.tm_mday < 1 ||
        asked.tm_mday > 31 || asked.tm_hour > 23 || asked.tm_min > 59 || fraction >= 61 * NS_PER_SECOND) {
        return false;
    }
    moment.tm_year -= 1900;
    moment.tm_mon -= 1;
    int64_t minutes = timegm(&moment);
    *ns = minutes * NS_PER_SECOND + fraction;
    return moment.tm_mday == asked.tm_mday; /* no 31st of June */
}

bool clip_query_parse_time(const char *text, int64_t now_ns, int64_t *time_ns)
{
    const int64_t most_ns = CLIP_QUERY_SECONDS_MAX * NS_PER_SECOND;
    int64_t ns;

    if (text[0] == '-') {
        if (!read_seconds(text + 1, &ns) || ns > most_ns) {
            return false;
        }
        *time_ns = now_ns - ns;
        return true;
    }
    if (!read_seconds(text, &ns) && !read_date(text, &ns)) {
        return false;
    }
    *time_ns = ns;
    return ns >= now_ns - most_ns && ns <= now_ns + most_ns;
}

/* CAMERA in letters that every file system and program takes. */
static void write_plain(char name[NAME_MAX_BYTES + 1], const char *camera)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    size_t length = 0;

    for (; camera[length] && length < NAME_MAX_BYTES; length++) {
        bool kept = strchr(plain, camera[length]) && !(length == 0 && camera[length] == '.');
        name[length] = kept ? camera[length] : '_';
    }
    name[length] = '\0';
}

void clip_query_disposition(char line[CLIP_QUERY_DISPOSITION_SIZE], const char *camera, int64_t wall_ns)
{
    char plain[NAME_MAX_BYTES + 1], encoded[URL_ENCODE_MAX * NAME_MAX_BYTES + 1], stamp[32] = "";
    time_t seconds = (time_t)(wall_ns / NS_PER_SECOND);
    struct tm moment;

    if (gmtime_r(&seconds, &moment)) {
        strftime(stamp, sizeof(stamp), "_%Y-%m-%dT%H-%M-%SZ", &moment);
    }
    write_plain(plain, camera);
    url_encode(encoded, sizeof(encoded), camera, strnlen(camera, NAME_MAX_BYTES), URL_UNRESERVED);
    snprintf(line, CLIP_QUERY_DISPOSITION_SIZE,
             "Content-Disposition: attachment; filename=\"%s%s.mp4\"; filename*=UTF-8''%s%s.mp4\r\n", plain,
             stamp, encoded, stamp);
}
