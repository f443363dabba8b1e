/* SPDX-License-Identifier: MIT */
/*
 * Requests to a camera and its responses over one connection: sequence numbers, authentication, the camera's own
 * requests in between, interleaved packets. One request is under way at a time. Owned by one session; one thread.
 */
#ifndef INGEST_RTSP_RTSP_CONNECTION_H
#define INGEST_RTSP_RTSP_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/rtsp/login_gate.h"
#include "ingest/rtsp/rtsp_auth.h"
#include "ingest/rtsp/rtsp_input.h"
#include "ingest/rtsp/rtsp_socket.h"
#include "ingest/rtsp/rtsp_url.h"
#include "ingest/rtsp/rtsp_wait.h"

/* Bytes of a session's id with its NUL. */
#define RTSP_SESSION_ID_SIZE 512

/* Bytes of requests and reports that wait to be sent: the longest request and some more. */
#define RTSP_CONNECTION_OUT_SIZE 20480

/* Bytes of the headers that only one request has. */
#define RTSP_CONNECTION_HEADERS_SIZE 512

/* The credentials on one connection. */
enum rtsp_login {
    RTSP_LOGIN_UNKNOWN, /* not sent, or refused: ask the gate */
    RTSP_LOGIN_TRIED,   /* the gate allowed a request with them, whose outcome has to be reported */
    RTSP_LOGIN_PROVEN,  /* accepted */
};

struct rtsp_connection {
    const char *name; /* of the camera, for error texts: host[:port] */
    struct rtsp_wait *wait;
    struct rtsp_socket *socket; /* owned; NULL: not connected */
    struct rtsp_input input;
    struct rtsp_auth *auth;        /* belongs to the session's owner and outlives the connection */
    const struct login_gate *gate; /* the same; ask NULL: anything may be sent */
    enum rtsp_login login;
    bool login_worked;                     /* `login` has been RTSP_LOGIN_PROVEN on this connection */
    bool login_goes_on;                    /* refused, with another challenge to be answered */
    bool authorized;                       /* the request under way has credentials */
    char session_id[RTSP_SESSION_ID_SIZE]; /* "": none yet */
    uint32_t sequence;                     /* CSeq of the newest request */
    uint32_t unanswered;                   /* bit n: request SEQUENCE - n has had no final response */
    uint32_t answered;         /* CSeq of the last response, if it was that of its request; 0: none */
    uint64_t answered_hash;    /* of that response */
    unsigned answered_rightly; /* responses that had the CSeq of their requests, up to 2 */
    bool twice;                /* a response came again, which was logged */
    bool odd_sequence;         /* a response had another CSeq than its request, which was logged */
    bool challenged;           /* the newest response was a 401 */
    bool readable;             /* the socket may have something */
    bool closed;               /* the camera has closed the connection, or asked for that */
    char out[RTSP_CONNECTION_OUT_SIZE]; /* nothing secret lies behind the first out_size bytes */
    size_t out_size;

    /* The request under way; method NULL: none. */
    const char *method;
    char uri[RTSP_URL_SIZE];
    char headers[RTSP_CONNECTION_HEADERS_SIZE];
};

/* 0; -ENOMEM. NAME, WAIT, AUTH and GATE stay the caller's. */
int rtsp_connection_init(struct rtsp_connection *connection, const char *name, struct rtsp_wait *wait,
                         struct rtsp_auth *auth, const struct login_gate *gate);
void rtsp_connection_finish(struct rtsp_connection *connection);

/* Ends the present connection, if there is one, and makes another. As rtsp_socket_connect. */
int rtsp_connection_connect(struct rtsp_connection *connection, const struct rtsp_socket_options *options,
                            int64_t deadline_ns, char error[RTSP_ERROR_SIZE]);

/* Sends a request. HEADERS are lines with their ends, or "". 0; -ENOBUFS: the camera no longer takes anything;
 * -EACCES, -EBUSY: the gate allows no credentials; other negative errno. METHOD must be a literal. */
int rtsp_connection_begin(struct rtsp_connection *connection, const char *method, const char *uri,
                          const char *headers, char error[RTSP_ERROR_SIZE]);

/* Whether other streams' log-ins make those of this connection doubtful, so that the gate is asked before each request. */
enum login_doubt rtsp_connection_doubt(const struct rtsp_connection *connection);

/* The response is a 401: sends the request again with an answer to it. 0; negative errno and ERROR. */
int rtsp_connection_answer_challenge(struct rtsp_connection *connection, char error[RTSP_ERROR_SIZE]);

/* Sends other bytes between requests, all of them or none. */
int rtsp_connection_send(struct rtsp_connection *connection, const void *head, size_t head_size,
                         const void *data, size_t size);

/*
 * Takes what has arrived, without waiting. 0, and *event is RTSP_EVENT_NONE: nothing; RTSP_EVENT_PACKET: a packet, in
 * connection->input; RTSP_EVENT_MESSAGE: the response to the request, connection->input.message, after which the request is
 * done, unless it is a 401. 1: the camera ended the connection. Negative errno, with ERROR.
 */
int rtsp_connection_next(struct rtsp_connection *connection, enum rtsp_event *event,
                         char error[RTSP_ERROR_SIZE]);

/*
 * Waits for the response to the request under way, and answers challenges. 0: the response is connection->input.message; or,
 * with PACKETS, *event is RTSP_EVENT_PACKET: a packet came first, which the next rtsp_connection_next finds. Without PACKETS
 * packets are dropped. Negative errno, with ERROR.
 */
int rtsp_connection_await(struct rtsp_connection *connection, bool packets, int64_t deadline_ns,
                          enum rtsp_event *event, char error[RTSP_ERROR_SIZE]);

/* What to wait for. */
struct pollfd rtsp_connection_poll(const struct rtsp_connection *connection);

/* Takes the result of that poll. 0; negative errno, with ERROR. */
int rtsp_connection_polled(struct rtsp_connection *connection, short revents, char error[RTSP_ERROR_SIZE]);

/* Writes "NAME: …", with the camera's name, to ERROR and returns CODE. */
int rtsp_connection_fail(const struct rtsp_connection *connection, int code, char error[RTSP_ERROR_SIZE],
                         const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same for a response of this status to METHOD. */
int rtsp_connection_refused(const struct rtsp_connection *connection, const char *method, int status,
                            char error[RTSP_ERROR_SIZE]);

#endif
