/*
 * Every connection of viewers, from accept to its end, by the address that it comes from. Idle ones cost a
 * descriptor and memory and are nobody's loss for long, so they are bounded, for each client and in all:
 * connections that wait for a request, and viewers that are paused. Beyond a bound the oldest is closed, so
 * that the next one always gets in. A client is an IPv4 address or the /64 of an IPv6 address, which is what
 * one subscriber has. ringcast-fanout's only thread.
 */
#ifndef FANOUT_LOOP_CONNECTIONS_H
#define FANOUT_LOOP_CONNECTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

struct lws;

/* How many idle connections of each kind there may be, unless ringcastd says otherwise. */
#define CONNECTIONS_IDLE_PER_CLIENT 1024
#define CONNECTIONS_IDLE_MAX 8192

enum connection_kind {
    CONNECTION_WAITING, /* plain HTTP: it waits for a request, the first one or the next */
    CONNECTION_PAUSED,  /* a viewer that is paused */
    CONNECTION_ENDING,  /* a viewer that was closed for being paused, and has yet to answer */
    CONNECTION_BUSY,    /* any other: not bounded here */
};

/* Kinds that are bounded. */
#define CONNECTION_IDLE_KINDS 3

#define CONNECTIONS_BUCKETS 1024u

TAILQ_HEAD(connection_list, connection);

struct client {
    LIST_ENTRY(client) link;
    uint8_t address[16];                                /* IPv6, or IPv4 in it (RFC 4291, 2.5.5.2) */
    unsigned connections;                               /* the client is freed with the last of them */
    unsigned idle[CONNECTION_IDLE_KINDS];               /* how many of each kind … */
    struct connection_list list[CONNECTION_IDLE_KINDS]; /* … the one that is idle for longest first */
    size_t held; /* bytes: send_memory.h adds up here what the kernel holds for it */
};

struct connection {
    TAILQ_ENTRY(connection) of_client, of_all;
    struct client *client;
    struct lws *wsi;
    void *stream; /* of a viewer: what it watches; the router sets it */
    enum connection_kind kind;
};

LIST_HEAD(client_bucket, client);

struct connections {
    struct client_bucket buckets[CONNECTIONS_BUCKETS];
    struct connection_list list[CONNECTION_IDLE_KINDS]; /* of all clients, the longest idle first */
    unsigned idle[CONNECTION_IDLE_KINDS];
    unsigned per_client[CONNECTION_IDLE_KINDS], max[CONNECTION_IDLE_KINDS];
    uint64_t seed;   /* of the buckets: an attacker is not to choose them */
    unsigned closed; /* since the log last told */
    int64_t told_ns; /* when that was, CLOCK_MONOTONIC */
    void (*close)(struct connection *connection, enum connection_kind kind);
};

/*
 * No limits yet. CLOSE ends a connection that was of KIND and is CONNECTION_BUSY by now; it may free the
 * connection, and is never called for the one that has just become idle.
 */
void connections_init(struct connections *connections,
                      void (*close)(struct connection *connection, enum connection_kind kind));

/*
 * For each kind PER_CLIENT and MAX, but not more than a part of SEATS, the connections that the process can
 * have at all: a sixteenth and an eighth of them may wait for requests, and as many may be ending; a quarter
 * and a half may be paused. Returns the seats that are left to viewers.
 */
unsigned connections_limit(struct connections *connections, unsigned per_client, unsigned max,
                           unsigned seats);

/* A connection that was just accepted from PEER; it waits for a request. NULL: no memory. */
struct connection *connections_add(struct connections *connections, struct lws *wsi,
                                   const struct sockaddr_storage *peer);

/* CONNECTION is of KIND from now on, and the newest of it. Others may be closed for that. */
void connections_enter(struct connections *connections, struct connection *connection,
                       enum connection_kind kind);

/* The connection has ended. Frees it. */
void connections_remove(struct connections *connections, struct connection *connection);

#endif
