/* SPDX-License-Identifier: MIT */
#include "fanout/server.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "fanout/bundle_connection.h"
#include "fanout/http/bundle_command.h"
#include "fanout/http/said.h"
#include "fanout/http/subprotocol.h"
#include "fanout/http/unread_request.h"
#include "fanout/http/viewer_command.h"
#include "fanout/viewer_connection.h"

/* Viewers have this long to take their close frame before the process ends. */
#define STOP_PATIENCE_MS 500

/* libwebsockets makes tables as large as the limit of descriptors: enough for a process, 0.5 MB. */
#define DESCRIPTORS_MAX 32768u

/* Descriptors for everything but viewers: one eventfd per camera (at most 1000), and a few. */
#define DESCRIPTORS_RESERVED 1100u

/* A message is handed to send() whole: libwebsockets' default cuts it up at 4096 bytes. */
#define SEND_MAX (1u << 30)

/* As if there were so many connections at least, parts of them may be idle. */
#define IDLE_TOTAL_MIN 512u

/* Browsers' and proxies' patience with a silent connection is 60 s or less. */
#define PING_INTERVAL_MS 25000

/* Keepalive walks over all viewers this many times within the shorter of its two limits … */
#define KEEPALIVE_PARTS 5

/* … but not more often than this. */
#define KEEPALIVE_MIN_MS 20L

/* … and not more rarely than this, to see which viewers flood. */
#define KEEPALIVE_MAX_MS 5000L

/* A viewer that keeps up is looked at in one of so many looks at those that do not. */
#define LOOK_PHASES 20

/* While connections keep the loop busy, the feeds have a turn between two of their events this often. */
#define FEEDS_INTERVAL_NS (2 * NS_PER_MS)

const char *server_strstate(enum server_state state)
{
    static const char *const names[] = {"starting", "serving", "stopping", "stopped"};
    return (size_t)state < sizeof(names) / sizeof(names[0]) ? names[state] : "invalid";
}

static void enter_state(struct server *server, enum server_state state)
{
    log_debug("%s -> %s", server_strstate(server->state), server_strstate(state));
    server->state = state;
}

static struct server *server_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

/* A ping goes to a part of the viewers each time, so that thousands of pings are not a burst. */
static void arm_keepalive(struct server *server)
{
    if (server->viewers > 0) {
        watch_timer_arm(&server->keepalive_timer, server->keepalive_ms);
    }
}

/* What this fan-out has to do, beside others of the same address. */
static void tell_load(struct server *server)
{
    listener_set_load(&server->listener, server->viewers + server->members);
}

uint64_t server_member_came(struct server *server)
{
    server->members++;
    tell_load(server);
    return ++server->viewers_seen;
}

void server_member_left(struct server *server)
{
    server->members--;
    tell_load(server);
}

uint64_t server_viewer_came(struct server *server)
{
    server->viewers++;
    tell_load(server);
    if (server->viewers == 1) {
        arm_keepalive(server);
    }
    return ++server->viewers_seen;
}

void server_viewer_left(struct server *server)
{
    server->viewers--;
    tell_load(server);
    if (server->viewers == 0 && server->state == SERVER_STOPPING) {
        enter_state(server, SERVER_STOPPED);
    }
}

/* Each has its ping in the phase that its place in the list says. */
static void keep_bundles_alive(struct server *server, unsigned phases)
{
    struct bundle *bundle;
    unsigned place = 0;

    LIST_FOREACH(bundle, &server->bundles, link) {
        bool ping = place++ % phases == server->keepalive_phase;
        const char *reason = bundle_keep_alive(bundle, server->feeds.limits.stuck_ns, ping);
        if (reason) {
            bundle_connection_close(bundle->socket, LWS_CLOSE_STATUS_POLICY_VIOLATION, reason);
        }
    }
}

static void keepalive_expired(void *context)
{
    struct server *server = context;
    unsigned phases =
        server->ping_ms > server->keepalive_ms ? (unsigned)(server->ping_ms / server->keepalive_ms) : 1;
    server->keepalive_phase = (server->keepalive_phase + 1) % phases;
    for (struct stream *stream = server->streams.first; stream; stream = stream->next) {
        feed_keep_alive(&stream->feed, server->keepalive_phase, phases);
    }
    keep_bundles_alive(server, phases);
    viewer_connections_drain_guests(server);
    arm_keepalive(server);
}

/* Which viewers do not keep up, and which of those have room again. */
static void look(struct server *server, int64_t now_ns)
{
    server->looked_ns = now_ns;
    server->looks++;
    for (struct stream *stream = server->streams.first; stream; stream = stream->next) {
        feed_look(&stream->feed, server->looks, LOOK_PHASES);
    }
    struct bundle *bundle;
    LIST_FOREACH(bundle, &server->bundles, link) {
        bundle_look(bundle, LOOK_PHASES);
    }
}

static void look_expired(void *context)
{
    struct server *server = context;
    look(server, clock_now_ns());
    if (server->feeds.behind > 0) {
        watch_timer_arm(&server->feeds.look_timer, FEED_LOOK_MS);
    }
}

/* Old rings that were kept for those who look back. */
static void past_expired(void *context)
{
    struct server *server = context;
    const int64_t now_ns = clock_now_ns();
    int64_t next_ns = 0;

    for (struct stream *stream = server->streams.first; stream; stream = stream->next) {
        int64_t due_ns = past_forget(&stream->feed, now_ns);
        next_ns = due_ns > 0 && (next_ns == 0 || due_ns < next_ns) ? due_ns : next_ns;
    }
    server->feeds.past_due_ns = next_ns;
    if (next_ns > 0) {
        watch_timer_arm(&server->feeds.past_timer, (long)((next_ns - now_ns) / NS_PER_MS) + 1);
    }
}

void server_limit(struct server *server, const struct feed_limits *limits, long ping_ms)
{
    long stuck_ms = (long)(limits->stuck_ns / NS_PER_MS);
    server->feeds.limits = *limits;
    server->ping_ms = ping_ms;
    server->keepalive_ms = (stuck_ms < ping_ms ? stuck_ms : ping_ms) / KEEPALIVE_PARTS;
    server->keepalive_ms = server->keepalive_ms > KEEPALIVE_MIN_MS ? server->keepalive_ms : KEEPALIVE_MIN_MS;
    server->keepalive_ms = server->keepalive_ms < KEEPALIVE_MAX_MS ? server->keepalive_ms : KEEPALIVE_MAX_MS;
    arm_keepalive(server);
}

/* Of few connections that are allowed, few may be idle; the viewers' places depend on the descriptors alone. */
static void limit_idle(struct server *server)
{
    unsigned allowed = server->limits.max[LIMIT_CONNECTIONS];
    unsigned per_client = server->idle_per_client, max = server->idle_max;

    server->viewers_max = connections_limit(&server->connections, per_client, max, server->connections_max);
    if (allowed > 0 && allowed < server->connections_max) {
        connections_limit(&server->connections, per_client, max,
                          allowed > IDLE_TOTAL_MIN ? allowed : IDLE_TOTAL_MIN);
    }
}

void server_limit_idle(struct server *server, unsigned per_client, unsigned max)
{
    server->idle_per_client = per_client;
    server->idle_max = max;
    limit_idle(server);
}

/* There are too many idle connections (connections.h). Not from CONNECTION's own callback. */
static void close_idle(struct connection *connection, enum connection_kind kind)
{
    struct viewer *viewer = lws_wsi_user(connection->wsi);

    switch (kind) {
    case CONNECTION_WAITING:
        lws_set_timeout(connection->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
        return;
    case CONNECTION_PAUSED:
        viewer_connection_close_paused(server_of(connection->wsi), connection, viewer);
        return;
    case CONNECTION_ENDING:
        viewer_abort(viewer);
        return;
    case CONNECTION_BUSY:
        return;
    }
}

/* In a burst connections are accepted faster than their requests are read. */
static bool is_asking(const struct connection *connection)
{
    char byte;
    return connection->early ||
           recv(lws_get_socket_fd(connection->wsi), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

static void connection_added(struct connection *connection)
{
    struct server *server = server_of(connection->wsi);

    supervisor_link_doors_changed(&server->link);
    arrivals_expect(&server->arrivals, connection);
    request_deadlines_add(&server->deadlines, connection);
}

static void refused_some(void *context)
{
    struct server *server = context;

    supervisor_link_doors_changed(&server->link);
}

/* Behind a proxy's address are many visitors. */
static bool is_proxy(void *context, const struct in6_addr *peer)
{
    const struct server *server = context;

    return client_address_is_trusted(peer, &server->policy.trusted_proxies);
}

void server_limits_changed(struct server *server)
{
    request_deadlines_check(&server->deadlines);
    limit_idle(server);
}

static void renew(struct lws *wsi)
{
    struct connection *connection = lws_get_opaque_user_data(wsi);
    if (connection) {
        connections_renew(&server_of(wsi)->connections, connection);
    }
}

/* NULL: it is not a client's, or has none any more. Watched descriptors have opaque data of their own. */
static struct connection *connection_of(struct lws *wsi)
{
    const struct lws_protocols *protocol = lws_get_protocol(wsi);
    bool is_watch = protocol && strcmp(protocol->name, WATCH_PROTOCOL) == 0;

    return is_watch ? NULL : lws_get_opaque_user_data(wsi);
}

/* CONNECTION is a follower's from now on: it counts as a viewer's do, but watches nothing. */
static int follower_begins(struct server *server, struct connection *connection)
{
    connections_move(&server->connections, connection);
    connections_enter(&server->connections, connection, CONNECTION_BUSY);
    request_deadlines_expect(&server->deadlines, connection, CONNECTION_NONE);
    arrivals_leave(&server->arrivals, connection); /* what it sends is not a request's head */
    server_viewer_came(server);
    followers_join(&server->followers, connection);
    return 0;
}

/* The last that is heard of WSI; more than once for some. */
static void connection_gone(struct server *server, struct lws *wsi)
{
    struct connection *connection = connection_of(wsi);
    if (connection) {
        lws_set_opaque_user_data(wsi, NULL);
        arrivals_leave(&server->arrivals, connection);
        router_forget(connection);
        gate_forget_early(connection);
        if (connection->is_counted) {
            user_viewers_end(&server->user_viewers, connection->permit);
        }
        if (followers_leave(&server->followers, connection)) {
            server_viewer_left(server);
        }
        permit_unref(connection->permit);
        free(connection->opening);
        said_forget(&connection->said);
        if (connection->guest) {
            guest_list_remove(&server->guests, connection->guest);
            guest_free(connection->guest);
        }
        connections_remove(&server->connections, connection);
        request_deadlines_removed(&server->deadlines);
        supervisor_link_doors_changed(&server->link);
    }
}

static void run_feeds(struct server *server)
{
    server->fed_ns = clock_now_ns();
    send_memory_check(&server->send_memory, server->fed_ns);
    feed_set_run(&server->feeds);
    if (server->fed_ns - server->looked_ns >= FEED_LOOK_MS * NS_PER_MS) {
        look(server, server->fed_ns);
    }
}

/*
 * The loop hands out the events of all connections before it looks for new ones, and thousands may want to
 * catch up at once: between two of them viewers that keep up get what is new, and the heartbeat goes on.
 */
static void breathe(struct server *server)
{
    int64_t now = clock_now_ns();

    heartbeat_check(&server->feeds.heartbeat, now);
    if (now - server->fed_ns >= FEEDS_INTERVAL_NS) {
        run_feeds(server);
    }
}

static int on_follower(struct server *server, struct connection *connection, enum lws_callback_reasons reason,
                       size_t length)
{
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        return follower_begins(server, connection);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return followers_writable(&server->followers, connection);
    case LWS_CALLBACK_RECEIVE:
        return followers_received(&server->followers, connection, length);
    default:
        return 0;
    }
}

static int on_websocket(struct lws *wsi, enum lws_callback_reasons reason, struct viewer *viewer,
                        const void *data, size_t length)
{
    struct server *server = server_of(wsi);
    struct connection *connection = connection_of(wsi);

    if (connection && connection->follower) {
        breathe(server);
        return on_follower(server, connection, reason, length);
    }
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        breathe(server);
        return viewer_connection_begin(server, wsi, viewer);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        breathe(server);
        return viewer_connection_writable(viewer);
    case LWS_CALLBACK_RECEIVE:
        breathe(server);
        return viewer_connection_received(viewer, data, length);
    case LWS_CALLBACK_RECEIVE_PONG:
        if (viewer->bundle) {
            bundle_answered(viewer->bundle, viewer_pong_number(data, length));
        } else {
            feed_answered(viewer, viewer_pong_number(data, length));
        }
        return 0;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        return viewer_connection_closes(viewer, data, length);
    case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
        viewer_connection_refused(viewer);
        return 0;
    default:
        viewer_connection_gone(server, viewer);
        return 0;
    }
}

static bool has_room(const struct server *server)
{
    return server->state == SERVER_SERVING && server->viewers < server->viewers_max;
}

static bool room_left(void *context)
{
    return has_room(context);
}

/* A request has been read, and RESULT is what the callback returns. */
static int answered(struct lws *wsi, int result)
{
    struct connection *connection = lws_get_opaque_user_data(wsi);

    if (connection) {
        bool waits = router_is_waiting(connection);
        bool goes_on = connection->stream || connection->guest || connection->follower || waits;
        request_deadlines_expect(&server_of(wsi)->deadlines, connection,
                                 goes_on ? CONNECTION_NONE : CONNECTION_NEXT);
        unread_request_done(connection);
        connection->amid -= connection->amid > 0;
        connection->is_ended = result != 0;
        if (errand_is_waiting(connection)) {
            connections_enter(&server_of(wsi)->connections, connection, CONNECTION_BUSY);
        }
        if (goes_on || lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0) {
            arrivals_leave(&server_of(wsi)->arrivals,
                           connection); /* a viewer, or a body: neither is a request's head */
        }
        if (result == 0) {
            viewer_connection_begin_guest(server_of(wsi), wsi);
        }
    }
    return result;
}

static int body_came(struct lws *wsi)
{
    breathe(server_of(wsi));
    return answered(wsi, router_answer_body(&server_of(wsi)->router, wsi));
}

/* CONNECTION's request was waiting for a program, or its answer was on its way. */
static void settle_errand(struct server *server, struct connection *connection)
{
    if (!router_is_waiting(connection)) {
        connections_enter(&server->connections, connection, CONNECTION_WAITING);
        request_deadlines_expect(&server->deadlines, connection, CONNECTION_NEXT);
    }
}

/* VIEWER: of a request that is answered by a stream. */
static int request_writable(struct lws *wsi, struct viewer *viewer)
{
    struct connection *connection = connection_of(wsi);

    if (viewer && viewer->wsi) {
        return viewer_connection_writable(viewer);
    }
    bool waited = router_is_waiting(connection);
    int result = connection ? router_writable(wsi) : 0;

    if (waited && result == 0) {
        settle_errand(server_of(wsi), connection);
    }
    return result;
}

/* Of viewers and requests; watch.c's descriptors have their own. */
static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        breathe(server_of(wsi));
        renew(wsi); /* it waits for the next one, while this one's answer goes out */
        return answered(wsi, router_answer(&server_of(wsi)->router, wsi));
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        viewer_connection_gone(server_of(wsi), user);
        return 0;
    case LWS_CALLBACK_HTTP_BODY:
        return router_take_body(wsi, in, length) ? body_came(wsi) : 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return body_came(wsi);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        breathe(server_of(wsi));
        return request_writable(wsi, user);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return answered(wsi, router_upgrade(&server_of(wsi)->router, wsi, has_room(server_of(wsi))));
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED:
        return on_websocket(wsi, reason, user, in, length);
    case LWS_CALLBACK_WSI_DESTROY:
        on_websocket(wsi, reason, user, in, length);
        connection_gone(server_of(wsi), wsi);
        return 0;
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        tls_context_made(&server_of(wsi)->tls, user);
        return 0;
    case LWS_CALLBACK_RAW_ADOPT:
    case LWS_CALLBACK_RAW_RX:
        return -1; /* CONNECT and what is not HTTP at all */
    default:
        return 0;
    }
}

/* A buffer of a viewer's, which a message fits that comes whole. */
static const struct lws_protocols protocols[] = {
    {
        .name = "ringcast",
        .callback = on_event,
        .per_session_data_size = sizeof(struct viewer),
        .rx_buffer_size = VIEWER_COMMAND_MAX,
        .tx_packet_size = SEND_MAX,
    },
    {
        .name = SUBPROTOCOL_BUNDLE,
        .callback = on_event,
        .per_session_data_size = sizeof(struct viewer),
        .rx_buffer_size = BUNDLE_COMMAND_MAX,
        .tx_packet_size = SEND_MAX,
    },
    {.name = WATCH_PROTOCOL, .callback = watch_callback},
    {0},
};

/* What libwebsockets logs is about single connections, so it is for debugging. */
static void log_library(int level, const char *line)
{
    int length = (int)strcspn(line, "\n");
    log_write(LOG_LEVEL_DEBUG, "libwebsockets: %d: %.*s", level, length, line);
}

static unsigned limit_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        return 0;
    }
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
    setrlimit(RLIMIT_NOFILE, &limit);
    unsigned count = (unsigned)limit.rlim_cur;
    return count > 2 * DESCRIPTORS_RESERVED ? count - DESCRIPTORS_RESERVED : count / 2;
}

/* Of the context, and of the virtual hosts with and without TLS. */
static struct lws_context_creation_info describe_host(struct server *server)
{
    /* No per-viewer timers for pings: TCP's own probes find the dead (listener.c). */
    static const lws_retry_bo_t no_validity_timer = {.secs_since_valid_ping = 0,
                                                     .secs_since_valid_hangup = 0};
    return (struct lws_context_creation_info){
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .user = server,
        .gid = -1,
        .uid = -1,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .timeout_secs = REQUEST_DEADLINES_LONGEST_S,
        .timeout_secs_ah_idle = REQUEST_DEADLINES_LONGEST_S,
        .keepalive_timeout = REQUEST_DEADLINES_IDLE_S,
        .max_http_header_data = LIMITS_HEADER_ROOM,
        .retry_and_idle_policy = &no_validity_timer,
        .vhost_name = "ringcast",
    };
}

static int create_context(struct server *server)
{
    const struct lws_context_creation_info info = describe_host(server);

    lws_set_log_level(LLL_ERR | LLL_WARN, log_library);
    return loop_begin(&server->loop, &info);
}

int server_set_tls(struct server *server, int chain, int key, int tickets)
{
    const struct lws_context_creation_info info = describe_host(server);

    return tls_set(&server->tls, &server->loop, &info, chain, key, tickets);
}

void server_unset_tls(struct server *server)
{
    tls_unset(&server->tls);
}

static void signal_ready(void *context)
{
    struct server *server = context;
    struct signalfd_siginfo signal;
    if (read(server->signals.fd, &signal, sizeof(signal)) == (ssize_t)sizeof(signal)) {
        server_stop(server);
    }
}

static int watch_signals(struct server *server)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0) {
        return -errno;
    }
    int fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : watch_begin(&server->signals, &server->loop, fd, signal_ready, server);
}

static void feeds_ready(void *context)
{
    run_feeds(context);
}

static int watch_feeds(struct server *server)
{
    int result = feed_set_init(&server->feeds);
    if (result == 0) {
        result = watch_begin(&server->feeds_watch, &server->loop, server->feeds.epoll, feeds_ready, server);
    }
    if (result == 0) {
        watch_first(&server->feeds_watch);
    }
    return result;
}

static void stop_expired(void *context)
{
    enter_state(context, SERVER_STOPPED);
}

void server_check_viewers(struct server *server)
{
    viewer_rights_check(&server->rights);
    followers_check(&server->followers);
    feed_set_viewers_changed(&server->feeds);
}

static void rights_changed(void *context)
{
    server_check_viewers(context);
}

/* The gate has an answer for a request, which has been read or not. */
static void gate_answered(void *context, struct connection *connection)
{
    struct server *server = context;

    if (!gate_is_asking(connection)) {
        arrivals_go_on(&server->arrivals, connection);
    } else if (router_go_on(&server->router, connection)) {
        if (connection->guest) {
            viewer_connection_begin_guest(server, connection->wsi);
        } else if (errand_is_waiting(connection)) {
            connections_enter(&server->connections, connection, CONNECTION_BUSY);
        } else if (!router_is_waiting(connection)) {
            request_deadlines_expect(&server->deadlines, connection, CONNECTION_NEXT);
        }
    }
}

/* A program has an answer for a request. */
static void program_answered(void *context, struct connection *connection)
{
    struct server *server = context;

    if (router_give(&server->router, connection)) {
        settle_errand(server, connection);
    }
}

/* To ringcastd, which tells all fan-outs. */
static bool raise_event(void *context, json_t *event)
{
    struct server *server = context;

    return supervisor_link_send(&server->link, message_pack("attention", "{s:O}", "event", event)) == 0;
}

static bool want_program(void *context, const char *program)
{
    struct server *server = context;

    return supervisor_link_send(&server->link, message_pack("program-wanted", "{s:s}", "program", program)) ==
           0;
}

static int begin_errands(struct server *server)
{
    struct errands *errands = &server->router.errands;

    errands->answered = program_answered;
    errands->context = server;
    errands->link.want = want_program;
    errands->link.context = server;
    return program_link_begin(&errands->link, &server->loop);
}

static int begin_gate(struct server *server)
{
    const struct gate_reports reports = gate_reports_functions(&server->reports);
    int result = gate_reports_begin(&server->reports, &server->loop, &server->link);

    if (result == 0) {
        result = gate_init(&server->router.gate, &server->loop, &reports);
    }
    if (result == 0) {
        result = viewer_rights_begin(&server->rights, &server->loop, &server->streams, &server->router.gate);
    }
    server->router.gate.answered = gate_answered;
    server->router.gate.context = server;
    server->router.rights_changed = rights_changed;
    server->router.has_room = room_left;
    server->router.raise_event = raise_event;
    server->router.context = server;
    return result;
}

int server_init(struct server *server, const char *assets_directory)
{
    *server = (struct server){.state = SERVER_STARTING};
    streams_init(&server->streams, &server->feeds);
    connections_init(&server->connections, close_idle);
    server->connections.is_asking = is_asking;
    server->connections.added = connection_added;
    limits_init(&server->limits, is_proxy, refused_some, server);
    server->connections_max = limit_descriptors();
    server_limit_idle(server, CONNECTIONS_IDLE_PER_CLIENT, CONNECTIONS_IDLE_MAX);
    policy_init(&server->policy);
    router_init(&server->router, assets_directory, &server->streams, &server->tls, &server->policy);
    server->router.connections = &server->connections;
    server->router.limits = &server->limits;
    server->arrivals = (struct arrivals){
        .loop = &server->loop,
        .limits = &server->limits,
        .linger = &server->linger,
        .deadlines = &server->deadlines,
        .gate = &server->router.gate,
        .policy = &server->policy,
    };
    arrivals_begin(&server->arrivals);
    int result = create_context(server);
    if (result == 0) {
        result =
            watch_feeds(server); /* the first to be watched: a turn of the loop begins with what is new */
    }
    if (result == 0) {
        result = streams_begin(&server->streams, &server->loop);
    }
    if (result == 0) {
        result = begin_gate(server);
    }
    if (result == 0) {
        result = begin_errands(server);
    }
    if (result == 0) {
        result = heartbeat_begin(&server->feeds.heartbeat, &server->loop);
    }
    if (result == 0) {
        result = send_memory_begin(&server->send_memory, &server->loop, &server->streams);
    }
    if (result == 0) {
        result = guest_list_begin(&server->guests, &server->loop);
    }
    if (result == 0) {
        result = followers_begin(&server->followers, &server->loop, &server->router.camera_list,
                                 &server->streams, &server->router.gate);
    }
    if (result == 0) {
        result = watch_timer_begin(&server->stop_timer, &server->loop, stop_expired, server);
    }
    if (result == 0) {
        result = linger_begin(&server->linger, &server->loop);
    }
    if (result == 0) {
        result = request_deadlines_begin(&server->deadlines, &server->loop, &server->connections,
                                         &server->limits, &server->linger);
    }
    if (result == 0) {
        result = watch_timer_begin(&server->keepalive_timer, &server->loop, keepalive_expired, server);
    }
    if (result == 0) {
        result = watch_timer_begin(&server->feeds.look_timer, &server->loop, look_expired, server);
    }
    if (result == 0) {
        result = watch_timer_begin(&server->feeds.past_timer, &server->loop, past_expired, server);
    }
    if (result == 0) {
        const struct feed_limits limits = server->feeds.limits;
        server_limit(server, &limits, PING_INTERVAL_MS);
        result = watch_signals(server);
    }
    return result;
}

int server_run(struct server *server)
{
    while (server->state != SERVER_STOPPED) {
        int result = loop_turn(&server->loop);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

/* A ringcastd that takes over hands over the socket that is there already. */
static bool same_socket(int a, int b)
{
    struct stat first, second;
    return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_ino == second.st_ino;
}

int server_listen(struct server *server, int socket)
{
    if (server->state != SERVER_STARTING) {
        bool same = same_socket(server->listener.watch.fd, socket);
        close(socket);
        return same && server->state == SERVER_SERVING ? 0 : -EALREADY;
    }
    int result = listener_begin(&server->listener, &server->loop, &server->connections, &server->limits,
                                &server->linger, &server->tls, socket);
    if (result == 0) {
        enter_state(server, SERVER_SERVING);
    }
    return result;
}

void server_stop(struct server *server)
{
    if (server->state >= SERVER_STOPPING) {
        return;
    }
    listener_end(&server->listener);
    struct bundle *bundle;
    LIST_FOREACH(bundle, &server->bundles, link) {
        if (bundle->socket->state == VIEWER_BUNDLE) {
            bundle_connection_close(bundle->socket, LWS_CLOSE_STATUS_GOINGAWAY, NULL);
        }
    }
    streams_finish(&server->streams);
    followers_close(&server->followers, LWS_CLOSE_STATUS_GOINGAWAY);
    watch_timer_arm(&server->stop_timer, STOP_PATIENCE_MS);
    enter_state(server, server->viewers ? SERVER_STOPPING : SERVER_STOPPED);
}

void server_finish(struct server *server)
{
    streams_finish(&server->streams);
    listener_end(&server->listener);
    supervisor_link_end(&server->link);
    watch_end(&server->streams.state_timer.watch);
    viewer_rights_end(&server->rights);
    guest_list_end(&server->guests);
    followers_end(&server->followers);
    gate_reports_end(&server->reports);
    send_memory_end(&server->send_memory);
    heartbeat_end(&server->feeds.heartbeat);
    watch_end(&server->signals);
    arrivals_end(&server->arrivals);
    request_deadlines_end(&server->deadlines);
    linger_end(&server->linger);
    watch_end(&server->stop_timer.watch);
    watch_end(&server->keepalive_timer.watch);
    watch_end(&server->feeds.look_timer.watch);
    watch_end(&server->feeds.past_timer.watch);
    watch_end(&server->feeds_watch);
    program_link_end(&server->router.errands.link);
    gate_end(&server->router.gate);
    loop_end(&server->loop);
    feed_set_finish(&server->feeds);
    followers_finish(&server->followers);
    router_finish(&server->router);
    gate_finish(&server->router.gate);
    policy_finish(&server->policy);
}
