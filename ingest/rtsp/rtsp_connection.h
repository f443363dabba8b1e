/*
 * Requests to a camera and its responses over one connection: sequence numbers, authentication, requests of
 * the camera's in between, interleaved packets. One request is under way at a time. Owned by one session; one
 * thread.
 */
#ifndef INGEST_RTSP_RTSP_CONNECTION_H
#define INGEST_RTSP_RTSP_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/rtsp/rtsp_auth.h"
#include "ingest/rtsp/rtsp_input.h"
#include "ingest/rtsp/rtsp_socket.h"
#include "ingest/rtsp/rtsp_url.h"
#include "ingest/rtsp/rtsp_wait.h"

/* Bytes of a session's id with its NUL. */
#define RTSP_SESSION_ID_SIZE 256

/* Bytes of requests and reports that wait to be sent: the longest request and some. */
#define RTSP_TALK_OUT_SIZE 20480

/* Bytes of the headers that are a request's own. */
#define RTSP_TALK_HEADERS_SIZE 512

struct rtsp_talk {
    const char *name; /* of the camera, for error texts: host[:port] */
    struct rtsp_wait *wait;
    struct rtsp_socket *socket; /* owned; NULL: not connected */
    struct rtsp_input input;
    struct rtsp_auth auth;
    char session_id[RTSP_SESSION_ID_SIZE]; /* "": none yet */
    uint32_t sequence;
    bool readable; /* the socket may have something */
    bool closed;   /* the camera closed the connection, or asked us to */
    char out[RTSP_TALK_OUT_SIZE];
    size_t out_size;

    /* The request under way; method NULL: none. */
    const char *method;
    char uri[RTSP_URL_SIZE];
    char headers[RTSP_TALK_HEADERS_SIZE];
};

/* 0; -ENOMEM. NAME, WAIT and the credentials stay the caller's. */
int rtsp_talk_init(struct rtsp_talk *talk, const char *name, struct rtsp_wait *wait, const char *username,
                   const char *password);
void rtsp_talk_finish(struct rtsp_talk *talk);

/* Connects anew. The credentials are kept unless FORGET, then they are never sent again. As
 * rtsp_socket_connect. */
int rtsp_talk_connect(struct rtsp_talk *talk, const struct rtsp_socket_options *options, bool forget,
                      int64_t deadline_ns, char error[RTSP_ERROR_SIZE]);

/* Sends a request. HEADERS are lines with their ends, or "". 0; -ENOBUFS: the camera takes nothing any more;
 * other negative errno. METHOD must be a literal. */
int rtsp_talk_begin(struct rtsp_talk *talk, const char *method, const char *uri, const char *headers,
                    char error[RTSP_ERROR_SIZE]);

/* The response is a 401: sends the request again with an answer to it. 0; negative errno and ERROR. */
int rtsp_talk_answer_challenge(struct rtsp_talk *talk, char error[RTSP_ERROR_SIZE]);

/* Sends bytes of another kind between requests, all or none. */
int rtsp_talk_send(struct rtsp_talk *talk, const void *head, size_t head_size, const void *data, size_t size);

/*
 * What has arrived, without waiting. 0: RTSP_EVENT_NONE: nothing; RTSP_EVENT_PACKET: talk->input;
 * RTSP_EVENT_MESSAGE: the response to the request, talk->input.message (the request is under way no more,
 * unless it is a 401). 1: the camera ended the connection. Negative errno and ERROR.
 */
int rtsp_talk_next(struct rtsp_talk *talk, enum rtsp_event *event, char error[RTSP_ERROR_SIZE]);

/*
 * Waits for the response to the request under way, and answers challenges. 0: talk->input.message, or, if
 * PACKETS, *event is RTSP_EVENT_PACKET: a packet came first, which the next rtsp_talk_next finds. Without
 * PACKETS packets are dropped. Negative errno and ERROR.
 */
int rtsp_talk_await(struct rtsp_talk *talk, bool packets, int64_t deadline_ns, enum rtsp_event *event,
                    char error[RTSP_ERROR_SIZE]);

/* What to wait for. */
struct pollfd rtsp_talk_poll(const struct rtsp_talk *talk);

/* What poll found. */
int rtsp_talk_polled(struct rtsp_talk *talk, short revents, char error[RTSP_ERROR_SIZE]);

/* Writes "NAME: …" to ERROR and returns CODE. */
int rtsp_talk_fail(const struct rtsp_talk *talk, int code, char error[RTSP_ERROR_SIZE], const char *format,
                   ...) __attribute__((format(printf, 4, 5)));

/* The same for a response of this status to METHOD. */
int rtsp_talk_refused(const struct rtsp_talk *talk, const char *method, int status,
                      char error[RTSP_ERROR_SIZE]);

#endif
