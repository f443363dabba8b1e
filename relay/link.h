/* SPDX-License-Identifier: MIT */
/*
 * This node's connection to NATS. The library has threads of its own, which only put what comes into a queue; everything else is done in the
 * thread that calls link_turn. The connection is made again for as long as it takes, and subscriptions go with it. It goes back to the server that is named
 * first when that is there again, without being down meanwhile. One for the process.
 *
 *             connected                  lost
 *   down ────────────────▶ up ────────────────────▶ down      link_news says each of them
 *    │ every server has refused this node twice
 *    └─────────▶ over: it is to be made anew (link_is_over)
 */
#ifndef RELAY_LINK_H
#define RELAY_LINK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link;
struct link_subscription;

/* What came: valid during the call. */
struct link_message {
    const char *subject;
    const char *reply; /* NULL: none */
    const uint8_t *data;
    size_t size;
    bool nobody; /* the server's answer to a question that nobody hears */
};

struct link_handlers {
    void *context;
    void (*message)(void *context, const struct link_message *message);
    /* The connection is there, or it is not and WHY says so. */
    void (*news)(void *context, bool up, const char *why);
};

/* What was done since the process began. */
struct link_counts {
    uint64_t sent, sent_bytes, received, received_bytes;
    uint64_t dropped;    /* came faster than they were read, and were dropped */
    uint64_t reconnects; /* connections after the first one */
};

/*
 * Begins to connect, which goes on in the background. SETTINGS is the object `cluster` of ringcastd's message (docs/reference/control.md).
 * 0; -EBADMSG: the settings cannot be used, which was logged; -ENOMEM.
 */
int link_create(const json_t *settings, const struct link_handlers *handlers, struct link **made);

/* Ends the connection, the subscriptions and the library's threads, which may take some seconds. NULL is allowed. */
void link_destroy(struct link *link);

/* To be waited for: it is readable when link_turn has something to do. */
int link_fd(const struct link *link);

/* Hands what came to the handlers, a bounded part of it: link_fd stays readable for the rest. */
void link_turn(struct link *link);

/*
 * To be called at least once a second. True: the connection has been replaced by one to the server that is named first, and link_connection() is
 * another one. For a while what comes may come twice.
 */
bool link_tend(struct link *link, uint64_t now_ms);

bool link_is_up(const struct link *link);

/* Whether the library has given up, as it does when it was refused: only another link can still connect. */
bool link_is_over(struct link *link);

/* The longest message that the server takes, in bytes, as far as it is known. */
size_t link_message_max(const struct link *link);

/* Messages of SUBJECT, which may have wildcards, come until link_unsubscribe. NULL: out of memory, or the connection is closed. */
struct link_subscription *link_subscribe(struct link *link, const char *subject);

/*
 * Subscribes anew, so that servers tell each other of it again: those of a cluster that have been restarted, or did not hear each other for a while, may not know
 * of a subscription at another one (nats-server 2.9.10). What comes in this moment is lost.
 */
void link_renew(struct link_subscription *subscription);

/* NULL is allowed. What came before may still be handed over. */
void link_unsubscribe(struct link_subscription *subscription);

/*
 * Sends a message at once. REPLY may be NULL. Nothing is kept while the connection is down. It may take up to two seconds if the server reads
 * nothing; the connection is given up then. 0; -ENOTCONN; -EMSGSIZE: longer than link_message_max; -EIO.
 */
int link_publish(struct link *link, const char *subject, const char *reply, const void *data, size_t size);

struct link_counts link_counts(const struct link *link);

#endif
