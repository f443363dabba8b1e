/*
 * Who is asked before credentials are sent to a camera, and told what became of them: cameras lock accounts after some
 * refused log-ins, and those of all streams count (docs/design/supervision.md, "Log-ins"). The worker's; a source calls it.
 * One thread.
 */
#ifndef INGEST_RTSP_LOGIN_GATE_H
#define INGEST_RTSP_LOGIN_GATE_H

#include <stdbool.h>

enum login_result {
    LOGIN_ACCEPTED,
    LOGIN_REFUSED,      /* 401 although there were credentials */
    LOGIN_REFUSED_MORE, /* that, and the next request answers another challenge */
    LOGIN_FORBIDDEN,    /* 403 */
    LOGIN_UNANSWERED,   /* the answer says nothing about them, or there was none */
};

/* Bytes of an error text with its NUL. */
#define LOGIN_ERROR_SIZE 256

struct login_gate {
    /*
     * Whether a request with credentials may be sent that the camera has not accepted over this connection. BRIEFLY:
     * pictures wait. 0: it may, and its outcome is to be told; -EACCES: not now; -EBUSY: that is not known; -ECANCELED;
     * ERROR then says why.
     */
    int (*ask)(void *context, bool briefly, char error[LOGIN_ERROR_SIZE]);
    void (*tell)(void *context, enum login_result result);
    void *context;
};

#endif
