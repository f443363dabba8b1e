/* SPDX-License-Identifier: MIT */
#include "rtsp/door/writer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "rtsp/media/sender_report.h"

/* Channels of a connection: a pair for each stream. */
#define CHANNELS FEED_STREAMS

/* Pieces of memory of one sendmsg(2). */
#define PIECES 256

/* "$", the channel and the length of a packet (RFC 2326, 10.12). */
#define FRAME_SIZE 4

/* How often a client that takes nothing is looked at. */
#define LOOK_S 2

enum channel_state {
    CHANNEL_FREE,    /* nobody plays here */
    CHANNEL_JOINING, /* its first packet is to come, before which it gets those since the keyframe */
    CHANNEL_LIVE,
    CHANNEL_WAITING, /* it was too slow: what comes is left out up to a keyframe */
};

struct channel {
    enum channel_state state;
    unsigned number; /* of RTP; RTCP has the next one */
    struct joint *joint;
    int stream;
    bool reported; /* it has had a report */
};

struct item {
    uint8_t frame[FRAME_SIZE];
    size_t frame_size; /* 0: an answer */
    GstBuffer *buffer;
    size_t size; /* with the frame */
    bool droppable;
};

struct writer {
    gatomicrefcount references; /* the client's, and one for each source */
    GMutex lock;
    GSocket *socket;
    GMainContext *context;
    GSource *writable, *look;
    void (*failed)(void *data);
    void *data;
    GDestroyNotify free_data;
    GQueue items; /* of struct item; of the first, SENT bytes are out */
    size_t sent, bytes, answer_bytes;
    size_t allowance; /* bytes of the groups of pictures that it joined with and that are not out yet */
    struct feed *feed;
    struct channel channels[CHANNELS];
    uint64_t skipped, progress_ms;
    bool broken;
};

static void free_item(struct item *item)
{
    gst_buffer_unref(item->buffer);
    g_free(item);
}

static void pop(struct writer *writer)
{
    struct item *item = g_queue_pop_head(&writer->items);

    writer->bytes -= item->size;
    if (item->frame_size == 0) {
        writer->answer_bytes -= item->size;
    }
    writer->sent = 0;
    free_item(item);
}

/* --- Sending -------------------------------------------------------------------------------------------- */

static void break_off(struct writer *writer)
{
    if (!writer->broken) {
        writer->broken = true;
        writer->failed(writer->data);
    }
}

/* What one sendmsg(2) takes. The mappings of system memory are mere pointers, and hold while the item holds the buffer. */
static size_t gather(struct writer *writer, struct iovec *pieces)
{
    size_t count = 0, skip = writer->sent;

    for (GList *place = writer->items.head; place && count + 4 < PIECES; place = place->next) {
        struct item *item = place->data;
        if (skip < item->frame_size) {
            pieces[count++] =
                (struct iovec){.iov_base = item->frame + skip, .iov_len = item->frame_size - skip};
            skip = 0;
        } else {
            skip -= item->frame_size;
        }
        guint memories = gst_buffer_n_memory(item->buffer);
        for (guint i = 0; i < memories && count < PIECES; i++) {
            GstMapInfo map;
            if (!gst_memory_map(gst_buffer_peek_memory(item->buffer, i), &map, GST_MAP_READ)) {
                return 0;
            }
            if (skip < map.size) {
                pieces[count++] = (struct iovec){.iov_base = map.data + skip, .iov_len = map.size - skip};
                skip = 0;
            } else {
                skip -= map.size;
            }
            gst_memory_unmap(gst_buffer_peek_memory(item->buffer, i), &map);
        }
        if (count >= PIECES) {
            break; /* the rest of this item in the next round */
        }
    }
    return count;
}

static void note_sent(struct writer *writer, size_t size)
{
    writer->allowance -= size < writer->allowance ? size : writer->allowance;
    while (size > 0) {
        struct item *item = g_queue_peek_head(&writer->items);
        size_t left = item->size - writer->sent;
        if (size < left) {
            writer->sent += size;
            return;
        }
        size -= left;
        pop(writer);
    }
}

/* True if all is out. */
static bool flush(struct writer *writer)
{
    struct iovec pieces[PIECES];

    while (!writer->broken && !g_queue_is_empty(&writer->items)) {
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = gather(writer, pieces)};
        ssize_t size = message.msg_iovlen > 0
                           ? sendmsg(g_socket_get_fd(writer->socket), &message, MSG_DONTWAIT | MSG_NOSIGNAL)
                           : -1;
        if (size <= 0) {
            if (message.msg_iovlen == 0 || (errno != EAGAIN && errno != EINTR)) {
                break_off(writer);
            }
            return false;
        }
        writer->progress_ms = clock_now_ms();
        note_sent(writer, (size_t)size);
    }
    return true;
}

static void writer_unref(gpointer data);

/* FUNCTION is called with WRITER, which it finds alive. */
static void attach(struct writer *writer, GSource *source, GSourceFunc function)
{
    g_atomic_ref_count_inc(&writer->references);
    g_source_set_callback(source, function, writer, writer_unref);
    g_source_attach(source, writer->context);
}

static gboolean on_writable(GSocket *socket, GIOCondition condition, gpointer data)
{
    struct writer *writer = data;

    (void)socket, (void)condition;
    g_mutex_lock(&writer->lock);
    bool done = writer->broken || flush(writer) || writer->broken;
    if (done) {
        g_clear_pointer(&writer->writable, g_source_unref);
    }
    g_mutex_unlock(&writer->lock);
    return done ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

static void send_or_wait(struct writer *writer)
{
    if (writer->writable || flush(writer) || writer->broken) {
        return;
    }
    writer->writable = g_socket_create_source(writer->socket, G_IO_OUT, NULL);
    attach(writer, writer->writable, G_SOURCE_FUNC(on_writable));
}

static gboolean on_look(gpointer data)
{
    struct writer *writer = data;

    g_mutex_lock(&writer->lock);
    if (!g_queue_is_empty(&writer->items) && clock_now_ms() - writer->progress_ms > WRITER_STUCK_MS) {
        break_off(writer);
    }
    g_mutex_unlock(&writer->lock);
    return G_SOURCE_CONTINUE;
}

/* --- Queueing ------------------------------------------------------------------------------------------- */

static void add(struct writer *writer, GstBuffer *buffer, int channel, bool droppable)
{
    struct item *item = g_new0(struct item, 1);
    size_t size = gst_buffer_get_size(buffer);

    if (channel >= 0) {
        item->frame[0] = '$';
        item->frame[1] = (uint8_t)channel;
        bytes_put_be16(item->frame + 2, (uint16_t)size);
        item->frame_size = FRAME_SIZE;
    } else {
        writer->answer_bytes += size;
    }
    item->buffer = gst_buffer_ref(buffer);
    item->size = item->frame_size + size;
    item->droppable = droppable;
    if (g_queue_is_empty(&writer->items)) {
        writer->progress_ms = clock_now_ms();
    }
    writer->bytes += item->size;
    g_queue_push_tail(&writer->items, item);
}

/* Leaves out all packets of which nothing is out yet. */
static void drop_packets(struct writer *writer)
{
    GList *place = writer->items.head;

    if (place && writer->sent > 0) {
        place = place->next;
    }
    while (place) {
        GList *next = place->next;
        struct item *item = place->data;
        if (item->droppable) {
            writer->bytes -= item->size;
            writer->skipped++;
            g_queue_delete_link(&writer->items, place);
            free_item(item);
        }
        place = next;
    }
    writer->allowance = 0;
    for (int i = 0; i < CHANNELS; i++) {
        if (writer->channels[i].state == CHANNEL_LIVE || writer->channels[i].state == CHANNEL_JOINING) {
            writer->channels[i].state = CHANNEL_WAITING;
        }
    }
}

static struct channel *find_channel(struct writer *writer, unsigned number)
{
    for (int i = 0; i < CHANNELS; i++) {
        if (writer->channels[i].state != CHANNEL_FREE && writer->channels[i].number == number) {
            return &writer->channels[i];
        }
    }
    return NULL;
}

/* The packets since the keyframe, up to the one before NUMBER. False: NUMBER comes before the keyframe. */
static bool join(struct writer *writer, struct channel *channel, uint16_t number)
{
    GPtrArray *packets = g_ptr_array_new_with_free_func((GDestroyNotify)gst_buffer_unref);
    size_t before = writer->bytes;
    bool joins = joint_collect(channel->joint, number, false, packets);

    for (guint i = 0; i < packets->len; i++) {
        add(writer, g_ptr_array_index(packets, i), (int)channel->number, true);
    }
    g_ptr_array_unref(packets);
    writer->allowance += writer->bytes - before;
    return joins;
}

/* A client that was too slow goes on where a keyframe begins, if it has taken what waited. */
static bool resumes(struct writer *writer, const struct channel *channel, uint16_t number)
{
    const struct channel *video = &writer->channels[FEED_VIDEO];

    if (channel->stream != FEED_VIDEO) {
        return video->state == CHANNEL_FREE || video->state == CHANNEL_LIVE;
    }
    return writer->bytes < WRITER_BACKLOG_MAX / 4 && joint_begins(channel->joint, number);
}

static void add_report(struct writer *writer, const struct channel *channel)
{
    GstBuffer *report = sender_report_make(writer->feed, channel->stream);

    if (report) {
        add(writer, report, (int)channel->number + 1, false);
        gst_buffer_unref(report);
    }
}

static void add_packet(struct writer *writer, struct channel *channel, GstBuffer *packet)
{
    uint16_t number;
    uint32_t rtp_time;

    if (channel->state != CHANNEL_LIVE && !joint_read_header(packet, &number, &rtp_time)) {
        return;
    }
    if (channel->state == CHANNEL_JOINING && join(writer, channel, number)) {
        channel->state = CHANNEL_LIVE;
    } else if (channel->state == CHANNEL_WAITING && resumes(writer, channel, number)) {
        channel->state = CHANNEL_LIVE;
    }
    if (channel->state == CHANNEL_LIVE) {
        add(writer, packet, (int)channel->number, true);
        if (!channel->reported) {
            channel->reported = true;
            add_report(writer, channel);
        }
    } else {
        writer->skipped += channel->state == CHANNEL_WAITING;
    }
}

static bool add_data(struct writer *writer, GstRTSPMessage *message)
{
    GstBuffer *packet = NULL;
    uint8_t number = 0;

    if (gst_rtsp_message_parse_data(message, &number) != GST_RTSP_OK ||
        gst_rtsp_message_get_body_buffer(message, &packet) != GST_RTSP_OK || !packet) {
        return false;
    }
    struct channel *channel = find_channel(writer, number);
    if (channel) {
        add_packet(writer, channel, packet);
    }
    if (writer->bytes > WRITER_BACKLOG_MAX + writer->allowance) {
        drop_packets(writer);
    }
    return true;
}

static void add_text(struct writer *writer, GstRTSPMessage *message)
{
    GString *text = g_string_new(NULL);
    uint8_t *body = NULL;
    guint size = 0;

    if (gst_rtsp_message_get_type(message) == GST_RTSP_MESSAGE_REQUEST) {
        GstRTSPMethod method;
        const gchar *uri;
        gst_rtsp_message_parse_request(message, &method, &uri, NULL);
        g_string_append_printf(text, "%s %s RTSP/1.0\r\n", gst_rtsp_method_as_text(method), uri);
    } else {
        GstRTSPStatusCode code;
        const gchar *reason;
        gst_rtsp_message_parse_response(message, &code, &reason, NULL);
        g_string_append_printf(text, "RTSP/1.0 %d %s\r\n", (int)code, reason);
    }
    gst_rtsp_message_append_headers(message, text);
    gst_rtsp_message_get_body(message, &body, &size);
    if (size > 0) {
        g_string_append_printf(text, "Content-Length: %u\r\n", size);
    }
    g_string_append(text, "\r\n");
    g_string_append_len(text, (const char *)body, size);
    gsize length = text->len;
    GstBuffer *buffer = gst_buffer_new_wrapped(g_string_free(text, FALSE), length);
    add(writer, buffer, -1, false);
    gst_buffer_unref(buffer);
}

void writer_report(struct writer *writer)
{
    g_mutex_lock(&writer->lock);
    for (int i = 0; i < CHANNELS && !writer->broken; i++) {
        if (writer->channels[i].state == CHANNEL_LIVE) {
            add_report(writer, &writer->channels[i]);
        }
    }
    send_or_wait(writer);
    g_mutex_unlock(&writer->lock);
}

bool writer_send(struct writer *writer, GstRTSPMessage *messages, unsigned count)
{
    g_mutex_lock(&writer->lock);
    for (unsigned i = 0; i < count && !writer->broken; i++) {
        if (gst_rtsp_message_get_type(&messages[i]) == GST_RTSP_MESSAGE_DATA) {
            add_data(writer, &messages[i]);
        } else {
            add_text(writer, &messages[i]);
        }
    }
    if (writer->answer_bytes > WRITER_ANSWERS_MAX) {
        break_off(writer);
    }
    send_or_wait(writer);
    bool alive = !writer->broken;
    g_mutex_unlock(&writer->lock);
    return alive;
}

/* --- Start and end -------------------------------------------------------------------------------------- */

static void leave(struct writer *writer)
{
    struct feed *feed = writer->feed;

    for (int i = 0; i < CHANNELS; i++) {
        writer->channels[i] = (struct channel){0};
    }
    writer->feed = NULL;
    feed_unref(feed);
}

void writer_join(struct writer *writer, unsigned channel, struct feed *feed, int stream)
{
    struct joint *joint = feed_joint(feed, stream);

    if (!joint) {
        return;
    }
    g_mutex_lock(&writer->lock);
    if (writer->feed != feed) {
        leave(writer);
        writer->feed = feed_ref(feed);
    }
    writer->channels[stream] =
        (struct channel){.state = CHANNEL_JOINING, .number = channel, .joint = joint, .stream = stream};
    g_mutex_unlock(&writer->lock);
}

void writer_leave(struct writer *writer)
{
    g_mutex_lock(&writer->lock);
    drop_packets(writer);
    leave(writer);
    g_mutex_unlock(&writer->lock);
}

struct writer *writer_create(GSocket *socket, GMainContext *context, void (*failed)(void *data), void *data,
                             GDestroyNotify free_data)
{
    struct writer *writer = g_new0(struct writer, 1);

    g_atomic_ref_count_init(&writer->references);
    g_mutex_init(&writer->lock);
    g_queue_init(&writer->items);
    writer->socket = g_object_ref(socket);
    writer->context = g_main_context_ref(context);
    writer->failed = failed;
    writer->data = data;
    writer->free_data = free_data;
    writer->look = g_timeout_source_new_seconds(LOOK_S);
    attach(writer, writer->look, on_look);
    return writer;
}

static void writer_unref(gpointer data)
{
    struct writer *writer = data;

    if (!g_atomic_ref_count_dec(&writer->references)) {
        return;
    }
    while (!g_queue_is_empty(&writer->items)) {
        pop(writer);
    }
    leave(writer);
    g_main_context_unref(writer->context);
    g_object_unref(writer->socket);
    g_mutex_clear(&writer->lock);
    writer->free_data(writer->data);
    g_free(writer);
}

void writer_destroy(struct writer *writer)
{
    g_mutex_lock(&writer->lock);
    GSource *writable = writer->writable, *look = writer->look;
    writer->writable = writer->look = NULL;
    writer->broken = true;
    g_mutex_unlock(&writer->lock);
    if (writable) {
        g_source_destroy(writable);
        g_source_unref(writable);
    }
    if (look) {
        g_source_destroy(look);
        g_source_unref(look);
    }
    writer_unref(writer);
}

uint64_t writer_skipped(struct writer *writer)
{
    g_mutex_lock(&writer->lock);
    uint64_t skipped = writer->skipped;
    g_mutex_unlock(&writer->lock);
    return skipped;
}
