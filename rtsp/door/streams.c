/* SPDX-License-Identifier: MIT */
#include "rtsp/door/streams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/log/log.h"
#include "rtsp/media/factory.h"
#include "rtsp/stream/fragment.h"

/* How often a client that waits looks at the ring. */
#define LOOK_MS 50

/* How long a stream may keep its sound back. One that has none by then is offered without. */
#define SOUND_WAIT_MS 500

/* Of a client's RTP over UDP: time to live, as for any other packet. */
#define UDP_TTL 0

struct stream {
    char *name;
    struct ring_hold *ring; /* NULL: none that can be read */
    bool live, removed;
    GstRTSPMediaFactory *factory; /* NULL: nobody has asked since the stream changed */
    struct init_segment declared, used;
};

struct streams {
    GMutex lock;
    GCond changed;
    GHashTable *table; /* name to struct stream */
    GstRTSPMountPoints *mounts;
    GstRTSPAddressPool *ports;
    struct streams_handlers handlers;
    bool stopped;
};

/* --- Paths ---------------------------------------------------------------------------------------------- */

typedef GstRTSPMountPoints RingMounts;
typedef GstRTSPMountPointsClass RingMountsClass;
static GType ring_mounts_get_type(void);
G_DEFINE_TYPE(RingMounts, ring_mounts, GST_TYPE_RTSP_MOUNT_POINTS)

/*
 * The one way in which a path is written here, however a client has written it: what has to be encoded in a URL is. The library compares such paths,
 * and makes of them the URLs that it tells clients.
 */
static char *encode_path(const char *path)
{
    return g_uri_escape_string(path, G_URI_RESERVED_CHARS_ALLOWED_IN_PATH, false);
}

static char *decode_path(const GstRTSPUrl *url)
{
    char *path = url->abspath ? g_uri_unescape_string(url->abspath, NULL) : NULL;

    return path ? path : g_strdup("/");
}

char *streams_path(const GstRTSPUrl *url)
{
    char *decoded = decode_path(url);
    char *path = encode_path(decoded);

    g_free(decoded);
    return path;
}

static gchar *make_path(GstRTSPMountPoints *mounts, const GstRTSPUrl *url)
{
    (void)mounts;
    return streams_path(url);
}

static void ring_mounts_class_init(RingMountsClass *class)
{
    class->make_path = make_path;
}

static void ring_mounts_init(RingMounts *mounts)
{
    (void)mounts;
}

char *streams_name(const GstRTSPUrl *url)
{
    char *path = decode_path(url);
    char *control = strstr(path, "/stream=");

    if (control) {
        *control = '\0';
    }
    g_strchomp(path);
    size_t length = strlen(path);
    if (length > 1 && path[length - 1] == '/') {
        path[length - 1] = '\0';
    }
    char *name = g_strdup(path[0] == '/' ? path + 1 : path);
    g_free(path);
    return name;
}

static char *path_of(const char *name)
{
    char *decoded = g_strconcat("/", name, NULL);
    char *path = encode_path(decoded);

    g_free(decoded);
    return path;
}

/* --- The table ------------------------------------------------------------------------------------------ */

static void forget_factory(struct streams *streams, struct stream *stream)
{
    if (stream->factory) {
        char *path = path_of(stream->name);
        gst_rtsp_mount_points_remove_factory(streams->mounts, path);
        g_clear_object(&stream->factory);
        g_free(path);
    }
}

static void free_stream(gpointer data)
{
    struct stream *stream = data;

    ring_hold_unref(stream->ring);
    g_clear_object(&stream->factory);
    g_free(stream->name);
    g_free(stream);
}

struct streams *streams_create(const struct streams_handlers *handlers)
{
    struct streams *streams = g_new0(struct streams, 1);

    g_mutex_init(&streams->lock);
    g_cond_init(&streams->changed);
    streams->table = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_stream);
    streams->mounts = g_object_new(ring_mounts_get_type(), NULL);
    streams->handlers = *handlers;
    return streams;
}

void streams_destroy(struct streams *streams)
{
    g_hash_table_unref(streams->table);
    g_object_unref(streams->mounts);
    g_clear_object(&streams->ports);
    g_cond_clear(&streams->changed);
    g_mutex_clear(&streams->lock);
    g_free(streams);
}

GstRTSPMountPoints *streams_mounts(const struct streams *streams)
{
    return streams->mounts;
}

void streams_set_ports(struct streams *streams, unsigned first, unsigned last)
{
    GstRTSPAddressPool *ports = NULL;

    if (first > 0) {
        ports = gst_rtsp_address_pool_new();
        gst_rtsp_address_pool_add_range(ports, GST_RTSP_ADDRESS_POOL_ANY_IPV4, GST_RTSP_ADDRESS_POOL_ANY_IPV4,
                                        (guint16)first, (guint16)last, UDP_TTL);
        gst_rtsp_address_pool_add_range(ports, GST_RTSP_ADDRESS_POOL_ANY_IPV6, GST_RTSP_ADDRESS_POOL_ANY_IPV6,
                                        (guint16)first, (guint16)last, UDP_TTL);
    }
    g_mutex_lock(&streams->lock);
    g_clear_object(&streams->ports);
    streams->ports = ports;
    g_mutex_unlock(&streams->lock);
}

static struct stream *find_or_add(struct streams *streams, const char *name)
{
    struct stream *stream = g_hash_table_lookup(streams->table, name);

    if (!stream) {
        stream = g_new0(struct stream, 1);
        stream->name = g_strdup(name);
        g_hash_table_insert(streams->table, stream->name, stream);
    }
    return stream;
}

int streams_set_ring(struct streams *streams, const char *name, int fd)
{
    struct ring_hold *ring = NULL;
    int result = ring_hold_open(fd, &ring);

    g_mutex_lock(&streams->lock);
    struct stream *stream = find_or_add(streams, name);
    ring_hold_unref(stream->ring);
    stream->ring = ring;
    if (stream->factory && ring) {
        factory_set_ring(stream->factory, ring);
    }
    g_cond_broadcast(&streams->changed);
    g_mutex_unlock(&streams->lock);
    return result;
}

void streams_set_live(struct streams *streams, const char *name, bool live)
{
    g_mutex_lock(&streams->lock);
    struct stream *stream = g_hash_table_lookup(streams->table, name);
    if (stream) {
        stream->live = live;
        g_cond_broadcast(&streams->changed);
    }
    g_mutex_unlock(&streams->lock);
}

void streams_remove(struct streams *streams, const char *name)
{
    g_mutex_lock(&streams->lock);
    struct stream *stream = g_hash_table_lookup(streams->table, name);
    if (stream) {
        forget_factory(streams, stream);
        g_hash_table_remove(streams->table, name);
        g_cond_broadcast(&streams->changed);
    }
    g_mutex_unlock(&streams->lock);
}

bool streams_has(struct streams *streams, const char *name)
{
    g_mutex_lock(&streams->lock);
    bool has = g_hash_table_contains(streams->table, name);
    g_mutex_unlock(&streams->lock);
    return has;
}

void streams_stop(struct streams *streams)
{
    g_mutex_lock(&streams->lock);
    streams->stopped = true;
    g_cond_broadcast(&streams->changed);
    g_mutex_unlock(&streams->lock);
}

/* --- Preparing ------------------------------------------------------------------------------------------ */

/* True if a fragment from CURSOR on, or of the next half second, has sound. */
static bool has_sound(const ringcast_reader *reader, ringcast_cursor cursor, const struct init_segment *init)
{
    int64_t until_ns = clock_now_ns() + SOUND_WAIT_MS * NS_PER_MS;
    size_t size = ringcast_capacity(reader) / 4;
    uint8_t *buffer = g_malloc(size);
    struct fragment *fragment = g_new(struct fragment, 1);
    ringcast_entry entry;
    bool found = false;
    int result;

    while (!found && (result = ringcast_read(reader, &cursor, buffer, size, &entry)) >= 0) {
        if (result == 0 && clock_now_ns() >= until_ns) {
            break;
        }
        if (result == 0) {
            ringcast_wait(reader, &cursor, LOOK_MS);
            continue;
        }
        found = fragment_read(fragment, init, buffer, entry.length) == 0 && fragment->audio_count > 0;
    }
    g_free(fragment);
    g_free(buffer);
    return found;
}

/* What the newest keyframe of RING is to be decoded with. 0; negative errno: there is none. */
static int read_newest(const ringcast_reader *reader, ringcast_cursor *cursor, struct init_segment *init)
{
    ringcast_entry entry;
    ringcast_generation generation;
    uint8_t *bytes = g_malloc(RINGCAST_INIT_MAX);
    int result = ringcast_seek_keyframe(reader, cursor);

    if (result == 0 && ringcast_peek(reader, cursor, &entry) != 1) {
        result = -EAGAIN;
    }
    if (result == 0) {
        result = ringcast_init_segment(reader, entry.generation, bytes, RINGCAST_INIT_MAX, &generation);
    }
    if (result == 0) {
        result = init_segment_read(init, bytes, generation.init_length);
    }
    g_free(bytes);
    return result;
}

static void on_ended(void *data, struct feed *feed, const char *reason)
{
    struct streams *streams = data;

    g_mutex_lock(&streams->lock);
    struct stream *stream = g_hash_table_lookup(streams->table, feed_camera(feed));
    if (stream && stream->factory && factory_has_feed(stream->factory, feed)) {
        forget_factory(streams, stream);
    }
    g_mutex_unlock(&streams->lock);
    log_info("%s: %s", feed_camera(feed), reason);
    streams->handlers.ended(streams->handlers.owner, feed);
}

/* With the lock: STREAM has a factory for DECLARED and USED. */
static void provide(struct streams *streams, struct stream *stream, const struct init_segment *declared,
                    const struct init_segment *used)
{
    bool fits = stream->factory && !factory_is_over(stream->factory) &&
                init_segment_same(&stream->declared, declared) &&
                (init_segment_same(&stream->used, used) || factory_is_used(stream->factory));

    if (fits) {
        return;
    }
    forget_factory(streams, stream);
    stream->declared = *declared;
    stream->used = *used;
    const struct factory_stream making = {.camera = stream->name,
                                          .ring = stream->ring,
                                          .declared = declared,
                                          .used = used,
                                          .ports = streams->ports,
                                          .ended = on_ended,
                                          .data = streams};
    stream->factory = factory_create(&making);
    char *path = path_of(stream->name);
    gst_rtsp_mount_points_add_factory(streams->mounts, path, g_object_ref(stream->factory));
    g_free(path);
}

/* True if NAME has a factory now. Without the lock, since reading may wait. */
static bool try_to_prepare(struct streams *streams, const char *name, struct ring_hold *ring)
{
    struct init_segment *declared = g_new(struct init_segment, 1), *used = g_new(struct init_segment, 1);
    ringcast_cursor cursor;
    bool ready = read_newest(ring_hold_reader(ring), &cursor, declared) == 0;

    if (ready) {
        *used = *declared;
        if (used->audio != AUDIO_NONE && !has_sound(ring_hold_reader(ring), cursor, used)) {
            used->audio = AUDIO_NONE;
        }
        g_mutex_lock(&streams->lock);
        struct stream *stream = g_hash_table_lookup(streams->table, name);
        ready = stream && stream->ring == ring;
        if (ready) {
            provide(streams, stream, declared, used);
        }
        g_mutex_unlock(&streams->lock);
    }
    g_free(declared);
    g_free(used);
    return ready;
}

GstRTSPStatusCode streams_prepare(struct streams *streams, const char *name)
{
    int64_t until = g_get_monotonic_time() + STREAMS_WAIT_MS * (NS_PER_MS / NS_PER_US);
    GstRTSPStatusCode code = GST_RTSP_STS_SERVICE_UNAVAILABLE;

    g_mutex_lock(&streams->lock);
    struct stream *stream = g_hash_table_lookup(streams->table, name);
    if (stream && !stream->live) {
        g_mutex_unlock(&streams->lock);
        streams->handlers.wanted(streams->handlers.owner, name);
        g_mutex_lock(&streams->lock);
    }
    while (!streams->stopped && g_get_monotonic_time() < until) {
        stream = g_hash_table_lookup(streams->table, name);
        if (!stream) {
            code = GST_RTSP_STS_NOT_FOUND;
            break;
        }
        if (stream->live && stream->ring) {
            struct ring_hold *ring = ring_hold_ref(stream->ring);
            g_mutex_unlock(&streams->lock);
            bool ready = try_to_prepare(streams, name, ring);
            ring_hold_unref(ring);
            g_mutex_lock(&streams->lock);
            if (ready) {
                code = GST_RTSP_STS_OK;
                break;
            }
        }
        g_cond_wait_until(&streams->changed, &streams->lock,
                          g_get_monotonic_time() + LOOK_MS * (NS_PER_MS / NS_PER_US));
    }
    g_mutex_unlock(&streams->lock);
    return code;
}
