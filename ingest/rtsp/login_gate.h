/* SPDX-License-Identifier: MIT */
/*
 * The gate that a source asks before it sends credentials to a camera, and to which it reports the outcome: cameras lock
 * accounts after some refused log-ins, and those of all streams count (docs/design/supervision.md, "Log-ins"). Owned by the
 * worker; one thread.
 */
#ifndef INGEST_RTSP_LOGIN_GATE_H
#define INGEST_RTSP_LOGIN_GATE_H

#include <stdbool.h>

enum login_result {
    LOGIN_ACCEPTED,
    LOGIN_REFUSED,      /* 401 although there were credentials */
    LOGIN_REFUSED_MORE, /* the same, and the next request answers another challenge */
    LOGIN_FORBIDDEN,    /* 403 */
    LOGIN_UNANSWERED,   /* the answer says nothing about the credentials, or there was none */
};

/* Bytes of an error text with its NUL. */
#define LOGIN_ERROR_SIZE 256

/* What other streams of the host have shown of credentials that this one has logged in with. */
enum login_doubt {
    LOGIN_NO_DOUBT,
    LOGIN_DOUBTED,          /* one was just refused, and may have answered another challenge */
    LOGIN_DENIED_ELSEWHERE, /* one was refused for good: whether the credentials still work is to be found out */
};

struct login_gate {
    /*
     * Whether a request may be sent with credentials that the camera has not accepted over this connection. BRIEFLY: do not
     * wait long, because pictures wait. 0: it may, and its outcome has to be reported with tell(); -EACCES: not now; -EBUSY:
     * not known yet; -ECANCELED. On error ERROR says why, and names the
     * camera's host if -EACCES.
     */
    int (*ask)(void *context, bool briefly, char error[LOGIN_ERROR_SIZE]);
    void (*tell)(void *context, enum login_result result);
    /* While there is doubt, credentials that were accepted over this connection are asked for, too. NULL: there is none. */
    enum login_doubt (*doubt)(void *context);
    void *context;
};

#endif
