/* SPDX-License-Identifier: MIT */
/*
 * Every connection of viewers, from accept to its end, by the address that it comes from. Idle connections,
 * which wait for a request or belong to a paused viewer, cost a descriptor and memory, so they are bounded,
 * for each client and in all. Beyond a bound the oldest is closed, so that the next one always gets in; its
 * client can connect again. A client is an IPv4 address or the /64 of an IPv6 address, which is what one
 * subscriber has. ringcast-fanout's only thread.
 */
#ifndef FANOUT_LOOP_CONNECTIONS_H
#define FANOUT_LOOP_CONNECTIONS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "fanout/loop/watch.h"

struct lws;
struct permit;
struct guest;
struct follower;
struct asking;
struct post_body;
struct errand;
struct said;

/* How many idle connections of each kind there may be, unless ringcastd sets other limits. */
#define CONNECTIONS_IDLE_PER_CLIENT 1024
#define CONNECTIONS_IDLE_MAX 8192

enum connection_kind {
    CONNECTION_WAITING, /* plain HTTP: the first or the next request has not come */
    CONNECTION_PAUSED,  /* a viewer that is paused */
    CONNECTION_ENDING,  /* a viewer that was closed because it was paused, and has not answered yet */
    CONNECTION_BUSY,    /* any other connection; not bounded here */
};

/* What is to come within a time. */
enum connection_due {
    CONNECTION_FIRST, /* the first request, and TLS before it */
    CONNECTION_NEXT,  /* another request */
    CONNECTION_NONE,  /* nothing: a viewer */
};

/* How many kinds are bounded: all but the last. */
#define CONNECTION_IDLE_KINDS 3

#define CONNECTIONS_BUCKETS 1024u

TAILQ_HEAD(connection_list, connection);

struct client {
    LIST_ENTRY(client) link;
    uint8_t address[16];                                /* IPv6, or IPv4 in it (RFC 4291, 2.5.5.2) */
    unsigned connections;                               /* the client is freed with the last of them */
    unsigned idle[CONNECTION_IDLE_KINDS];               /* how many connections of each kind */
    struct connection_list list[CONNECTION_IDLE_KINDS]; /* the one that has been idle for longest first */
    size_t held; /* bytes that the kernel holds for the client; used by send_memory.c */
};

struct connection {
    TAILQ_ENTRY(connection) of_client, of_all, of_due, of_seen;
    struct client *client;
    struct lws *wsi;
    struct in6_addr peer;      /* where it comes from; IPv4 in IPv6 (RFC 4291, 2.5.5.2) */
    struct in6_addr address;   /* of whom it is: PEER's, or what a trusted proxy says of its visitor */
    void *stream;              /* the stream of a viewer; set by the router */
    struct permit *permit;     /* to watch it; owned by the server */
    struct guest *guest;       /* of a viewer that is one, made by the router; owned by the server */
    struct follower *follower; /* if it follows events; owned by followers.c */
    struct asking *asking;     /* what it waits for at the gate; owned by the gate */
    struct asking
        *early; /* the same for a request that has not been read yet, and the answer; owned by the gate */
    struct post_body *post; /* of the request that is coming in; owned by the router */
    struct errand *errand;  /* what a program is to answer, or is answering; owned by the router */
    char *
        opening; /* what the client of several cameras says in its address, or NULL; set by the router, owned by the server */
    struct said *said;     /* the text message that its viewer is sending; owned by viewer_connection.c */
    struct watch arrivals; /* while requests are to come: looks at what comes before it is read */
    char *head; /* what has been read over TLS of a head that is not whole; owned by unread_head.c */
    uint32_t head_length;
    uint32_t held_bytes; /* that are not read before more comes; owned by unread_head.c */
    uint64_t received;   /* bytes that had come when the last request was read; used by the router */
    int64_t since_ns;    /* CLOCK_MONOTONIC: when it was accepted, or its last request was read */
    enum connection_kind kind;
    enum connection_due due;
    const char *
        refusal; /* why its WebSocket is closed as soon as it is there, a static text; NULL: it is not; set by the router */
    uint16_t refusal_code; /* RFC 6455, 7.4 */
    bool is_bundle;        /* its WebSocket has several cameras; set by the router */
    bool keyframes;        /* of a viewer: it asks for keyframes only; set by the router */
    bool is_counted;       /* among its user's viewers; used by the server */
    bool is_ended;         /* its last answer is on its way, or it is not to have one */
    bool is_seen;          /* what has come over TLS was seen and not read yet; used by arrivals.c */
    unsigned amid; /* so many requests are answered before a head begins with what comes; see unread_head.c */
    bool is_folded;  /* a line of a head goes on in the next one; used by arrivals.c */
    bool is_doubted; /* it is a proxy's that says twice who the visitor is; set by the gate */
};

LIST_HEAD(client_bucket, client);

struct connections {
    struct client_bucket buckets[CONNECTIONS_BUCKETS];
    struct connection_list list[CONNECTION_IDLE_KINDS]; /* of all clients, the longest idle first */
    struct connection_list due[CONNECTION_NONE];        /* the one that has waited for longest first */
    unsigned count;                                     /* of all connections */
    unsigned idle[CONNECTION_IDLE_KINDS];
    unsigned per_client[CONNECTION_IDLE_KINDS], max[CONNECTION_IDLE_KINDS];
    uint64_t seed;   /* of the hash that chooses the bucket, so that an attacker cannot choose it */
    unsigned closed; /* how many were closed since the last line in the log about it */
    int64_t told_ns; /* CLOCK_MONOTONIC: when that line was logged */
    void (*close)(struct connection *connection, enum connection_kind kind);
    void (*added)(struct connection *connection);           /* NULL: not told */
    bool (*is_asking)(const struct connection *connection); /* bytes of it wait to be read; NULL: not known */
};

/*
 * Begins without limits. CLOSE ends a connection that was of KIND and has been made CONNECTION_BUSY; it may
 * free the connection, and is never called for the one that has just become idle.
 */
void connections_init(struct connections *connections,
                      void (*close)(struct connection *connection, enum connection_kind kind));

/*
 * Sets the limits of each kind to PER_CLIENT and MAX, but to no more than a part of TOTAL, the connections
 * that the process can have: a sixteenth for each client and an eighth in all for those that wait for
 * requests, the same for those that are ending, a quarter and a half for those that are paused. Returns how
 * many connections are left to viewers.
 */
unsigned connections_limit(struct connections *connections, unsigned per_client, unsigned max,
                           unsigned total);

/* Adds a connection that was just accepted from PEER and waits for a request. NULL: out of memory. */
struct connection *connections_add(struct connections *connections, struct lws *wsi,
                                   const struct sockaddr_storage *peer);

/*
 * CONNECTION counts from now on as one of the client at its `address`, which has changed: a connection of a proxy that has
 * become that of one visitor. Older connections of that client may be closed for it. Without memory all stays as it was.
 */
void connections_move(struct connections *connections, struct connection *connection);

/* Makes CONNECTION the newest of KIND. Older ones may be closed for it. */
void connections_enter(struct connections *connections, struct connection *connection,
                       enum connection_kind kind);

/* CONNECTION is the newest of its kind, if that is bounded. No other one is closed for it. */
void connections_renew(struct connections *connections, struct connection *connection);

/* From CONNECTION, of which a request has been read, DUE is to come. */
void connections_expect(struct connections *connections, struct connection *connection,
                        enum connection_due due);

/* How many connections there are of the client that ADDRESS belongs to. */
unsigned connections_count(const struct connections *connections, const struct in6_addr *address);

/* True if CONNECTION counts as one of the client that ADDRESS belongs to. */
bool connections_is_of(const struct connection *connection, const struct in6_addr *address);

/* The client that ADDRESS belongs to, as an address: itself, or the first one of its /64. */
void connections_client_address(const struct in6_addr *address, uint8_t client[16]);

/* That address as text: "192.0.2.7" or "2001:db8:0:7::". Returns TEXT. */
const char *connections_format_address(const struct in6_addr *address, char text[INET6_ADDRSTRLEN]);

/* PEER's address; IPv4 in IPv6 (RFC 4291, 2.5.5.2). */
struct in6_addr connections_address(const struct sockaddr_storage *peer);

/* Frees a connection that has ended. */
void connections_remove(struct connections *connections, struct connection *connection);

#endif
