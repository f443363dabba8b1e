/* SPDX-License-Identifier: MIT */
#include "rtsp/media/factory.h"

#include <gst/app/gstappsrc.h>
#include <gst/net/gstnetaddressmeta.h>
#include <stdio.h>
#include <string.h>

#include "common/log/log.h"

/* Dynamic payload types (RFC 3551, 6). */
#define PAYLOAD_VIDEO 96
#define PAYLOAD_AUDIO 97

/* Bytes of a packet: fits into Ethernet's 1500 with IPv6, UDP and a tunnel's header. */
#define PACKET_BYTES 1400

/* Of the bin that a medium is made of. */
#define FEED_KEY "ringcast-feed"

/* One pipeline, whatever the rest of the URL. */
#define SHARED_KEY "ringcast"

/* --- Media ---------------------------------------------------------------------------------------------- */

typedef GstRTSPMedia RingMedia;
typedef GstRTSPMediaClass RingMediaClass;
static GType ring_media_get_type(void);
G_DEFINE_TYPE(RingMedia, ring_media, GST_TYPE_RTSP_MEDIA)

struct feed *factory_feed(GstRTSPMedia *media)
{
    GstElement *bin = gst_rtsp_media_get_element(media);
    struct feed *feed = bin ? g_object_get_data(G_OBJECT(bin), FEED_KEY) : NULL;

    g_clear_pointer(&bin, gst_object_unref);
    return feed;
}

/* --- Reports of clients --------------------------------------------------------------------------------- */

static bool is_from(const GstRTSPTransport *transport, GSocketAddress *address)
{
    GInetSocketAddress *inet = G_INET_SOCKET_ADDRESS(address);
    char *host = g_inet_address_to_string(g_inet_socket_address_get_address(inet));
    bool same = transport->lower_transport == GST_RTSP_LOWER_TRANS_UDP && transport->destination &&
                strcmp(host, transport->destination) == 0 &&
                transport->client_port.max == g_inet_socket_address_get_port(inet);

    g_free(host);
    return same;
}

static GstRTSPFilterResult keep_alive(GstRTSPStream *stream, GstRTSPStreamTransport *place, gpointer address)
{
    (void)stream;
    if (is_from(gst_rtsp_stream_transport_get_transport(place), address)) {
        gst_rtsp_stream_transport_keep_alive(place);
    }
    return GST_RTSP_FILTER_KEEP;
}

/*
 * All clients share one RTP session. In it a report with the SSRC of the stream would be a collision, and the stream would change its SSRC
 * for everybody. So no client's reports get there; they only show that the client is there, which is all that is made of them.
 */
static GstPadProbeReturn on_client_report(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    GstNetAddressMeta *meta = gst_buffer_get_net_address_meta(buffer);

    (void)pad;
    if (meta && G_IS_INET_SOCKET_ADDRESS(meta->addr)) {
        gst_rtsp_stream_transport_filter(data, keep_alive, meta->addr);
    }
    return GST_PAD_PROBE_DROP;
}

static void refuse_reports(GstRTSPMedia *media, unsigned stream, GstPad *pad)
{
    GstRTSPStream *place = gst_rtsp_media_get_stream(media, stream);

    if (place) {
        gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_client_report, place, NULL);
    }
}

/* Clients get reports of another kind: sender_report.h. */
static GstPadProbeReturn on_own_report(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    (void)pad, (void)info, (void)data;
    return GST_PAD_PROBE_DROP;
}

/*
 * A stream that no client has asked for leads nowhere. Its packets are let go there: as an error they would end the medium for all who
 * come later.
 */
static GstPadProbeReturn on_packet(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    (void)info, (void)data;
    return gst_pad_is_linked(pad) ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
}

static void on_rtpbin_pad(GstElement *rtpbin, GstPad *pad, gpointer data)
{
    unsigned stream;

    (void)rtpbin;
    if (sscanf(GST_PAD_NAME(pad), "recv_rtcp_sink_%u", &stream) == 1) {
        refuse_reports(data, stream, pad);
    } else if (sscanf(GST_PAD_NAME(pad), "send_rtcp_src_%u", &stream) == 1) {
        gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_own_report, NULL, NULL);
    } else if (sscanf(GST_PAD_NAME(pad), "send_rtp_src_%u", &stream) == 1) {
        gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_packet, NULL,
                          NULL);
    }
}

static gboolean setup_rtpbin(GstRTSPMedia *media, GstElement *rtpbin)
{
    GstRTSPMediaClass *parent = GST_RTSP_MEDIA_CLASS(ring_media_parent_class);

    g_signal_connect(rtpbin, "pad-added", G_CALLBACK(on_rtpbin_pad), media); /* which has the rtpbin */
    return !parent->setup_rtpbin || parent->setup_rtpbin(media, rtpbin);
}

/* The last client has gone: a next one gets another medium, for this one cannot be stopped from ending. */
static gboolean unprepare(GstRTSPMedia *media)
{
    struct feed *feed = factory_feed(media);

    if (feed) {
        feed_finish(feed);
    }
    return GST_RTSP_MEDIA_CLASS(ring_media_parent_class)->unprepare(media);
}

static void ring_media_class_init(RingMediaClass *class)
{
    class->unprepare = unprepare;
    class->setup_rtpbin = setup_rtpbin;
}

static void ring_media_init(RingMedia *media)
{
    /* Nothing waits for the time at which a picture would be shown. */
    gst_rtsp_media_set_rate_control(media, FALSE);
}

/* --- The factory ---------------------------------------------------------------------------------------- */

typedef struct {
    GstRTSPMediaFactory parent;
    GMutex lock; /* of ring and feed */
    struct ring_hold *ring;
    struct feed *feed; /* that of the newest medium; it may have ended. Referenced */
    char *camera;
    struct init_segment declared, used;
    feed_ended ended;
    void *data;
} RingFactory;
typedef GstRTSPMediaFactoryClass RingFactoryClass;
static GType ring_factory_get_type(void);
G_DEFINE_TYPE(RingFactory, ring_factory, GST_TYPE_RTSP_MEDIA_FACTORY)

static GstElement *make(const char *kind, const char *name)
{
    GstElement *element = gst_element_factory_make(kind, name);

    if (!element) {
        log_error("GStreamer's element %s is missing", kind);
    }
    return element;
}

static GstCaps *video_caps(const struct init_segment *init)
{
    GstBuffer *config = gst_buffer_new_memdup(init->video_config, init->video_config_size);
    bool h264 = init->video == VIDEO_H264;
    GstCaps *caps = gst_caps_new_simple(h264 ? "video/x-h264" : "video/x-h265", "stream-format",
                                        G_TYPE_STRING, h264 ? "avc" : "hvc1", "alignment", G_TYPE_STRING,
                                        "au", "codec_data", GST_TYPE_BUFFER, config, NULL);

    gst_buffer_unref(config);
    return caps;
}

static GstCaps *audio_caps(const struct init_segment *init)
{
    if (init->audio == AUDIO_OPUS) {
        return gst_caps_new_simple("audio/x-opus", "channel-mapping-family", G_TYPE_INT, 0, "channels",
                                   G_TYPE_INT, (int)init->channels, "rate", G_TYPE_INT, 48000, NULL);
    }
    GstBuffer *config = gst_buffer_new_memdup(init->audio_config, init->audio_config_size);
    GstCaps *caps =
        gst_caps_new_simple("audio/mpeg", "mpegversion", G_TYPE_INT, 4, "stream-format", G_TYPE_STRING, "raw",
                            "rate", G_TYPE_INT, (int)init->audio_timescale, "channels", G_TYPE_INT,
                            (int)init->channels, "codec_data", GST_TYPE_BUFFER, config, NULL);
    gst_buffer_unref(config);
    return caps;
}

/* A source and its payloader in BIN. The source, borrowed; NULL: an element is missing. */
static GstElement *add_stream(GstElement *bin, int stream, const char *payloader, GstCaps *caps,
                              struct joint *joint)
{
    GstElement *source = make("appsrc", NULL);
    char name[8];

    snprintf(name, sizeof(name), "pay%d", stream);
    GstElement *pay = make(payloader, name);
    if (!source || !pay) {
        g_clear_pointer(&source, gst_object_unref);
        g_clear_pointer(&pay, gst_object_unref);
        gst_caps_unref(caps);
        return NULL;
    }
    g_object_set(source, "caps", caps, "format", GST_FORMAT_TIME, "is-live", TRUE, "do-timestamp", FALSE,
                 "max-bytes", (guint64)0, NULL);
    g_object_set(pay, "pt", (guint)(stream == FEED_VIDEO ? PAYLOAD_VIDEO : PAYLOAD_AUDIO), "mtu",
                 (guint)PACKET_BYTES, NULL);
    if (stream == FEED_VIDEO) {
        g_object_set(pay, "config-interval", -1, NULL); /* parameter sets before each keyframe */
    }
    gst_bin_add_many(GST_BIN(bin), source, pay, NULL);
    gst_element_link(source, pay);
    GstPad *pad = gst_element_get_static_pad(pay, "src");
    joint_watch(joint, pad);
    gst_object_unref(pad);
    gst_caps_unref(caps);
    return source;
}

/* The bin is gone: no pad is left that the feed's joints watch, and none of its sources works. */
static void let_feed_go(gpointer data)
{
    feed_stop(data);
    feed_unref(data);
}

static GstElement *create_element(GstRTSPMediaFactory *base, const GstRTSPUrl *url)
{
    RingFactory *factory = (RingFactory *)base;
    const struct init_segment *used = &factory->used;
    GstElement *bin = gst_bin_new(NULL);

    (void)url;
    g_mutex_lock(&factory->lock);
    struct feed *feed =
        feed_create(factory->camera, factory->ring, &factory->declared, used, factory->ended, factory->data);
    feed_unref(factory->feed);
    factory->feed = feed_ref(feed);
    g_mutex_unlock(&factory->lock);
    g_object_set_data_full(G_OBJECT(bin), FEED_KEY, feed, let_feed_go);
    GstElement *video = add_stream(bin, FEED_VIDEO, used->video == VIDEO_H264 ? "rtph264pay" : "rtph265pay",
                                   video_caps(used), feed_joint(feed, FEED_VIDEO));
    GstElement *audio = NULL;
    if (video && used->audio != AUDIO_NONE) {
        audio = add_stream(bin, FEED_AUDIO, used->audio == AUDIO_AAC ? "rtpmp4gpay" : "rtpopuspay",
                           audio_caps(used), feed_joint(feed, FEED_AUDIO));
    }
    if (!video || (used->audio != AUDIO_NONE && !audio)) {
        gst_object_unref(bin);
        return NULL;
    }
    feed_start(feed, video, audio);
    return bin;
}

/* Sinks would wait until a picture is due, which is later by the age of the keyframe that the stream began with. An hour ago nothing waits. */
static void on_element(GstBin *pipeline, GstBin *bin, GstElement *element, gpointer data)
{
    (void)pipeline, (void)bin, (void)data;
    if (g_object_class_find_property(G_OBJECT_GET_CLASS(element), "ts-offset") &&
        g_object_class_find_property(G_OBJECT_GET_CLASS(element), "max-lateness")) {
        g_object_set(element, "ts-offset", -(gint64)(3600 * GST_SECOND), NULL);
    }
}

static GstElement *create_pipeline(GstRTSPMediaFactory *base, GstRTSPMedia *media)
{
    GstElement *pipeline =
        GST_RTSP_MEDIA_FACTORY_CLASS(ring_factory_parent_class)->create_pipeline(base, media);

    if (pipeline) {
        g_signal_connect(pipeline, "deep-element-added", G_CALLBACK(on_element), NULL);
    }
    return pipeline;
}

static gchar *gen_key(GstRTSPMediaFactory *base, const GstRTSPUrl *url)
{
    (void)base, (void)url;
    return g_strdup(SHARED_KEY);
}

static void finalize(GObject *object)
{
    RingFactory *factory = (RingFactory *)object;

    ring_hold_unref(factory->ring);
    feed_unref(factory->feed);
    g_free(factory->camera);
    g_mutex_clear(&factory->lock);
    G_OBJECT_CLASS(ring_factory_parent_class)->finalize(object);
}

static void ring_factory_class_init(RingFactoryClass *class)
{
    class->create_element = create_element;
    class->create_pipeline = create_pipeline;
    class->gen_key = gen_key;
    G_OBJECT_CLASS(class)->finalize = finalize;
}

static void ring_factory_init(RingFactory *factory)
{
    g_mutex_init(&factory->lock);
}

GstRTSPMediaFactory *factory_create(const struct factory_stream *stream)
{
    RingFactory *factory = g_object_new(ring_factory_get_type(), NULL);
    GstRTSPMediaFactory *base = GST_RTSP_MEDIA_FACTORY(factory);

    factory->ring = ring_hold_ref(stream->ring);
    factory->camera = g_strdup(stream->camera);
    factory->declared = *stream->declared;
    factory->used = *stream->used;
    factory->ended = stream->ended;
    factory->data = stream->data;
    gst_rtsp_media_factory_set_shared(base, TRUE);
    gst_rtsp_media_factory_set_media_gtype(base, ring_media_get_type());
    gst_rtsp_media_factory_set_protocols(base, GST_RTSP_LOWER_TRANS_TCP | GST_RTSP_LOWER_TRANS_UDP);
    gst_rtsp_media_factory_set_latency(base, 0);
    gst_rtsp_media_factory_set_address_pool(base, stream->ports);
    return base;
}

void factory_set_ring(GstRTSPMediaFactory *base, struct ring_hold *ring)
{
    RingFactory *factory = (RingFactory *)base;

    g_mutex_lock(&factory->lock);
    ring_hold_unref(factory->ring);
    factory->ring = ring_hold_ref(ring);
    if (factory->feed) {
        feed_set_ring(factory->feed, ring);
    }
    g_mutex_unlock(&factory->lock);
}

bool factory_is_over(GstRTSPMediaFactory *base)
{
    RingFactory *factory = (RingFactory *)base;

    g_mutex_lock(&factory->lock);
    bool over = factory->feed && !feed_runs(factory->feed);
    g_mutex_unlock(&factory->lock);
    return over;
}

bool factory_has_feed(GstRTSPMediaFactory *base, const struct feed *feed)
{
    RingFactory *factory = (RingFactory *)base;

    g_mutex_lock(&factory->lock);
    bool has = factory->feed == feed;
    g_mutex_unlock(&factory->lock);
    return has;
}

bool factory_is_used(GstRTSPMediaFactory *base)
{
    RingFactory *factory = (RingFactory *)base;

    g_mutex_lock(&factory->lock);
    bool used = factory->feed && feed_runs(factory->feed);
    g_mutex_unlock(&factory->lock);
    return used;
}

bool factory_prepare(void)
{
    /* gst-rtsp-server's own elements, too: it makes them when the first client comes. */
    static const char *const kinds[] = {
        "appsrc",   "appsink",    "rtph264pay",   "rtph265pay",   "rtpmp4gpay", "rtpopuspay",
        "rtpbin",   "rtpsession", "rtpssrcdemux", "tee",          "queue",      "funnel",
        "fakesink", "identity",   "udpsrc",       "multiudpsink", "rtpstorage", "rtpfunnel"};
    bool all = true;

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        GstElement *element = make(kinds[i], NULL);
        all = all && element;
        if (element) {
            gst_object_unref(element);
        }
    }
    g_type_class_unref(g_type_class_ref(ring_media_get_type()));
    g_type_class_unref(g_type_class_ref(ring_factory_get_type()));
    return all;
}
