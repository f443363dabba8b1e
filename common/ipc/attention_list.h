/* SPDX-License-Identifier: MIT */
/*
 * The events that are in force, the newest of each camera. ringcastd has one, for fan-outs that begin later, and each fan-out one, for
 * those who follow its events. Its owner's main thread.
 */
#ifndef COMMON_IPC_ATTENTION_LIST_H
#define COMMON_IPC_ATTENTION_LIST_H

#include <jansson.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/ipc/attention.h"

struct attention {
    TAILQ_ENTRY(attention) link;
    json_t *event;      /* as attention_read makes it */
    int64_t until_ns;   /* CLOCK_MONOTONIC */
    uint64_t number;    /* of the list, from 1 on; newer ones have larger ones */
    const char *camera; /* in `event` */
};

TAILQ_HEAD(attention_queue, attention);

struct attention_list {
    struct attention_queue queue; /* the oldest first */
    unsigned count;
    uint64_t newest; /* number */
};

void attention_list_init(struct attention_list *list);

/*
 * EVENT (not consumed) is in force from NOW_NS on, in place of the camera's last one. One of 0 s stays in the list for a while, so that it
 * can be told. 0; -ENOSPC: there are ATTENTION_MOST; -ENOMEM.
 */
int attention_list_add(struct attention_list *list, const json_t *event, int64_t now_ns);

/* A copy of the event with `for` as it is at NOW_NS; 0 if it is over. A new object, or NULL. */
json_t *attention_at(const struct attention *attention, int64_t now_ns);

void attention_list_finish(struct attention_list *list);

#endif
