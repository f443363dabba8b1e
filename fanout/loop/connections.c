/* SPDX-License-Identifier: MIT */
#include "fanout/loop/connections.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/log/log.h"

/* Between two lines about connections that were closed. */
#define TELL_INTERVAL_NS (10 * NS_PER_SECOND)

/* So many whose requests wait are passed over in the search for one that is idle. */
#define SPARED_MAX 32

/* Bytes of an address that tell clients apart, if it is not IPv4: a /64. */
#define PREFIX_BYTES 8

/* Of the total, these parts may be idle, of each kind: in all, and of one client. */
static const unsigned max_part[CONNECTION_IDLE_KINDS] = {
    [CONNECTION_WAITING] = 8, [CONNECTION_PAUSED] = 2, [CONNECTION_ENDING] = 8};
static const unsigned client_part[CONNECTION_IDLE_KINDS] = {
    [CONNECTION_WAITING] = 16, [CONNECTION_PAUSED] = 4, [CONNECTION_ENDING] = 16};

/* ---- Clients ---- */

struct in6_addr connections_address(const struct sockaddr_storage *peer)
{
    struct in6_addr address = {0};

    if (peer->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
        address.s6_addr[10] = address.s6_addr[11] = 0xff;
        memcpy(&address.s6_addr[12], &v4->sin_addr, sizeof(v4->sin_addr));
    } else if (peer->ss_family == AF_INET6) {
        address = ((const struct sockaddr_in6 *)peer)->sin6_addr;
    }
    return address;
}

void connections_client_address(const struct in6_addr *address, uint8_t client[16])
{
    memset(client, 0, 16);
    memcpy(client, address, IN6_IS_ADDR_V4MAPPED(address) ? 16 : PREFIX_BYTES);
}

static const char *format_client(const uint8_t client[16], char text[INET6_ADDRSTRLEN])
{
    struct in6_addr address;

    memcpy(&address, client, sizeof(address));
    bool mapped = IN6_IS_ADDR_V4MAPPED(&address);
    const void *bytes = mapped ? client + 12 : client;
    const char *result = inet_ntop(mapped ? AF_INET : AF_INET6, bytes, text, INET6_ADDRSTRLEN);
    return result ? result : "?";
}

const char *connections_format_address(const struct in6_addr *address, char text[INET6_ADDRSTRLEN])
{
    uint8_t client[16];

    connections_client_address(address, client);
    return format_client(client, text);
}

static struct client_bucket *bucket_of(const struct connections *connections, const uint8_t address[16])
{
    uint64_t hash =
        hash_add(hash_add(HASH_START, &connections->seed, sizeof(connections->seed)), address, 16);

    return (struct client_bucket *)&connections->buckets[(hash ^ hash >> 32) % CONNECTIONS_BUCKETS];
}

/* The client with ADDRESS in BUCKET; NULL: it is not there. */
static struct client *look_up(struct client_bucket *bucket, const uint8_t address[16])
{
    struct client *client;

    LIST_FOREACH(client, bucket, link) {
        if (memcmp(client->address, address, sizeof(client->address)) == 0) {
            return client;
        }
    }
    return NULL;
}

/* The client that WHOLE belongs to, made if it is not there. NULL: no memory. */
static struct client *find_client(struct connections *connections, const struct in6_addr *whole)
{
    uint8_t address[16];

    connections_client_address(whole, address);
    struct client_bucket *bucket = bucket_of(connections, address);
    struct client *client = look_up(bucket, address);
    if (client) {
        return client;
    }
    client = calloc(1, sizeof(*client));
    if (client) {
        memcpy(client->address, address, sizeof(address));
        for (int i = 0; i < CONNECTION_IDLE_KINDS; i++) {
            TAILQ_INIT(&client->list[i]);
        }
        LIST_INSERT_HEAD(bucket, client, link);
    }
    return client;
}

/* ---- Kinds ---- */

static void leave_kind(struct connections *connections, struct connection *connection)
{
    enum connection_kind kind = connection->kind;

    if (kind != CONNECTION_BUSY) {
        TAILQ_REMOVE(&connection->client->list[kind], connection, of_client);
        TAILQ_REMOVE(&connections->list[kind], connection, of_all);
        connection->client->idle[kind]--;
        connections->idle[kind]--;
        connection->kind = CONNECTION_BUSY;
    }
}

static const char *strkind(enum connection_kind kind)
{
    static const char *const names[] = {"one without a request", "a paused viewer",
                                        "a viewer that does not answer its close frame", "a viewer"};
    return names[kind];
}

static void tell(struct connections *connections, const struct client *client, enum connection_kind kind,
                 bool of_client)
{
    char address[INET6_ADDRSTRLEN];
    int64_t now_ns = clock_now_ns();

    connections->closed++;
    if (connections->told_ns != 0 && now_ns - connections->told_ns < TELL_INTERVAL_NS) {
        return;
    }
    log_warning("idle connections closed: %u, the last of them %s from %s; there may be %u %s (%s)",
                connections->closed, strkind(kind), format_client(client->address, address),
                of_client ? connections->per_client[kind] : connections->max[kind],
                of_client ? "from one address" : "in all", of_client ? "idle_per_client" : "idle_max");
    connections->told_ns = now_ns;
    connections->closed = 0;
}

void connections_renew(struct connections *connections, struct connection *connection)
{
    enum connection_kind kind = connection->kind;

    if (kind == CONNECTION_BUSY) {
        return;
    }
    TAILQ_REMOVE(&connection->client->list[kind], connection, of_client);
    TAILQ_REMOVE(&connections->list[kind], connection, of_all);
    TAILQ_INSERT_TAIL(&connection->client->list[kind], connection, of_client);
    TAILQ_INSERT_TAIL(&connections->list[kind], connection, of_all);
}

/*
 * The one of KIND that is idle for longest: of CLIENT, or of all if that is NULL; never NEWEST. One whose request has
 * come and was not read yet is not idle. NULL: the first ones are all of that sort, as in a burst of requests.
 */
static struct connection *find_idle(struct connections *connections, const struct client *client,
                                    const struct connection *newest)
{
    enum connection_kind kind = newest->kind;

    for (int i = 0; i < SPARED_MAX; i++) {
        struct connection *oldest = TAILQ_FIRST(client ? &client->list[kind] : &connections->list[kind]);
        if (oldest == newest) {
            return NULL;
        }
        if (!connections->is_asking || kind != CONNECTION_WAITING || !connections->is_asking(oldest)) {
            return oldest;
        }
        connections_renew(connections, oldest);
    }
    return NULL;
}

/* Closes the longest idle ones of the kind that NEWEST has just become, while there are too many of its client, or in all. */
static void keep_bounds(struct connections *connections, const struct connection *newest)
{
    const struct client *client = newest->client;
    enum connection_kind kind = newest->kind;

    for (;;) {
        bool of_client = client->idle[kind] > connections->per_client[kind];
        if (!of_client && connections->idle[kind] <= connections->max[kind]) {
            return;
        }
        struct connection *oldest = find_idle(connections, of_client ? client : NULL, newest);
        if (!oldest) {
            return;
        }
        leave_kind(connections, oldest);
        tell(connections, oldest->client, kind, of_client);
        connections->close(oldest, kind);
    }
}

void connections_enter(struct connections *connections, struct connection *connection,
                       enum connection_kind kind)
{
    leave_kind(connections, connection);
    if (kind == CONNECTION_BUSY) {
        return;
    }
    connection->kind = kind;
    TAILQ_INSERT_TAIL(&connection->client->list[kind], connection, of_client);
    TAILQ_INSERT_TAIL(&connections->list[kind], connection, of_all);
    connection->client->idle[kind]++;
    connections->idle[kind]++;
    keep_bounds(connections, connection);
}

/* ---- In and out ---- */

struct connection *connections_add(struct connections *connections, struct lws *wsi,
                                   const struct sockaddr_storage *peer)
{
    const struct in6_addr address = connections_address(peer);
    struct connection *connection = calloc(1, sizeof(*connection));
    struct client *client = connection ? find_client(connections, &address) : NULL;

    if (!client) {
        free(connection);
        return NULL;
    }
    client->connections++;
    *connection = (struct connection){
        .client = client,
        .wsi = wsi,
        .peer = address,
        .address = address,
        .since_ns = clock_now_ns(),
        .kind = CONNECTION_BUSY,
    };
    connections->count++;
    TAILQ_INSERT_TAIL(&connections->due[CONNECTION_FIRST], connection, of_due);
    connections_enter(connections, connection, CONNECTION_WAITING);
    if (connections->added) {
        connections->added(connection);
    }
    return connection;
}

static void leave_client(struct client *client)
{
    if (--client->connections == 0) {
        LIST_REMOVE(client, link);
        free(client);
    }
}

void connections_move(struct connections *connections, struct connection *connection)
{
    enum connection_kind kind = connection->kind;
    struct client *before = connection->client, *now = find_client(connections, &connection->address);

    if (!now || now == before) {
        return;
    }
    leave_kind(connections, connection);
    now->connections++;
    connection->client = now;
    leave_client(before);
    connections_enter(connections, connection, kind);
}

void connections_expect(struct connections *connections, struct connection *connection,
                        enum connection_due due)
{
    if (connection->due != CONNECTION_NONE) {
        TAILQ_REMOVE(&connections->due[connection->due], connection, of_due);
    }
    connection->due = due;
    if (due != CONNECTION_NONE) {
        connection->since_ns = clock_now_ns();
        TAILQ_INSERT_TAIL(&connections->due[due], connection, of_due);
    }
}

unsigned connections_count(const struct connections *connections, const struct in6_addr *address)
{
    uint8_t client_address[16];

    connections_client_address(address, client_address);
    const struct client *client = look_up(bucket_of(connections, client_address), client_address);
    return client ? client->connections : 0;
}

bool connections_is_of(const struct connection *connection, const struct in6_addr *address)
{
    uint8_t client_address[16];

    connections_client_address(address, client_address);
    return memcmp(connection->client->address, client_address, sizeof(client_address)) == 0;
}

void connections_remove(struct connections *connections, struct connection *connection)
{
    struct client *client = connection->client;

    connections_expect(connections, connection, CONNECTION_NONE);
    connections->count--;
    leave_kind(connections, connection);
    free(connection);
    leave_client(client);
}

/* ---- Limits ---- */

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned connections_limit(struct connections *connections, unsigned per_client, unsigned max, unsigned total)
{
    for (int i = 0; i < CONNECTION_IDLE_KINDS; i++) {
        connections->max[i] = least(max, total / max_part[i]);
        connections->per_client[i] = least(per_client, total / client_part[i]);
        /* At least the one that has just become idle may be. */
        connections->max[i] += connections->max[i] == 0;
        connections->per_client[i] += connections->per_client[i] == 0;
    }
    return total - least(total / 2, connections->max[CONNECTION_WAITING]);
}

void connections_init(struct connections *connections,
                      void (*close)(struct connection *connection, enum connection_kind kind))
{
    *connections = (struct connections){.close = close};
    TAILQ_INIT(&connections->due[CONNECTION_FIRST]);
    TAILQ_INIT(&connections->due[CONNECTION_NEXT]);
    for (int i = 0; i < CONNECTION_IDLE_KINDS; i++) {
        TAILQ_INIT(&connections->list[i]);
        connections->max[i] = connections->per_client[i] = UINT32_MAX;
    }
    for (size_t i = 0; i < CONNECTIONS_BUCKETS; i++) {
        LIST_INIT(&connections->buckets[i]);
    }
    if (getrandom(&connections->seed, sizeof(connections->seed), 0) < 0) {
        connections->seed = (uint64_t)clock_now_ns();
    }
}
