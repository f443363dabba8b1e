/* SPDX-License-Identifier: MIT */
/*
 * Questions to the programs that run only while they are asked (docs/reference/control.md, "Programs on demand"): ringcast-snapshot and
 * its like. Nobody waits here: the answer comes by a call, and the asker may go away before it. While there is no channel to a program,
 * ringcastd is told that it is wanted, and the question is sent when the channel comes. A program may die of a question, so a
 * question is put twice at most. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_PROGRAM_LINK_H
#define FANOUT_HTTP_PROGRAM_LINK_H

#include <jansson.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "fanout/http/program_reply.h"
#include "fanout/loop/watch.h"

/* Questions that wait for an answer: in all, and of one client, which must not take every place. */
#define PROGRAM_LINK_MAX 1024u
#define PROGRAM_LINK_PER_CLIENT 128u

/* Milliseconds for which an answer is awaited, unless the question says otherwise. */
#define PROGRAM_LINK_PATIENCE_MS 10000

enum program_kind { PROGRAM_SNAPSHOT, PROGRAM_HLS, PROGRAM_KINDS };

/* One question. In the asker's memory, and in a link's list while it waits. */
struct program_ask {
    TAILQ_ENTRY(program_ask) link;
    enum program_kind program;
    uint64_t number;    /* 0: it does not wait */
    uint8_t client[16]; /* whose question it is (connections_client_address) */
    json_t *message;    /* as it is sent */
    int64_t until_ns;   /* CLOCK_MONOTONIC: no answer is awaited after it */
    unsigned sent;      /* to how many processes it was sent */
    int64_t process;    /* the last of them */
    bool is_out;        /* the present channel has it */
    /* Called once, never from within program_link_ask. REPLY, which is the callee's to finish then, or NULL: there is no answer. */
    void (*answered)(struct program_ask *ask, struct program_reply *reply);
    /* True if nobody waits for the answer any more; then `answered` is called with NULL. */
    bool (*is_abandoned)(const struct program_ask *ask);
};

TAILQ_HEAD(program_asks, program_ask);

struct program_link {
    struct loop *loop;
    struct program_channel {
        struct program_link *link;
        enum program_kind program;
        struct watch watch;
        int64_t process; /* that is at the other end, or was there last */
        bool wanted;     /* ringcastd was told */
    } channels[PROGRAM_KINDS];
    struct program_asks asks; /* the oldest first */
    unsigned count;
    uint64_t numbers;         /* given out so far */
    struct watch_timer timer; /* armed while a question waits */
    bool armed;
    /* Tells ringcastd that PROGRAM is wanted. False: it cannot be told now. */
    bool (*want)(void *context, const char *program);
    void *context;
};

/* What PROGRAM is called in messages. */
const char *program_link_name(enum program_kind program);

/* `want` and `context` are then to be set. 0 or negative errno. */
int program_link_begin(struct program_link *link, struct loop *loop);

/* Nobody gets an answer any more. Before the loop ends. */
void program_link_end(struct program_link *link);

/* The program NAME, which is process PROCESS, is asked over CHANNEL from now on, which the loop owns then. 0; -ENOENT: there is no such program; -EIO. */
int program_link_connect(struct program_link *link, const char *name, int64_t process, int channel);

/* Another ringcastd has taken over, and may not know what is wanted. */
void program_link_report_again(struct program_link *link);

/*
 * Asks ASK's program for WHAT of STREAM; QUERY (consumed) has what was asked for in detail, PREFIX is what is before the server's paths in
 * the asker's browser. ASK has its `program`, `answered` and `is_abandoned`. 0; -EBUSY: too many questions of this client wait;
 * -EAGAIN: too many in all; -ENOMEM.
 */
int program_link_ask(struct program_link *link, struct program_ask *ask, const struct in6_addr *address,
                     const char *stream, const char *what, json_t *query, const char *prefix,
                     long patience_ms);

/* The asker of ASK has gone: there will be no call. Does nothing if it does not wait. */
void program_link_cancel(struct program_link *link, struct program_ask *ask);

#endif
