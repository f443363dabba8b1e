/* SPDX-License-Identifier: MIT */
#include "rtsp/door/client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/log/log.h"
#include "rtsp/door/streams.h"
#include "rtsp/door/writer.h"
#include "rtsp/media/factory.h"
#include "rtsp/media/sender_report.h"

/* Packets that a UDP client gets at once of the past, and the time between two such bursts: its socket has room for some more. */
#define BURST 16
#define BURST_US 1000

/* Rounds in which a UDP client is brought up to the present. */
#define CATCH_UP_ROUNDS 4

/* Between two reports. */
#define REPORT_MS 1000

typedef struct {
    GstRTSPClient parent;
    const struct client_handlers *handlers;
    struct writer *writer; /* the connection's; the client's thread */
    GMutex lock;           /* of what follows */
    struct feed *feed;     /* that plays; referenced */
    GPtrArray *udp;        /* of struct udp_start: streams that go over UDP; the client's thread */
    bool udp_starts;       /* they are to be brought up to the present with the answer to PLAY */
    GSource *reporting;    /* sends reports while it plays; the client's thread */
    void *data;
    GDestroyNotify free_data;
} RingClient;
typedef GstRTSPClientClass RingClientClass;
static GType ring_client_get_type(void);
G_DEFINE_TYPE(RingClient, ring_client, GST_TYPE_RTSP_CLIENT)

/* A stream that goes to a client over UDP. */
struct udp_start {
    struct joint *joint;
    int stream;
    GSocket *socket, *report_socket;
    GSocketAddress *address, *report_address;
    bool any;
    uint16_t next; /* with ANY: the packet after the last one that was sent */
};

static void free_udp_start(gpointer data)
{
    struct udp_start *start = data;

    g_clear_object(&start->socket);
    g_clear_object(&start->report_socket);
    g_clear_object(&start->address);
    g_clear_object(&start->report_address);
    g_free(start);
}

/* --- The writer ----------------------------------------------------------------------------------------- */

static gboolean close_client(gpointer data)
{
    gst_rtsp_client_close(data);
    return G_SOURCE_REMOVE;
}

void client_end(GstRTSPClient *client)
{
    GMainContext *context = g_object_get_data(G_OBJECT(client), "ringcast-context");

    if (context) {
        GSource *source = g_idle_source_new();
        g_source_set_callback(source, close_client, g_object_ref(client), g_object_unref);
        g_source_attach(source, context);
        g_source_unref(source);
    }
}

static void on_failed(void *data)
{
    GstRTSPClient *client = g_weak_ref_get(data);

    if (client) {
        client_end(client);
        g_object_unref(client);
    }
}

static void free_weak(gpointer data)
{
    g_weak_ref_clear(data);
    g_free(data);
}

static void send_udp(RingClient *ring);

static gboolean send_messages(GstRTSPClient *client, GstRTSPMessage *messages, guint count, gboolean close,
                              gpointer data)
{
    struct writer *writer = ((RingClient *)client)->writer;
    bool alive = writer && writer_send(writer, messages, count);

    (void)data; /* the library gives another function's */
    if (alive && count > 0 && gst_rtsp_message_get_type(messages) == GST_RTSP_MESSAGE_RESPONSE) {
        send_udp((RingClient *)client);
    }
    if (close) {
        client_end(client);
    }
    return alive;
}

static void forget_writer(gpointer data)
{
    RingClient *ring = data;

    g_clear_pointer(&ring->writer, writer_destroy);
}

/* The client's thread, with its first request. */
static void take_over_writing(RingClient *ring)
{
    GstRTSPClient *client = &ring->parent;
    GSource *source = g_main_current_source();
    GSocket *socket = gst_rtsp_connection_get_write_socket(gst_rtsp_client_get_connection(client));
    int on = 1;

    if (ring->writer || !source || !socket) {
        return;
    }
    GMainContext *context = g_main_context_ref(g_source_get_context(source));
    GWeakRef *weak = g_new0(GWeakRef, 1);
    g_weak_ref_init(weak, client);
    setsockopt(g_socket_get_fd(socket), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    g_object_set_data_full(G_OBJECT(client), "ringcast-context", context,
                           (GDestroyNotify)g_main_context_unref);
    ring->writer = writer_create(socket, context, on_failed, weak, free_weak);
    gst_rtsp_client_set_send_messages_func(client, send_messages, ring, forget_writer);
}

/* --- The start of a stream ------------------------------------------------------------------------------ */

/* "…stream=N": N, or -1. */
static int stream_number(const char *text)
{
    const char *place = strstr(text, "stream=");
    int number;

    return place && sscanf(place, "stream=%d", &number) == 1 ? number : -1;
}

static void append_field(GString *out, const char *field, struct feed *feed, int stream)
{
    struct joint *joint = feed_joint(feed, stream);
    uint16_t number;
    uint32_t rtp_time;

    if (joint && joint_first(joint, &number, &rtp_time)) {
        if (g_str_has_prefix(field, "seq=")) {
            g_string_append_printf(out, "seq=%u", number);
            return;
        }
        if (g_str_has_prefix(field, "rtptime=")) {
            g_string_append_printf(out, "rtptime=%u", rtp_time);
            return;
        }
    }
    g_string_append(out, field);
}

/* INFO, an RTP-Info header, with the packets that the client gets first; to be freed with g_free. */
static char *begin_at_keyframe(const char *info, struct feed *feed)
{
    GString *out = g_string_new(NULL);
    char **streams = g_strsplit(info, ",", -1);

    for (char **stream = streams; *stream; stream++) {
        char **fields = g_strsplit(*stream, ";", -1);
        for (char **field = fields; *field; field++) {
            g_string_append(out, field != fields ? ";" : stream != streams ? "," : "");
            append_field(out, g_strstrip(*field), feed, stream_number(*stream));
        }
        g_strfreev(fields);
    }
    g_strfreev(streams);
    return g_string_free(out, FALSE);
}

static void start_udp(RingClient *ring, GstRTSPStream *stream, const GstRTSPTransport *transport,
                      struct joint *joint)
{
    GInetAddress *address = g_inet_address_new_from_string(transport->destination);
    GSocket *socket =
        address ? gst_rtsp_stream_get_rtp_socket(stream, g_inet_address_get_family(address)) : NULL;

    if (socket) {
        struct udp_start *start = g_new0(struct udp_start, 1);
        start->joint = joint;
        start->stream = (int)gst_rtsp_stream_get_index(stream);
        start->socket = socket;
        start->report_socket = gst_rtsp_stream_get_rtcp_socket(stream, g_inet_address_get_family(address));
        start->address = g_inet_socket_address_new(address, (guint16)transport->client_port.min);
        start->report_address = g_inet_socket_address_new(address, (guint16)transport->client_port.max);
        g_ptr_array_add(ring->udp, start);
        ring->udp_starts = true;
    }
    g_clear_object(&address);
}

static void start_transport(RingClient *ring, GstRTSPStreamTransport *place, struct feed *feed)
{
    GstRTSPStream *stream = gst_rtsp_stream_transport_get_stream(place);
    const GstRTSPTransport *transport = gst_rtsp_stream_transport_get_transport(place);
    int number = (int)gst_rtsp_stream_get_index(stream);
    struct joint *joint = feed_joint(feed, number);

    if (!joint) {
        return;
    }
    if (transport->lower_transport == GST_RTSP_LOWER_TRANS_TCP && ring->writer) {
        writer_join(ring->writer, (unsigned)transport->interleaved.min, feed, number);
    } else if (transport->lower_transport == GST_RTSP_LOWER_TRANS_UDP) {
        start_udp(ring, stream, transport, joint);
    }
}

static GstRTSPStatusCode adjust_play_response(GstRTSPClient *client, GstRTSPContext *context)
{
    RingClient *ring = (RingClient *)client;
    struct feed *feed = factory_feed(context->media);
    GPtrArray *places = gst_rtsp_session_media_get_transports(context->sessmedia);
    char *info = NULL;

    if (!feed) {
        g_ptr_array_unref(places);
        return GST_RTSP_STS_NOT_FOUND;
    }
    if (gst_rtsp_message_get_header(context->response, GST_RTSP_HDR_RTP_INFO, &info, 0) == GST_RTSP_OK) {
        info = begin_at_keyframe(info, feed);
        gst_rtsp_message_remove_header(context->response, GST_RTSP_HDR_RTP_INFO, -1);
        gst_rtsp_message_take_header(context->response, GST_RTSP_HDR_RTP_INFO, info);
    }
    g_mutex_lock(&ring->lock);
    if (ring->feed != feed) {
        feed_unref(ring->feed);
        ring->feed = feed_ref(feed);
    }
    g_mutex_unlock(&ring->lock);
    if (gst_rtsp_session_media_get_rtsp_state(context->sessmedia) != GST_RTSP_STATE_PLAYING) {
        for (guint i = 0; i < places->len; i++) {
            if (g_ptr_array_index(places, i)) {
                start_transport(ring, g_ptr_array_index(places, i), feed);
            }
        }
    }
    g_ptr_array_unref(places);
    feed_play(feed);
    ring->handlers->changed(ring->handlers->owner);
    return GST_RTSP_STS_OK;
}

/* Sends what START's client does not have of PACKETS. */
static void send_packets(struct udp_start *start, GPtrArray *packets)
{
    unsigned sent = 0;

    for (guint i = 0; i < packets->len; i++) {
        GstBuffer *packet = g_ptr_array_index(packets, i);
        GstMapInfo map;
        uint16_t number;
        uint32_t rtp_time;
        if (!joint_read_header(packet, &number, &rtp_time) ||
            (start->any && (int16_t)(uint16_t)(number - start->next) < 0) ||
            !gst_buffer_map(packet, &map, GST_MAP_READ)) {
            continue;
        }
        g_socket_send_to(start->socket, start->address, (const char *)map.data, map.size, NULL, NULL);
        gst_buffer_unmap(packet, &map);
        start->any = true;
        start->next = (uint16_t)(number + 1);
        if (++sent % BURST == 0) {
            g_usleep(BURST_US);
        }
    }
}

static void catch_up(struct udp_start *start)
{
    GPtrArray *packets = g_ptr_array_new_with_free_func((GDestroyNotify)gst_buffer_unref);

    joint_collect(start->joint, 0, true, packets);
    send_packets(start, packets);
    g_ptr_array_unref(packets);
}

/*
 * The packets since the keyframe, for UDP clients, before the payloader's next packets go to them. What passes between the two is sent
 * again by on_playing.
 */
static void send_udp(RingClient *ring)
{
    for (int round = 0; ring->udp_starts && round < CATCH_UP_ROUNDS; round++) {
        for (guint i = 0; i < ring->udp->len; i++) {
            catch_up(g_ptr_array_index(ring->udp, i));
        }
    }
}

/* A report on a stream that goes over UDP. */
static void report_udp(RingClient *ring, const struct udp_start *start)
{
    GstBuffer *report = ring->feed ? sender_report_make(ring->feed, start->stream) : NULL;
    GstMapInfo map;

    if (report && start->report_socket && gst_buffer_map(report, &map, GST_MAP_READ)) {
        g_socket_send_to(start->report_socket, start->report_address, (const char *)map.data, map.size, NULL,
                         NULL);
        gst_buffer_unmap(report, &map);
    }
    g_clear_pointer(&report, gst_buffer_unref);
}

static gboolean on_report(gpointer data)
{
    RingClient *ring = data;

    if (ring->writer) {
        writer_report(ring->writer);
    }
    for (guint i = 0; i < ring->udp->len; i++) {
        report_udp(ring, g_ptr_array_index(ring->udp, i));
    }
    return G_SOURCE_CONTINUE;
}

static void stop_reporting(RingClient *ring)
{
    if (ring->reporting) {
        g_source_destroy(ring->reporting);
        g_clear_pointer(&ring->reporting, g_source_unref);
    }
}

static void on_playing(GstRTSPClient *client, GstRTSPContext *context, gpointer data)
{
    RingClient *ring = (RingClient *)client;
    GMainContext *own = g_object_get_data(G_OBJECT(client), "ringcast-context");

    (void)context, (void)data;
    for (guint i = 0; ring->udp_starts && i < ring->udp->len; i++) {
        catch_up(g_ptr_array_index(ring->udp, i));
        report_udp(ring, g_ptr_array_index(ring->udp, i));
    }
    ring->udp_starts = false;
    if (!ring->reporting && own) {
        ring->reporting = g_timeout_source_new(REPORT_MS);
        g_source_set_callback(ring->reporting, on_report, ring, NULL);
        g_source_attach(ring->reporting, own);
    }
}

/* --- The end of a stream -------------------------------------------------------------------------------- */

static void leave(RingClient *ring)
{
    g_mutex_lock(&ring->lock);
    struct feed *feed = ring->feed;
    ring->feed = NULL;
    g_mutex_unlock(&ring->lock);
    if (feed) {
        feed_unref(feed);
        ring->handlers->changed(ring->handlers->owner);
    }
}

static void on_over(GstRTSPClient *client, GstRTSPContext *context, gpointer data)
{
    RingClient *ring = (RingClient *)client;

    (void)context, (void)data;
    stop_reporting(ring);
    g_ptr_array_set_size(ring->udp, 0);
    if (ring->writer) {
        writer_leave(ring->writer);
    }
    leave(ring);
}

static void on_closed(GstRTSPClient *client, gpointer data)
{
    (void)data;
    stop_reporting((RingClient *)client);
    leave((RingClient *)client);
}

/* --- Requests ------------------------------------------------------------------------------------------- */

static GstRTSPStatusCode before_media(GstRTSPClient *client, GstRTSPContext *context, gpointer data)
{
    const RingClient *ring = (RingClient *)client;

    (void)data;
    return ring->handlers->prepares(ring->handlers->owner, context);
}

void client_answer(GstRTSPContext *context, GstRTSPStatusCode code, const char *const *headers)
{
    gst_rtsp_message_init_response(context->response, code, gst_rtsp_status_as_text(code), context->request);
    for (; headers && headers[0] && headers[1]; headers += 2) {
        gst_rtsp_message_add_header_by_name(context->response, headers[0], headers[1]);
    }
    gst_rtsp_client_send_message(context->client, context->session, context->response);
}

char *client_camera(GstRTSPClient *client)
{
    RingClient *ring = (RingClient *)client;

    g_mutex_lock(&ring->lock);
    char *camera = ring->feed ? g_strdup(feed_camera(ring->feed)) : NULL;
    g_mutex_unlock(&ring->lock);
    return camera;
}

bool client_has(GstRTSPClient *client, const struct feed *feed)
{
    RingClient *ring = (RingClient *)client;

    g_mutex_lock(&ring->lock);
    bool has = ring->feed == feed;
    g_mutex_unlock(&ring->lock);
    return has;
}

void client_set_data(GstRTSPClient *client, void *data, GDestroyNotify free_data)
{
    RingClient *ring = (RingClient *)client;

    if (ring->free_data && ring->data != data) {
        ring->free_data(ring->data);
    }
    ring->data = data;
    ring->free_data = free_data;
}

void *client_data(GstRTSPClient *client)
{
    return ((RingClient *)client)->data;
}

static void finalize(GObject *object)
{
    RingClient *ring = (RingClient *)object;

    stop_reporting(ring);
    leave(ring);
    g_ptr_array_unref(ring->udp);
    if (ring->free_data) {
        ring->free_data(ring->data);
    }
    G_OBJECT_CLASS(ring_client_parent_class)->finalize(object);
    g_mutex_clear(&ring->lock);
}

static gchar *make_path_from_uri(GstRTSPClient *client, const GstRTSPUrl *url)
{
    (void)client;
    return streams_path(url);
}

static void ring_client_class_init(RingClientClass *class)
{
    class->make_path_from_uri = make_path_from_uri;
    class->adjust_play_response = adjust_play_response;
    G_OBJECT_CLASS(class)->finalize = finalize;
}

static void ring_client_init(RingClient *ring)
{
    g_mutex_init(&ring->lock);
    ring->udp = g_ptr_array_new_with_free_func(free_udp_start);
}

/* --- Who judges requests -------------------------------------------------------------------------------- */

typedef struct {
    GstRTSPAuth parent;
    const struct client_handlers *handlers;
} RingAuth;
typedef GstRTSPAuthClass RingAuthClass;
static GType ring_auth_get_type(void);
G_DEFINE_TYPE(RingAuth, ring_auth, GST_TYPE_RTSP_AUTH)

static gboolean check(GstRTSPAuth *auth, GstRTSPContext *context, const gchar *what)
{
    const struct client_handlers *handlers = ((RingAuth *)auth)->handlers;

    if (strcmp(what, GST_RTSP_AUTH_CHECK_TRANSPORT_CLIENT_SETTINGS) == 0) {
        return FALSE; /* streams go to where the request comes from */
    }
    if (strcmp(what, GST_RTSP_AUTH_CHECK_URL) != 0) {
        return TRUE;
    }
    take_over_writing((RingClient *)context->client);
    return handlers->allows(handlers->owner, context);
}

static void ring_auth_class_init(RingAuthClass *class)
{
    class->check = check;
}

static void ring_auth_init(RingAuth *auth)
{
    (void)auth;
}

/* --- The server ----------------------------------------------------------------------------------------- */

typedef struct {
    GstRTSPServer parent;
    const struct client_handlers *handlers;
} RingServer;
typedef GstRTSPServerClass RingServerClass;
static GType ring_server_get_type(void);
G_DEFINE_TYPE(RingServer, ring_server, GST_TYPE_RTSP_SERVER)

static GstRTSPClient *create_client(GstRTSPServer *server)
{
    RingClient *ring = g_object_new(ring_client_get_type(), NULL);
    GstRTSPClient *client = &ring->parent;
    GstRTSPSessionPool *sessions = gst_rtsp_server_get_session_pool(server);
    GstRTSPMountPoints *mounts = gst_rtsp_server_get_mount_points(server);
    GstRTSPAuth *auth = gst_rtsp_server_get_auth(server);
    GstRTSPThreadPool *threads = gst_rtsp_server_get_thread_pool(server);

    ring->handlers = ((RingServer *)server)->handlers;
    gst_rtsp_client_set_session_pool(client, sessions);
    gst_rtsp_client_set_mount_points(client, mounts);
    gst_rtsp_client_set_auth(client, auth);
    gst_rtsp_client_set_thread_pool(client, threads);
    gst_rtsp_client_set_content_length_limit(client, 65536);
    g_signal_connect(client, "pre-describe-request", G_CALLBACK(before_media), NULL);
    g_signal_connect(client, "pre-setup-request", G_CALLBACK(before_media), NULL);
    g_signal_connect(client, "play-request", G_CALLBACK(on_playing), NULL);
    g_signal_connect(client, "pause-request", G_CALLBACK(on_over), NULL);
    g_signal_connect(client, "teardown-request", G_CALLBACK(on_over), NULL);
    g_signal_connect(client, "closed", G_CALLBACK(on_closed), NULL);
    g_object_unref(sessions);
    g_object_unref(mounts);
    g_object_unref(auth);
    g_object_unref(threads);
    return client;
}

static void ring_server_class_init(RingServerClass *class)
{
    class->create_client = create_client;
}

static void ring_server_init(RingServer *server)
{
    (void)server;
}

GstRTSPServer *client_server_new(const struct client_handlers *handlers)
{
    RingServer *ring = g_object_new(ring_server_get_type(), NULL);
    GstRTSPServer *server = &ring->parent;
    RingAuth *auth = g_object_new(ring_auth_get_type(), NULL);
    GstRTSPThreadPool *threads = gst_rtsp_thread_pool_new();

    ring->handlers = handlers;
    auth->handlers = handlers;
    gst_rtsp_thread_pool_set_max_threads(threads, -1); /* one for each client */
    gst_rtsp_server_set_thread_pool(server, threads);
    gst_rtsp_server_set_auth(server, &auth->parent);
    g_object_unref(threads);
    g_object_unref(auth);
    return server;
}
