/* SPDX-License-Identifier: MIT */
/*
 * What a program answers, checked: it has decoded what a camera sent, and may have been taken over by it. It must not be able to put
 * scripts or pages on the server's origin, to end a header, or to cut off a body that is being sent. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_PROGRAM_REPLY_H
#define FANOUT_HTTP_PROGRAM_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/ipc/channel.h"

/* Bytes of the longest body, entity tag and header lines. */
#define PROGRAM_REPLY_BODY_MAX (64u << 20)
#define PROGRAM_REPLY_ETAG_SIZE 80
#define PROGRAM_REPLY_HEADERS_SIZE 512
#define PROGRAM_REPLY_TEXT_SIZE 256

struct program_reply {
    int status;
    const char *type;                         /* one of those that are allowed; NULL: no body */
    char etag[PROGRAM_REPLY_ETAG_SIZE];       /* with its quotes; "": none */
    char cache_control[64];                   /* "": none was given */
    char headers[PROGRAM_REPLY_HEADERS_SIZE]; /* lines, each with CR LF */
    char text[PROGRAM_REPLY_TEXT_SIZE];       /* the body, if that is short */
    void *map;                                /* the body, a mapped memory file; NULL: it is `text` */
    size_t length;                            /* of the body */
};

/*
 * Reads and checks MESSAGE, an `answer`. 0, and REPLY is to be finished; -EBADMSG: it says what no program may say; -ENOMEM; other
 * negative errno: the body cannot be read.
 */
int program_reply_read(struct channel_message *message, struct program_reply *reply);

const void *program_reply_body(const struct program_reply *reply);
void program_reply_finish(struct program_reply *reply);

#endif
