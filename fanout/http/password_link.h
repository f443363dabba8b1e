/* SPDX-License-Identifier: MIT */
/*
 * Questions to ringcast-password, which alone has the hashes of passwords and checks them, because one check takes as
 * long as hundreds of requests. Nobody waits here: the answer comes by a call, and the asker may go away before it.
 * The channel is that of the message `password-channel` (docs/reference/control.md). ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_PASSWORD_LINK_H
#define FANOUT_HTTP_PASSWORD_LINK_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/queue.h>

#include "fanout/loop/watch.h"

/* Questions that wait for an answer: in all, and of one address, which must not take every place. */
#define PASSWORD_LINK_MAX 256u
#define PASSWORD_LINK_PER_ADDRESS 16u

/* Bytes of an address as text, with its NUL. */
#define PASSWORD_ADDRESS_SIZE INET6_ADDRSTRLEN

enum password_answer {
    PASSWORD_RIGHT,
    PASSWORD_WRONG,
    PASSWORD_SLOW,   /* too many guesses from this address or for this user */
    PASSWORD_NOBODY, /* there is no ringcast-password at the moment */
};

/* One question. In the asker's memory, and in a link's list while it waits. */
struct password_question {
    TAILQ_ENTRY(password_question) link;
    uint64_t number; /* 0: it does not wait */
    char address[PASSWORD_ADDRESS_SIZE];
    /* Called once, never from within password_link_ask; RETRY_S: when to try again, for PASSWORD_SLOW. */
    void (*answered)(struct password_question *question, enum password_answer answer, int retry_s);
};

TAILQ_HEAD(password_questions, password_question);

struct password_link {
    struct watch channel;
    struct password_questions questions; /* the oldest first */
    unsigned count;
    uint64_t numbers; /* given out so far */
};

void password_link_init(struct password_link *link);

/*
 * Asks over CHANNEL from now on, which the loop owns then. What waits for an answer from the process before gets
 * PASSWORD_NOBODY. 0 or negative errno.
 */
int password_link_connect(struct password_link *link, struct loop *loop, int channel);

/*
 * Asks whether PASSWORD is USER's. QUESTION has its address and `answered`. 0; -ENOTCONN: there is nobody to ask;
 * -EBUSY: too many questions of this address wait; -EAGAIN: too many in all; -ENOMEM.
 */
int password_link_ask(struct password_link *link, struct password_question *question, const char *user,
                      const char *password);

/* The asker of QUESTION has gone: there will be no call. Does nothing if it does not wait. */
void password_link_cancel(struct password_link *link, struct password_question *question);

/* Nobody gets an answer any more. */
void password_link_finish(struct password_link *link);

#endif
