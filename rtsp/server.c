/* SPDX-License-Identifier: MIT */
#include "rtsp/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib-unix.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/program/program.h"
#include "rtsp/door/client.h"
#include "rtsp/door/login.h"
#include "rtsp/door/streams.h"

/* Connections, of all and of one address. Each has a thread. */
#define CLIENTS_MAX 256
#define CLIENTS_ADDRESS_MAX 64

/* Connections that are accepted before others have their turn. */
#define ACCEPT_TURN 32

/* How often rights of those who play are looked at. */
#define LOOK_MS 1000

/* Between two turns of the program at most. */
#define TURN_MS 250

/* Between the end of a stream and that of its clients, so that they get what was sent. */
#define END_MS 300

#define ADDRESS_SIZE 64

/* A client that was let in. Under the log-in's rules; changed by the client's thread, read by the main thread. */
struct guest {
    struct login *login;
    GMutex lock;
    struct visitor *visitor; /* NULL: nobody yet */
    char nonce[LOGIN_NONCE_SIZE];
};

struct server {
    struct program *program;
    struct streams *streams;
    struct login *login;
    GstRTSPServer *rtsp;
    struct client_handlers handlers;
    GMainContext *context;
    GSource *listening;
    GSource *asking; /* the channel to ringcast-password; NULL: none */
    int watched_fd;  /* of that */
    int listener;
    atomic_bool basic,
        open; /* a password in the clear is taken from everywhere; ringcastd has said who may watch */
    atomic_int counting; /* a recount is due */
    uint64_t look_ms;
    int result;
    bool ended;
};

/* --- Clients -------------------------------------------------------------------------------------------- */

static void free_guest(gpointer data)
{
    struct guest *guest = data;

    login_forget(guest->login, guest->visitor);
    g_mutex_clear(&guest->lock);
    g_free(guest);
}

static struct guest *guest_of(struct server *server, GstRTSPClient *client)
{
    struct guest *guest = client_data(client);

    if (!guest) {
        guest = g_new0(struct guest, 1);
        guest->login = server->login;
        g_mutex_init(&guest->lock);
        login_make_nonce(guest->nonce);
        client_set_data(client, guest, free_guest);
    }
    return guest;
}

struct tally {
    GHashTable *viewers; /* of a camera's name */
    const char *address; /* NULL: any */
    unsigned clients;
};

/* IPv4 as such: a socket of both kinds has "::ffff:192.0.2.1". */
static void plain_address(const char *text, char address[ADDRESS_SIZE])
{
    bool mapped = g_str_has_prefix(text, "::ffff:") && strchr(text, '.');

    g_strlcpy(address, mapped ? text + 7 : text, ADDRESS_SIZE);
}

static void address_of(GstRTSPClient *client, char address[ADDRESS_SIZE])
{
    GstRTSPConnection *connection = gst_rtsp_client_get_connection(client);
    const char *ip = connection ? gst_rtsp_connection_get_ip(connection) : NULL;

    plain_address(ip ? ip : "", address);
}

static GstRTSPFilterResult count_client(GstRTSPServer *rtsp, GstRTSPClient *client, gpointer data)
{
    struct tally *tally = data;
    char address[ADDRESS_SIZE];

    (void)rtsp;
    if (tally->address) {
        address_of(client, address);
        tally->clients += strcmp(address, tally->address) == 0;
        return GST_RTSP_FILTER_KEEP;
    }
    tally->clients++;
    char *camera = tally->viewers ? client_camera(client) : NULL;
    if (camera) {
        gpointer known = g_hash_table_lookup(tally->viewers, camera);
        g_hash_table_insert(tally->viewers, camera, GINT_TO_POINTER(GPOINTER_TO_INT(known) + 1));
    }
    return GST_RTSP_FILTER_KEEP;
}

static unsigned count_clients(struct server *server, const char *address)
{
    struct tally tally = {.address = address};

    gst_rtsp_server_client_filter(server->rtsp, count_client, &tally);
    return tally.clients;
}

static void count_viewers(struct server *server)
{
    struct tally tally = {.viewers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    struct program_camera *camera;

    gst_rtsp_server_client_filter(server->rtsp, count_client, &tally);
    TAILQ_FOREACH(camera, program_cameras(server->program), link) {
        program_set_viewers(camera, GPOINTER_TO_INT(g_hash_table_lookup(tally.viewers, camera->name)));
    }
    g_hash_table_unref(tally.viewers);
}

static gboolean on_count(gpointer data)
{
    struct server *server = data;

    atomic_store(&server->counting, 0);
    count_viewers(server);
    return G_SOURCE_REMOVE;
}

/* FUNCTION in the main thread's next turn. */
static void in_main_thread(struct server *server, GSourceFunc function, gpointer data, unsigned after_ms)
{
    GSource *source = after_ms > 0 ? g_timeout_source_new(after_ms) : g_idle_source_new();

    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, function, data, NULL);
    g_source_attach(source, server->context);
    g_source_unref(source);
}

static void on_changed(void *owner)
{
    struct server *server = owner;

    if (atomic_exchange(&server->counting, 1) == 0) {
        in_main_thread(server, on_count, server, 0);
    }
}

/* --- Requests, in a client's thread --------------------------------------------------------------------- */

static bool refuse(GstRTSPContext *context, GstRTSPStatusCode code)
{
    client_answer(context, code, NULL);
    return false;
}

/* The strongest scheme last: clients that know one alone take the last one that they know. */
static bool challenge(struct server *server, GstRTSPContext *context, const char *nonce, bool basic)
{
    char md5[160], sha256[160];
    const char *headers[8] = {NULL};
    size_t count = 0;

    if (login_has_digest(server->login)) {
        snprintf(sha256, sizeof(sha256), "Digest realm=\"" LOGIN_REALM "\", nonce=\"%s\", algorithm=SHA-256",
                 nonce);
        snprintf(md5, sizeof(md5), "Digest realm=\"" LOGIN_REALM "\", nonce=\"%s\", algorithm=MD5", nonce);
        headers[count++] = "WWW-Authenticate";
        headers[count++] = sha256;
        headers[count++] = "WWW-Authenticate";
        headers[count++] = md5;
    }
    if (basic) {
        headers[count++] = "WWW-Authenticate";
        headers[count++] = "Basic realm=\"" LOGIN_REALM "\"";
    }
    client_answer(context, GST_RTSP_STS_UNAUTHORIZED, headers);
    return false;
}

static bool is_loopback(const char *address)
{
    return g_str_has_prefix(address, "127.") || strcmp(address, "::1") == 0;
}

static bool has_authorization(GstRTSPContext *context)
{
    char *value = NULL;

    return gst_rtsp_message_get_header(context->request, GST_RTSP_HDR_AUTHORIZATION, &value, 0) ==
           GST_RTSP_OK;
}

static bool log_in(struct server *server, GstRTSPContext *context, struct guest *guest)
{
    char address[ADDRESS_SIZE], retry[16];
    struct visitor *visitor = NULL;
    unsigned retry_s = 1;

    address_of(context->client, address);
    const struct login_question question = {.address = address,
                                            .nonce = guest->nonce,
                                            .request = context->request,
                                            .method = gst_rtsp_method_as_text(context->method),
                                            .basic = atomic_load(&server->basic) || is_loopback(address)};
    /* Who was let in before need not show it with each request of the connection. */
    if (guest->visitor && !has_authorization(context) && login_still_valid(server->login, guest->visitor)) {
        return true;
    }
    switch (login_ask(server->login, &question, &visitor, &retry_s)) {
    case LOGIN_GRANTED:
        break;
    case LOGIN_NEEDED:
        return challenge(server, context, guest->nonce, question.basic);
    case LOGIN_SLOWED:
        snprintf(retry, sizeof(retry), "%u", retry_s);
        client_answer(context, GST_RTSP_STS_SERVICE_UNAVAILABLE,
                      (const char *[]){"Retry-After", retry, NULL});
        return false;
    }
    g_mutex_lock(&guest->lock);
    struct visitor *before = guest->visitor;
    guest->visitor = visitor;
    g_mutex_unlock(&guest->lock);
    login_forget(server->login, before);
    return true;
}

/* Clients only listen here. */
static bool is_served(GstRTSPMethod method)
{
    return method != GST_RTSP_ANNOUNCE && method != GST_RTSP_RECORD && method != GST_RTSP_REDIRECT;
}

static bool on_request(void *owner, GstRTSPContext *context)
{
    struct server *server = owner;
    struct guest *guest = guest_of(server, context->client);

    if (!is_served(context->method)) {
        return refuse(context, GST_RTSP_STS_METHOD_NOT_ALLOWED);
    }
    if (context->method == GST_RTSP_OPTIONS) {
        return true;
    }
    if (!atomic_load(&server->open)) {
        return refuse(context, GST_RTSP_STS_SERVICE_UNAVAILABLE);
    }
    bool asked = login_is_on(server->login);
    if (asked && !log_in(server, context, guest)) {
        return false;
    }
    if (!context->uri) {
        return refuse(context, GST_RTSP_STS_BAD_REQUEST);
    }
    /* A camera that one may not watch is as one that is not there. */
    char *name = streams_name(context->uri);
    bool may = streams_has(server->streams, name) &&
               (!asked || login_may_watch(server->login, guest->visitor, name));
    g_free(name);
    return may || refuse(context, GST_RTSP_STS_NOT_FOUND);
}

static GstRTSPStatusCode on_prepare(void *owner, GstRTSPContext *context)
{
    struct server *server = owner;
    char *name = streams_name(context->uri);
    GstRTSPStatusCode code = streams_prepare(server->streams, name);

    g_free(name);
    return code;
}

/* --- What streams say ----------------------------------------------------------------------------------- */

struct wish {
    struct server *server;
    char *name;
};

static gboolean on_wish(gpointer data)
{
    struct wish *wish = data;
    struct program_camera *camera = program_find_camera(wish->server->program, wish->name);

    if (camera) {
        program_want(camera);
    }
    g_free(wish->name);
    g_free(wish);
    return G_SOURCE_REMOVE;
}

static void on_wanted(void *owner, const char *name)
{
    struct wish *wish = g_new(struct wish, 1);

    *wish = (struct wish){.server = owner, .name = g_strdup(name)};
    in_main_thread(owner, on_wish, wish, 0);
}

struct ending {
    struct server *server;
    struct feed *feed;
};

static GstRTSPFilterResult end_client(GstRTSPServer *rtsp, GstRTSPClient *client, gpointer data)
{
    (void)rtsp;
    if (client_has(client, data)) {
        client_end(client);
    }
    return GST_RTSP_FILTER_KEEP;
}

static gboolean on_end(gpointer data)
{
    struct ending *ending = data;

    gst_rtsp_server_client_filter(ending->server->rtsp, end_client, ending->feed);
    g_free(ending); /* the feed is only compared with, and perhaps gone */
    return G_SOURCE_REMOVE;
}

static void on_ended(void *owner, struct feed *feed)
{
    struct ending *ending = g_new(struct ending, 1);

    *ending = (struct ending){.server = owner, .feed = feed};
    in_main_thread(owner, on_end, ending, END_MS);
}

/* --- Connections ---------------------------------------------------------------------------------------- */

static void admit(struct server *server, int fd)
{
    GError *error = NULL;
    GSocket *socket = g_socket_new_from_fd(fd, &error);
    char address[ADDRESS_SIZE];

    if (!socket) {
        g_clear_error(&error);
        close(fd);
        return;
    }
    GSocketAddress *remote = g_socket_get_remote_address(socket, NULL);
    if (!G_IS_INET_SOCKET_ADDRESS(remote)) {
        g_clear_object(&remote);
        g_object_unref(socket);
        return;
    }
    GInetSocketAddress *inet = G_INET_SOCKET_ADDRESS(remote);
    char *ip = g_inet_address_to_string(g_inet_socket_address_get_address(inet));
    plain_address(ip, address);
    if (count_clients(server, NULL) < CLIENTS_MAX && count_clients(server, address) < CLIENTS_ADDRESS_MAX) {
        gst_rtsp_server_transfer_connection(server->rtsp, socket, address,
                                            g_inet_socket_address_get_port(inet), NULL);
    } else {
        g_object_unref(socket);
    }
    g_free(ip);
    g_object_unref(remote);
}

static gboolean on_connection(gint listener, GIOCondition condition, gpointer data)
{
    struct server *server = data;

    (void)condition;
    for (int i = 0; i < ACCEPT_TURN; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            break;
        }
        admit(server, fd);
    }
    program_touch(server->program);
    return G_SOURCE_CONTINUE;
}

static void stop_listening(struct server *server)
{
    if (server->listening) {
        g_source_destroy(server->listening);
        g_clear_pointer(&server->listening, g_source_unref);
    }
    if (server->listener >= 0) {
        close(server->listener);
        server->listener = -1;
    }
}

static void listen_on(struct server *server, int fd)
{
    stop_listening(server);
    server->listener = fd;
    server->listening = g_unix_fd_source_new(fd, G_IO_IN);
    g_source_set_callback(server->listening, G_SOURCE_FUNC(on_connection), server, NULL);
    g_source_attach(server->listening, server->context);
}

/* --- What ringcastd says -------------------------------------------------------------------------------- */

static void take_settings(struct server *server, struct channel_message *message)
{
    json_int_t first = message_integer(message->body, "udp_first", 0);
    json_int_t last = message_integer(message->body, "udp_last", 0);
    int fd = channel_message_take_fd(message, 0);

    atomic_store(&server->basic, message_boolean(message->body, "basic", false));
    if (first >= 0 && last >= first && last <= UINT16_MAX) {
        streams_set_ports(server->streams, (unsigned)first, (unsigned)last);
    }
    if (fd >= 0) {
        listen_on(server, fd);
    }
}

static int on_begun(void *context, struct channel_message *message)
{
    take_settings(context, message);
    return 0;
}

static void take_access(struct server *server, struct channel_message *message)
{
    int document = channel_message_take_fd(message, 0), once = channel_message_take_fd(message, 1);

    if (document >= 0) {
        login_take(server->login, document, once);
        atomic_store(&server->open, true);
        close(document);
    }
    if (once >= 0) {
        close(once);
    }
}

static void on_message(void *context, struct channel_message *message)
{
    struct server *server = context;

    if (message_is(message->body, "settings")) {
        take_settings(server, message);
    } else if (message_is(message->body, "access")) {
        take_access(server, message);
    } else if (message_is(message->body, "password-channel")) {
        int fd = channel_message_take_fd(message, 0);
        if (fd >= 0) {
            login_set_channel(server->login, fd);
        }
    } else {
        log_warning("unknown message type %s", message_type(message->body));
    }
}

static void on_camera(void *context, struct program_camera *camera, enum program_news news)
{
    struct server *server = context;

    if (news == PROGRAM_CAMERA_REMOVED) {
        streams_remove(server->streams, camera->name);
        return;
    }
    if (news == PROGRAM_CAMERA_ADDED || news == PROGRAM_CAMERA_RING) {
        int result = streams_set_ring(server->streams, camera->name, camera->ring);
        if (result < 0 && camera->ring >= 0) {
            log_camera(LOG_LEVEL_WARNING, camera->name, "its ring cannot be read: %s", strerror(-result));
        }
    }
    streams_set_live(server->streams, camera->name, strcmp(camera->state, "streaming") == 0);
}

/* --- The loop ------------------------------------------------------------------------------------------- */

/* A client whose right has ended, or who may no longer watch what is played. */
static GstRTSPFilterResult check_client(GstRTSPServer *rtsp, GstRTSPClient *client, gpointer data)
{
    struct server *server = data;
    struct guest *guest = client_data(client);
    char *camera = client_camera(client);

    (void)rtsp;
    if (camera && guest) {
        g_mutex_lock(&guest->lock);
        bool may = guest->visitor && login_still_valid(server->login, guest->visitor) &&
                   login_may_watch(server->login, guest->visitor, camera);
        g_mutex_unlock(&guest->lock);
        if (!may) {
            client_end(client);
        }
    }
    g_free(camera);
    return GST_RTSP_FILTER_KEEP;
}

static void look(struct server *server)
{
    char address[ADDRESS_SIZE];
    unsigned refused = login_refused(server->login, address);

    if (refused > 0) {
        program_tell(server->program,
                     message_pack("access-refused", "{s:s, s:s, s:I}", "address", address, "what",
                                  "a token over RTSP", "count", (json_int_t)refused));
    }
    if (count_clients(server, NULL) == 0) {
        return;
    }
    program_touch(server->program);
    if (login_is_on(server->login)) {
        gst_rtsp_server_client_filter(server->rtsp, check_client, server);
    }
}

static uint64_t on_turn(void *context, uint64_t now_ms)
{
    struct server *server = context;

    if (now_ms >= server->look_ms) {
        look(server);
        server->look_ms = now_ms + LOOK_MS;
    }
    return server->look_ms;
}

static gboolean wake(gpointer data)
{
    (void)data;
    return G_SOURCE_CONTINUE;
}

static gboolean wake_by(gint fd, GIOCondition condition, gpointer data)
{
    (void)fd, (void)condition, (void)data;
    return G_SOURCE_CONTINUE;
}

/*
 * What the loop waits for, beside clients and wishes: the program, and when it is to have its turn, which need not be exact. (A timer that was
 * set again in each turn would wake the loop each time.)
 */
static void start_waiting(struct server *server)
{
    GSource *program = g_unix_fd_source_new(program_fd(server->program), G_IO_IN);
    GSource *timer = g_timeout_source_new(TURN_MS);

    g_source_set_callback(program, G_SOURCE_FUNC(wake_by), NULL, NULL);
    g_source_attach(program, server->context);
    g_source_unref(program);
    g_source_set_callback(timer, wake, NULL, NULL);
    g_source_attach(timer, server->context);
    g_source_unref(timer);
}

/* The log-in's channel is another one, or gone. */
static void watch_login(struct server *server)
{
    int fd = login_fd(server->login);

    if (fd == server->watched_fd) {
        return;
    }
    if (server->asking) {
        g_source_destroy(server->asking);
        g_clear_pointer(&server->asking, g_source_unref);
    }
    server->watched_fd = fd;
    if (fd >= 0) {
        server->asking = g_unix_fd_source_new(fd, G_IO_IN | G_IO_HUP);
        g_source_set_callback(server->asking, G_SOURCE_FUNC(wake_by), NULL, NULL);
        g_source_attach(server->asking, server->context);
    }
}

int server_run(struct server *server)
{
    int result = g_main_context_acquire(server->context) ? program_turn(server->program) : -EBUSY;

    start_waiting(server);
    while (result == 0) {
        watch_login(server);
        g_main_context_iteration(server->context, TRUE);
        login_read(server->login);
        result = program_turn(server->program);
    }
    return result < 0 ? result : 0;
}

/* --- Start and end -------------------------------------------------------------------------------------- */

int server_create(int channel, struct server **made)
{
    static const struct program_handlers handlers = {
        .begun = on_begun, .camera = on_camera, .message = on_message, .turn = on_turn};
    struct server *server = g_new0(struct server, 1);
    const struct streams_handlers streams = {.wanted = on_wanted, .ended = on_ended, .owner = server};

    server->listener = server->watched_fd = -1;
    server->context = g_main_context_ref(g_main_context_default());
    server->login = login_create();
    if (!server->login) {
        g_free(server);
        return -ENOMEM;
    }
    server->streams = streams_create(&streams);
    server->handlers = (struct client_handlers){
        .allows = on_request, .prepares = on_prepare, .changed = on_changed, .owner = server};
    server->rtsp = client_server_new(&server->handlers);
    gst_rtsp_server_set_mount_points(server->rtsp, streams_mounts(server->streams));
    *made = server;
    return program_create(channel, &handlers, server, &server->program);
}

static GstRTSPFilterResult end_any(GstRTSPServer *rtsp, GstRTSPClient *client, gpointer data)
{
    (void)rtsp, (void)data;
    client_end(client);
    return GST_RTSP_FILTER_KEEP;
}

/* The process ends with this, so threads of clients that still end find what they need: none of it is freed. */
void server_destroy(struct server *server)
{
    if (!server) {
        return;
    }
    stop_listening(server);
    streams_stop(server->streams);
    gst_rtsp_server_client_filter(server->rtsp, end_any, NULL);
    program_destroy(server->program);
}
