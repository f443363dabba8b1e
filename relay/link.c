/* SPDX-License-Identifier: MIT */
#include "relay/link.h"

#include <errno.h>
#include <nats/nats.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/cluster/subject.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "relay/credentials.h"
#include "relay/link_private.h"

/* Milliseconds. A server that does not answer is given up soon: its cameras are away meanwhile. */
#define CONNECT_TIMEOUT_MS 1500
#define RECONNECT_WAIT_MS 250
#define RECONNECT_JITTER_MS 250
#define PING_INTERVAL_MS 1000
#define PINGS_OUT_MAX 2
#define WRITE_DEADLINE_MS 2000

/* What is kept for sending while the connection is down: subscriptions are made anew anyway, and old pictures are worth nothing. */
#define RECONNECT_BUFFER 4096

/* Bytes that wait for link_turn. More comes only while this process is stopped; streams go on with their next keyframe. */
#define QUEUE_MAX ((size_t)64 << 20)

/* Bytes of messages that are done with and are kept until they go together: some pictures, or one keyframe. */
#define SPENT_MAX ((size_t)64 << 10)

/* Messages in one turn, so that others have theirs. */
#define TURN_MESSAGES 256

/* The same error, such as that of a permission, is logged again after so long. */
#define ERROR_AGAIN_MS 60000

/* How soon it is noticed that the server is not the one that is named first, how often that one is looked for, and how long it may take until both hear each other. */
#define HOME_CHECK_MS 1000
#define HOME_LOOK_MS 10000
#define HOME_HEARD_MS 1000
#define HOME_STEP_MS 100

/* Subscriptions are to be at the server before anything is published there. */
#define HOME_FLUSH_MS 500

/* Longest URL of a server. */
#define URL_SIZE 512

/* At the end of the process. */
#define LIBRARY_END_MS 5000

/* Longest reason that is kept. */
#define WHY_SIZE 160

struct arrival {
    STAILQ_ENTRY(arrival) link;
    natsMsg *message;
};

STAILQ_HEAD(arrivals, arrival);

/* What the library says of one connection. */
struct line {
    struct link *link;
    bool used; /* it is the link's: others' ups and downs do not matter */
    bool lost; /* it was lost before it was used */
};

/*
 * Where the connection is. The library stays at the server that it has come to, so a second connection is made in a thread of its own. It is used once
 * the first server hears what the present one is told. The former one stays for a while, for what is on its way.
 *
 *   THERE ──▶ AWAY ──HOME_LOOK_MS──▶ SEEKING ──▶ LEAVING ──LINK_KEPT_MS──▶ THERE
 *               ◀─────not found──────────┘
 */
enum home { HOME_THERE, HOME_AWAY, HOME_SEEKING, HOME_LEAVING };

struct link {
    struct link_handlers handlers;
    struct credentials credentials;
    natsOptions *options;
    natsConnection *connection, *former;
    unsigned line;                        /* of `connection` */
    LIST_HEAD(, link_subscription) asked; /* all subscriptions */
    enum home home;
    uint64_t home_ms;            /* when something is to be done about it, except while it is sought */
    char first[URL_SIZE];        /* host and port of the first server; "": there is no other one */
    char heard_by[SUBJECT_SIZE]; /* what is sent to find out whether two servers hear each other */
    char hears[SUBJECT_SIZE];    /* and what it is heard by */
    pthread_t seeker;
    natsConnection *found; /* by the seeker; NULL: none */
    int wake;              /* eventfd: there is something in the queue, or the state has changed */
    struct arrivals spent; /* handed over, and not yet given back */
    size_t spent_size;
    bool told_up;
    char told_why[WHY_SIZE];
    struct link_counts counts; /* but for dropped and reconnects */

    pthread_mutex_t mutex; /* for what follows, which the library's threads write, and the seeker */
    struct line lines[2];
    bool sought; /* the seeker has ended */
    struct arrivals queue;
    size_t queued;
    bool up, was_up, closing;
    bool over; /* the library does not try any more */
    char why[WHY_SIZE];
    char error[WHY_SIZE]; /* the last one that was logged, and when */
    uint64_t error_ms;
    uint64_t dropped, reconnects;
};

struct link_subscription {
    LIST_ENTRY(link_subscription) link;
    struct link *of;
    char *subject;
    natsSubscription *subscription, *former;
};

/* --- In the library's threads --------------------------------------------------------------------------- */

static void wake(struct link *link)
{
    const uint64_t one = 1;

    (void)!write(link->wake, &one, sizeof(one));
}

static size_t size_of(const natsMsg *message)
{
    return (size_t)natsMsg_GetDataLength(message) + sizeof(struct arrival);
}

static void on_message(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                       void *closure)
{
    struct link *link = closure;
    struct arrival *arrival = malloc(sizeof(*arrival));
    bool first = false;

    (void)connection, (void)subscription;
    pthread_mutex_lock(&link->mutex);
    if (!arrival || link->closing || link->queued + size_of(message) > QUEUE_MAX) {
        link->dropped++;
        free(arrival);
        natsMsg_Destroy(message);
    } else {
        arrival->message = message;
        first = STAILQ_EMPTY(&link->queue);
        link->queued += size_of(message);
        STAILQ_INSERT_TAIL(&link->queue, arrival, link);
    }
    pthread_mutex_unlock(&link->mutex);
    if (first) {
        wake(link);
    }
}

/* What the server says when it does not know a key, or what a user name or password is wrong for. */
static bool is_refusal(const char *error)
{
    return strstr(error, "Authorization Violation") || strstr(error, "Authentication");
}

/* OVER: the library tries no more. Without another reason it does that after it was refused, and says that there is no server. */
static void set_state(struct line *line, natsConnection *connection, bool up, bool over)
{
    struct link *link = line->link;
    const char *error = NULL;
    natsStatus status = !up && connection ? natsConnection_GetLastError(connection, &error) : NATS_OK;

    if ((error && is_refusal(error)) || (over && status == NATS_NO_SERVER)) {
        error =
            "it refuses this node: cluster.credentials, or the user name and password in cluster.nats, must "
            "be those of one of its users";
    }
    pthread_mutex_lock(&link->mutex);
    if (!line->used) {
        line->lost = line->lost || !up;
        pthread_mutex_unlock(&link->mutex);
        return;
    }
    link->over = link->over || over;
    if (up && link->was_up && !link->up) {
        link->reconnects++;
    }
    link->up = up;
    link->was_up = link->was_up || up;
    snprintf(link->why, sizeof(link->why), "%s",
             up                ? ""
             : error && *error ? error
                               : "the connection was lost");
    pthread_mutex_unlock(&link->mutex);
    wake(link);
}

static void on_up(natsConnection *connection, void *closure)
{
    set_state(closure, connection, true, false);
}

static void on_down(natsConnection *connection, void *closure)
{
    set_state(closure, connection, false, false);
}

static void on_closed(natsConnection *connection, void *closure)
{
    set_state(closure, connection, false, true);
}

/* What a permission forbids, say. The connection stays. */
static void on_error(natsConnection *connection, natsSubscription *subscription, natsStatus status,
                     void *closure)
{
    struct link *link = ((struct line *)closure)->link;
    const char *error = NULL;

    (void)subscription;
    natsConnection_GetLastError(connection, &error);
    error = error && *error ? error : natsStatus_GetText(status);
    pthread_mutex_lock(&link->mutex);
    const uint64_t now_ms = clock_now_ms();
    const bool is_new = strncmp(link->error, error, sizeof(link->error) - 1) != 0 ||
                        now_ms >= link->error_ms + ERROR_AGAIN_MS;
    if (is_new) {
        snprintf(link->error, sizeof(link->error), "%s", error);
        link->error_ms = now_ms;
    }
    pthread_mutex_unlock(&link->mutex);
    if (is_new && status == NATS_NOT_PERMITTED) {
        log_warning("NATS forbids this node something that it needs: %s; deploy/nats/keys writes all of it",
                    error);
    } else if (is_new) {
        log_warning("NATS: %s", error);
    }
}

static natsStatus on_jwt(char **jwt, char **error, void *closure)
{
    const struct link *link = closure;

    (void)error;
    *jwt = strdup(link->credentials.jwt);
    return *jwt ? NATS_OK : NATS_NO_MEMORY;
}

static natsStatus on_sign(char **error, unsigned char **signature, int *length, const char *nonce,
                          void *closure)
{
    const struct link *link = closure;

    (void)error;
    return nats_Sign(link->credentials.seed, nonce, signature, length);
}

/* --- Options -------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *settings, const char *name)
{
    return json_string_value(json_object_get(settings, name));
}

static natsStatus set_servers(natsOptions *options, const json_t *list)
{
    size_t count = json_array_size(list);
    const char **servers = calloc(count + 1, sizeof(*servers));

    for (size_t i = 0; servers && i < count; i++) {
        const char *url = json_string_value(json_array_get(list, i));
        servers[i] = url ? url : "";
    }
    natsStatus status = !servers ? NATS_NO_MEMORY : natsOptions_SetServers(options, servers, (int)count);
    free(servers);
    return status ? status : natsOptions_SetNoRandomize(options, true); /* the nearest one comes first */
}

/* What the next connection says is of LINE. */
static natsStatus set_line(struct link *link, struct line *line)
{
    natsOptions *options = link->options;
    natsStatus status = natsOptions_SetRetryOnFailedConnect(options, true, on_up, line);

    status = status ? status : natsOptions_SetReconnectedCB(options, on_up, line);
    status = status ? status : natsOptions_SetDisconnectedCB(options, on_down, line);
    status = status ? status : natsOptions_SetClosedCB(options, on_closed, line);
    return status ? status : natsOptions_SetErrorHandler(options, on_error, line);
}

static natsStatus set_manners(struct link *link)
{
    natsOptions *options = link->options;
    natsStatus status = set_line(link, &link->lines[0]);

    status = status ? status : natsOptions_SetNoRandomize(options, true); /* the nearest is named first */
    status = status ? status : natsOptions_SetMaxReconnect(options, -1);
    status = status ? status : natsOptions_SetReconnectWait(options, RECONNECT_WAIT_MS);
    status =
        status ? status : natsOptions_SetReconnectJitter(options, RECONNECT_JITTER_MS, RECONNECT_JITTER_MS);
    status = status ? status : natsOptions_SetReconnectBufSize(options, RECONNECT_BUFFER);
    status = status ? status : natsOptions_SetTimeout(options, CONNECT_TIMEOUT_MS);
    status = status ? status : natsOptions_SetPingInterval(options, PING_INTERVAL_MS);
    status = status ? status : natsOptions_SetMaxPingsOut(options, PINGS_OUT_MAX);
    status = status ? status : natsOptions_SetWriteDeadline(options, WRITE_DEADLINE_MS);
    status = status ? status : natsOptions_SetSendAsap(options, true);
    status = status ? status : natsOptions_SetNoEcho(options, true);
    return status ? status : natsOptions_UseGlobalMessageDelivery(options, true);
}

static natsStatus set_tls(natsOptions *options, const json_t *settings)
{
    const char *ca = text_of(settings, "ca");
    const char *certificate = text_of(settings, "certificate"), *key = text_of(settings, "key");
    natsStatus status = NATS_OK;

    if (ca) {
        status = natsOptions_SetCATrustedCertificates(options, ca);
    }
    if (status == NATS_OK && certificate && key) {
        status = natsOptions_SetCertificatesChain(options, certificate, key);
    }
    return status;
}

static natsStatus set_credentials(struct link *link, const char *text)
{
    if (!text) {
        return NATS_OK;
    }
    if (credentials_read(&link->credentials, text) < 0) {
        log_error("cluster.credentials: the file has no nkey seed with a JWT or a public key; write one with "
                  "nsc or nk");
        return NATS_INVALID_ARG;
    }
    return link->credentials.jwt
               ? natsOptions_SetUserCredentialsCallbacks(link->options, on_jwt, link, on_sign, link)
               : natsOptions_SetNKey(link->options, link->credentials.public, on_sign, link);
}

static int set_options(struct link *link, const json_t *settings)
{
    const char *node = text_of(settings, "node");
    char inbox[SUBJECT_SIZE];
    natsStatus status = natsOptions_Create(&link->options);

    subject_inbox(inbox, message_string(settings, "name", ""), message_string(settings, "node", ""));
    status = status ? status : set_servers(link->options, json_object_get(settings, "nats"));
    status = status ? status : set_manners(link);
    status = status ? status : set_tls(link->options, settings);
    status = status ? status : set_credentials(link, text_of(settings, "credentials"));
    status = status ? status : natsOptions_SetName(link->options, node ? node : "ringcast");
    status = status ? status : natsOptions_SetCustomInboxPrefix(link->options, inbox);
    if (status != NATS_OK) {
        log_error("the settings of the cluster cannot be used: %s", natsStatus_GetText(status));
    }
    return status == NATS_OK ? 0 : status == NATS_NO_MEMORY ? -ENOMEM : -EBADMSG;
}

/* Host and port of URL. */
static void read_place(char place[URL_SIZE], const char *url)
{
    const char *scheme = strstr(url, "://"), *begin = scheme ? scheme + strlen("://") : url;
    const char *user = strrchr(begin, '@');

    begin = user ? user + 1 : begin;
    const char *bracket = strchr(begin, ']');
    snprintf(place, URL_SIZE, "%s%s", begin, strchr(bracket ? bracket : begin, ':') ? "" : ":4222");
}

/* Every node hears what is asked of it, and may ask: so it may ask itself. */
static void note_first(struct link *link, const json_t *settings)
{
    const char *cluster = message_string(settings, "name", ""), *node = message_string(settings, "node", "");
    const json_t *servers = json_object_get(settings, "nats");
    const char *url = json_string_value(json_array_get(servers, 0));

    if (url && json_array_size(servers) > 1) {
        read_place(link->first, url);
    }
    subject_all_asks(link->hears, cluster, node);
    subject_ask(link->heard_by, &(struct subject_stream){cluster, node, "-"});
}

/* --- Making and unmaking -------------------------------------------------------------------------------- */

static int connect_link(struct link *link)
{
    natsStatus status = natsConnection_Connect(&link->connection, link->options);

    if (status == NATS_OK) {
        set_state(&link->lines[0], NULL, true, false);
    } else if (status == NATS_NOT_YET_CONNECTED) {
        set_state(&link->lines[0], link->connection, false, false);
    } else {
        log_error("NATS cannot be reached, and will not be tried again with these settings: %s",
                  natsStatus_GetText(status));
        return -EBADMSG;
    }
    return 0;
}

int link_create(const json_t *settings, const struct link_handlers *handlers, struct link **made)
{
    struct link *link = calloc(1, sizeof(*link));

    if (!link) {
        return -ENOMEM;
    }
    *link = (struct link){.handlers = *handlers, .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    STAILQ_INIT(&link->queue);
    STAILQ_INIT(&link->spent);
    LIST_INIT(&link->asked);
    link->lines[0] = (struct line){.link = link, .used = true};
    link->lines[1] = (struct line){.link = link};
    pthread_mutex_init(&link->mutex, NULL);
    note_first(link, settings);
    int result = link->wake < 0 ? -errno : 0;
    if (result == 0) {
        nats_Open(-1);
        nats_SetMessageDeliveryPoolSize(1);
        result = set_options(link, settings);
    }
    if (result == 0) {
        result = connect_link(link);
    }
    if (result < 0) {
        link_destroy(link);
        return result;
    }
    *made = link;
    return 0;
}

static void drop(struct arrivals *arrivals)
{
    struct arrival *arrival;

    while ((arrival = STAILQ_FIRST(arrivals))) {
        STAILQ_REMOVE_HEAD(arrivals, link);
        natsMsg_Destroy(arrival->message);
        free(arrival);
    }
}

/* A callback may be at work in a thread of the library until that has ended all of them. */
void link_destroy(struct link *link)
{
    if (!link) {
        return;
    }
    pthread_mutex_lock(&link->mutex);
    link->closing = true;
    drop(&link->queue);
    pthread_mutex_unlock(&link->mutex);
    drop(&link->spent);
    if (link->home == HOME_SEEKING) {
        pthread_join(link->seeker, NULL);
    }
    natsConnection_Destroy(link->found);
    natsConnection_Destroy(link->former);
    natsConnection_Destroy(link->connection);
    natsOptions_Destroy(link->options);
    nats_CloseAndWait(LIBRARY_END_MS);
    if (link->wake >= 0) {
        close(link->wake);
    }
    credentials_finish(&link->credentials);
    pthread_mutex_destroy(&link->mutex);
    free(link);
}

/* --- In the thread of the caller ------------------------------------------------------------------------- */

int link_fd(const struct link *link)
{
    return link->wake;
}

static void tell_news(struct link *link)
{
    char why[WHY_SIZE];

    pthread_mutex_lock(&link->mutex);
    bool up = link->up;
    snprintf(why, sizeof(why), "%s", link->why);
    pthread_mutex_unlock(&link->mutex);
    if (up == link->told_up && strcmp(why, link->told_why) == 0) {
        return;
    }
    link->told_up = up;
    snprintf(link->told_why, sizeof(link->told_why), "%s", why);
    link->handlers.news(link->handlers.context, up, why);
}

static struct arrival *next_arrival(struct link *link)
{
    pthread_mutex_lock(&link->mutex);
    struct arrival *arrival = STAILQ_FIRST(&link->queue);
    if (arrival) {
        STAILQ_REMOVE_HEAD(&link->queue, link);
        link->queued -= size_of(arrival->message);
    }
    pthread_mutex_unlock(&link->mutex);
    return arrival;
}

static void hand_over(struct link *link, natsMsg *message)
{
    const struct link_message handed = {
        .subject = natsMsg_GetSubject(message),
        .reply = natsMsg_GetReply(message),
        .data = (const uint8_t *)natsMsg_GetData(message),
        .size = (size_t)natsMsg_GetDataLength(message),
        .nobody = natsMsg_IsNoResponders(message),
    };

    link->counts.received++;
    link->counts.received_bytes += handed.size;
    link->handlers.message(link->handlers.context, &handed);
}

/* The library frees messages in a thread of its own, which it wakes for each that is destroyed while that thread sleeps: so several go together. */
static void give_back(struct link *link, struct arrival *arrival)
{
    link->spent_size += size_of(arrival->message);
    STAILQ_INSERT_TAIL(&link->spent, arrival, link);
    if (link->spent_size > SPENT_MAX) {
        drop(&link->spent);
        link->spent_size = 0;
    }
}

void link_turn(struct link *link)
{
    struct arrival *arrival;
    uint64_t count;
    unsigned left = TURN_MESSAGES;

    (void)!read(link->wake, &count, sizeof(count));
    tell_news(link);
    while (left > 0 && (arrival = next_arrival(link))) {
        hand_over(link, arrival->message);
        give_back(link, arrival);
        left--;
    }
    if (left == 0) {
        wake(link);
    }
}

bool link_is_up(const struct link *link)
{
    return link->told_up;
}

bool link_is_over(struct link *link)
{
    pthread_mutex_lock(&link->mutex);
    bool over = link->over;
    pthread_mutex_unlock(&link->mutex);
    return over;
}

size_t link_message_max(const struct link *link)
{
    int64_t max = natsConnection_GetMaxPayload(link->connection);

    return max > 0 ? (size_t)max : 0;
}

/* At the present connection. */
static bool subscribe(struct link_subscription *subscription)
{
    struct link *link = subscription->of;
    natsStatus status = natsConnection_Subscribe(&subscription->subscription, link->connection,
                                                 subscription->subject, on_message, link);

    if (status != NATS_OK && status != NATS_CONNECTION_CLOSED) { /* else the link is over, which is said */
        log_warning("NATS: no subscription to %s: %s", subscription->subject, natsStatus_GetText(status));
    }
    return status == NATS_OK;
}

struct link_subscription *link_subscribe(struct link *link, const char *subject)
{
    struct link_subscription *made = calloc(1, sizeof(*made));

    if (!made) {
        return NULL;
    }
    made->of = link;
    made->subject = strdup(subject);
    if (!made->subject || !subscribe(made)) {
        free(made->subject);
        free(made);
        return NULL;
    }
    LIST_INSERT_HEAD(&link->asked, made, link);
    return made;
}

void link_renew(struct link_subscription *subscription)
{
    /* One that is only just moving to another connection is new there. */
    if (subscription->former || !subscription->of->told_up) {
        return;
    }
    natsSubscription_Destroy(subscription->subscription);
    subscription->subscription = NULL;
    subscribe(subscription);
}

void link_unsubscribe(struct link_subscription *subscription)
{
    if (subscription) {
        LIST_REMOVE(subscription, link);
        natsSubscription_Destroy(subscription->former);
        natsSubscription_Destroy(subscription->subscription);
        free(subscription->subject);
        free(subscription);
    }
}

int link_publish(struct link *link, const char *subject, const char *reply, const void *data, size_t size)
{
    if (!link->told_up) {
        return -ENOTCONN;
    }
    natsStatus status = reply
                            ? natsConnection_PublishRequest(link->connection, subject, reply, data, (int)size)
                            : natsConnection_Publish(link->connection, subject, data, (int)size);
    if (status == NATS_OK) {
        link->counts.sent++;
        link->counts.sent_bytes += size;
        return 0;
    }
    return status == NATS_MAX_PAYLOAD ? -EMSGSIZE : -EIO;
}

struct link_counts link_counts(const struct link *link)
{
    struct link *shared = (struct link *)link; /* only its mutex is written */
    struct link_counts counts = link->counts;

    pthread_mutex_lock(&shared->mutex);
    counts.dropped = shared->dropped;
    counts.reconnects = shared->reconnects;
    pthread_mutex_unlock(&shared->mutex);
    return counts;
}

natsConnection *link_connection(struct link *link)
{
    return link->connection;
}

/* --- Back to the first server --------------------------------------------------------------------------- */

static bool is_first(const struct link *link, natsConnection *connection)
{
    char url[URL_SIZE], place[URL_SIZE];

    if (natsConnection_GetConnectedUrl(connection, url, sizeof(url)) != NATS_OK) {
        return false;
    }
    read_place(place, url);
    return strcmp(place, link->first) == 0;
}

/* Whether what the present connection sends comes by FOUND: a server that has just begun knows no others yet. */
static bool hears(const struct link *link, natsConnection *found)
{
    const struct ask question = {.kind = ASK_LIVE};
    natsSubscription *subscription = NULL;
    uint8_t message[ASK_SIZE];
    bool heard = false;

    if (natsConnection_SubscribeSync(&subscription, found, link->hears) != NATS_OK) {
        return false;
    }
    const int size = (int)ask_write(message, &question);
    for (int ms = 0; !heard && ms < HOME_HEARD_MS; ms += HOME_STEP_MS) {
        natsMsg *came = NULL;
        natsConnection_Publish(link->connection, link->heard_by, message, size);
        while (!heard && natsSubscription_NextMsg(&came, subscription, HOME_STEP_MS) == NATS_OK) {
            heard = strcmp(natsMsg_GetSubject(came), link->heard_by) == 0;
            natsMsg_Destroy(came);
        }
    }
    natsSubscription_Destroy(subscription);
    return heard;
}

/* In a thread of its own, because it waits. The present connection is not replaced meanwhile. */
static void *seek(void *data)
{
    struct link *link = data;
    natsConnection *found = NULL;

    if (natsConnection_Connect(&found, link->options) != NATS_OK || !is_first(link, found) ||
        !hears(link, found)) {
        natsConnection_Destroy(found);
        found = NULL;
    }
    pthread_mutex_lock(&link->mutex);
    link->found = found;
    link->sought = true;
    pthread_mutex_unlock(&link->mutex);
    wake(link);
    nats_ReleaseThreadMemory();
    return NULL;
}

static void stay_away(struct link *link, uint64_t now_ms)
{
    link->home = HOME_AWAY;
    link->home_ms = now_ms + HOME_LOOK_MS;
}

static void begin_to_seek(struct link *link, uint64_t now_ms)
{
    struct line *line = &link->lines[1 - link->line];

    *line = (struct line){.link = link};
    link->sought = false;
    if (set_line(link, line) == NATS_OK && pthread_create(&link->seeker, NULL, seek, link) == 0) {
        link->home = HOME_SEEKING;
    } else {
        stay_away(link, now_ms);
    }
}

/* True: what is lost of the two connections is not the one that was found. */
static bool use_line(struct link *link, unsigned number)
{
    pthread_mutex_lock(&link->mutex);
    bool usable = link->up && !link->lines[number].lost;
    if (usable) {
        link->lines[link->line].used = false;
        link->lines[number].used = true;
        link->line = number;
        link->reconnects++;
    }
    pthread_mutex_unlock(&link->mutex);
    return usable;
}

/* FOUND takes the connection's place: subscriptions first, so that nothing is missed, then what is published. */
static bool go_home(struct link *link, natsConnection *found, uint64_t now_ms)
{
    struct link_subscription *subscription;

    if (!use_line(link, 1 - link->line)) {
        natsConnection_Destroy(found);
        stay_away(link, now_ms);
        return false;
    }
    natsConnection_FlushTimeout(link->connection, HOME_FLUSH_MS);
    link->former = link->connection;
    link->connection = found;
    LIST_FOREACH(subscription, &link->asked, link) {
        subscription->former = subscription->subscription;
        subscription->subscription = NULL;
        subscribe(subscription);
    }
    natsConnection_FlushTimeout(link->connection, HOME_FLUSH_MS);
    link->home = HOME_LEAVING;
    link->home_ms = now_ms + LINK_KEPT_MS;
    log_info("connected to the server of NATS that is named first again");
    return true;
}

static bool take_found(struct link *link, uint64_t now_ms)
{
    pthread_mutex_lock(&link->mutex);
    bool sought = link->sought;
    natsConnection *found = link->found;
    link->found = sought ? NULL : found;
    pthread_mutex_unlock(&link->mutex);
    if (!sought) {
        return false;
    }
    pthread_join(link->seeker, NULL);
    if (!found) {
        stay_away(link, now_ms);
        return false;
    }
    return go_home(link, found, now_ms);
}

static void leave_former(struct link *link)
{
    struct link_subscription *subscription;

    LIST_FOREACH(subscription, &link->asked, link) {
        natsSubscription_Destroy(subscription->former);
        subscription->former = NULL;
    }
    natsConnection_Destroy(link->former);
    link->former = NULL;
    link->home = HOME_THERE;
}

bool link_tend(struct link *link, uint64_t now_ms)
{
    if (link->home == HOME_SEEKING) {
        return take_found(link, now_ms);
    }
    if (link->first[0] == '\0' || now_ms < link->home_ms) {
        return false;
    }
    link->home_ms = now_ms + HOME_CHECK_MS;
    if (link->home == HOME_LEAVING) {
        leave_former(link);
    } else if (!link->told_up || is_first(link, link->connection)) {
        link->home = HOME_THERE;
    } else if (link->home == HOME_THERE) {
        stay_away(link, now_ms);
    } else {
        begin_to_seek(link, now_ms);
    }
    return false;
}
