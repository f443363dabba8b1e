/* SPDX-License-Identifier: MIT */
/*
 * What a client of go2rtc's protocol says over its WebSocket (docs/reference/go2rtc.md): {"type":…,"value":…}. Pure functions.
 */
#ifndef FANOUT_HTTP_GO2RTC_MESSAGE_H
#define FANOUT_HTTP_GO2RTC_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

/* Longest message that is looked at: a browser's offer for WebRTC has about 8 kB. */
#define GO2RTC_MESSAGE_MAX 32768u

/* Longest list of codecs, with its NUL; what is longer is cut off. */
#define GO2RTC_CODECS_SIZE 2048

enum go2rtc_kind {
    GO2RTC_OTHER,   /* unknown or malformed: ignored */
    GO2RTC_MSE,     /* asks for the stream */
    GO2RTC_REFUSED, /* asks for something that go2rtc has and ringcast has not */
};

struct go2rtc_message {
    enum go2rtc_kind kind;
    const char *type;                /* of a GO2RTC_REFUSED: a static text */
    char codecs[GO2RTC_CODECS_SIZE]; /* of a GO2RTC_MSE; "": it has none */
};

/* Parses LENGTH bytes of TEXT. */
void go2rtc_message_parse(const char *text, size_t length, struct go2rtc_message *message);

#endif
