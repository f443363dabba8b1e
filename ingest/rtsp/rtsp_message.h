/* SPDX-License-Identifier: MIT */
/*
 * A response or request of RTSP (RFC 2326, section 4 to 7) taken apart in place. Everything points into the
 * text it was parsed from. Pure functions without allocation; any process, any thread.
 */
#ifndef INGEST_RTSP_RTSP_MESSAGE_H
#define INGEST_RTSP_RTSP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of one message's start line and headers, and how many headers: cameras send 100 to 800 bytes. */
#define RTSP_HEAD_SIZE_MAX 16384
#define RTSP_HEADERS_MAX 64

/* Bytes of a message's body; it is a description. */
#define RTSP_BODY_SIZE_MAX 1048576

struct rtsp_header {
    const char *name;
    const char *value; /* without space around it */
};

struct rtsp_message {
    bool response;
    int status;         /* of a response */
    const char *reason; /* of a response; may be "" */
    const char *method; /* of a request */
    const char *uri;    /* of a request */
    struct rtsp_header headers[RTSP_HEADERS_MAX];
    size_t header_count;
    const char *body; /* not ended by NUL */
    size_t body_size;
};

/*
 * HEAD is the start line and the headers, HEAD_SIZE bytes that end with a line end; they are changed. 0; -EBADMSG: not an
 * RTSP message; -E2BIG: too many headers. A line that is not a header is skipped.
 */
int rtsp_message_parse(char *head, size_t head_size, struct rtsp_message *message);

/* The value of the INDEXth header of this name (without case), NULL: there is none. */
const char *rtsp_message_header(const struct rtsp_message *message, const char *name, size_t index);

/* The number in header NAME; -1: there is no such header, or it is not a number from 0 to INT64_MAX. */
int64_t rtsp_message_number(const struct rtsp_message *message, const char *name);

/* True if the comma-separated header NAME holds TOKEN (without case). */
bool rtsp_message_lists(const struct rtsp_message *message, const char *name, const char *token);

#endif
