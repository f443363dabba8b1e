/* SPDX-License-Identifier: MIT */
#include "rtsp/media/joint.h"

#include "common/base/bytes.h"
#include "common/base/clock.h"

/* Bytes of an RTP header without its extensions (RFC 3550, 5.1). */
#define HEADER_SIZE 12
#define SOURCE_OFFSET 8

/* Keyframes that were announced and whose packets have not come. */
#define EXPECTED_MAX 8

struct joint {
    GMutex lock;
    uint32_t clock_rate;
    GQueue packets; /* of GstBuffer */
    size_t bytes;
    bool whole; /* the first packet is a keyframe's first one, and none was left out */
    bool any;
    struct joint_mark last;
    int64_t expected[EXPECTED_MAX]; /* newest last; -1: free */
};

struct joint *joint_create(uint32_t clock_rate)
{
    struct joint *joint = g_new0(struct joint, 1);

    g_mutex_init(&joint->lock);
    g_queue_init(&joint->packets);
    joint->clock_rate = clock_rate;
    for (int i = 0; i < EXPECTED_MAX; i++) {
        joint->expected[i] = -1;
    }
    return joint;
}

static void let_go(struct joint *joint)
{
    GstBuffer *packet;

    while ((packet = g_queue_pop_head(&joint->packets))) {
        gst_buffer_unref(packet);
    }
    joint->bytes = 0;
    joint->whole = false;
}

void joint_destroy(struct joint *joint)
{
    if (!joint) {
        return;
    }
    let_go(joint);
    g_mutex_clear(&joint->lock);
    g_free(joint);
}

uint32_t joint_clock_rate(const struct joint *joint)
{
    return joint->clock_rate;
}

bool joint_read_header(GstBuffer *packet, uint16_t *number, uint32_t *rtp_time)
{
    uint8_t header[HEADER_SIZE];

    if (gst_buffer_extract(packet, 0, header, sizeof(header)) != sizeof(header)) {
        return false;
    }
    *number = bytes_get_be16(header + 2);
    *rtp_time = bytes_get_be32(header + 4);
    return true;
}

/* True once for each keyframe that was announced. */
static bool take_expected(struct joint *joint, int64_t pts_ns)
{
    for (int i = 0; i < EXPECTED_MAX; i++) {
        if (joint->expected[i] >= 0 && joint->expected[i] == pts_ns) {
            joint->expected[i] = -1;
            return true;
        }
    }
    return false;
}

static void note_packet(struct joint *joint, GstBuffer *packet, int64_t now_ns)
{
    struct joint_mark mark = {.pts_ns = (int64_t)GST_BUFFER_PTS(packet),
                              .passed_ns = now_ns,
                              .packets = joint->last.packets + 1,
                              .octets = joint->last.octets};
    uint8_t source[4];

    if (!joint_read_header(packet, &mark.number, &mark.rtp_time) ||
        gst_buffer_extract(packet, SOURCE_OFFSET, source, sizeof(source)) != sizeof(source)) {
        return;
    }
    mark.source = bytes_get_be32(source);
    mark.octets += (uint32_t)(gst_buffer_get_size(packet) - HEADER_SIZE);
    joint->last = mark;
    joint->any = true;
    if (take_expected(joint, mark.pts_ns)) {
        let_go(joint);
        joint->whole = true;
    }
    if (!joint->whole) {
        return;
    }
    g_queue_push_tail(&joint->packets, gst_buffer_ref(packet));
    joint->bytes += gst_buffer_get_size(packet);
    if (joint->bytes > JOINT_BYTES_MAX) {
        let_go(joint);
    }
}

static GstPadProbeReturn on_packets(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    struct joint *joint = data;
    int64_t now_ns = clock_now_ns();

    (void)pad;
    g_mutex_lock(&joint->lock);
    if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
        note_packet(joint, GST_PAD_PROBE_INFO_BUFFER(info), now_ns);
    } else if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
        GstBufferList *list = GST_PAD_PROBE_INFO_BUFFER_LIST(info);
        for (guint i = 0; i < gst_buffer_list_length(list); i++) {
            note_packet(joint, gst_buffer_list_get(list, i), now_ns);
        }
    }
    g_mutex_unlock(&joint->lock);
    return GST_PAD_PROBE_OK;
}

void joint_watch(struct joint *joint, GstPad *pad)
{
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_packets, joint,
                      NULL);
}

void joint_expect_keyframe(struct joint *joint, int64_t pts_ns)
{
    g_mutex_lock(&joint->lock);
    for (int i = 1; i < EXPECTED_MAX; i++) {
        joint->expected[i - 1] = joint->expected[i];
    }
    joint->expected[EXPECTED_MAX - 1] = pts_ns;
    g_mutex_unlock(&joint->lock);
}

void joint_trim(struct joint *joint, int64_t pts_ns)
{
    GstBuffer *packet;

    g_mutex_lock(&joint->lock);
    while ((packet = g_queue_peek_head(&joint->packets)) && (int64_t)GST_BUFFER_PTS(packet) < pts_ns) {
        g_queue_pop_head(&joint->packets);
        joint->bytes -= gst_buffer_get_size(packet);
        gst_buffer_unref(packet);
    }
    joint->whole = true;
    g_mutex_unlock(&joint->lock);
}

bool joint_last(struct joint *joint, struct joint_mark *mark)
{
    g_mutex_lock(&joint->lock);
    bool any = joint->any;
    *mark = joint->last;
    g_mutex_unlock(&joint->lock);
    return any;
}

bool joint_first(struct joint *joint, uint16_t *number, uint32_t *rtp_time)
{
    g_mutex_lock(&joint->lock);
    GstBuffer *packet = joint->whole ? g_queue_peek_head(&joint->packets) : NULL;
    bool found = packet && joint_read_header(packet, number, rtp_time);
    g_mutex_unlock(&joint->lock);
    return found;
}

/* RFC 1982: A comes before B. */
static bool is_before(uint16_t a, uint16_t b)
{
    return (int16_t)(uint16_t)(a - b) < 0;
}

bool joint_collect(struct joint *joint, uint16_t before, bool all, GPtrArray *packets)
{
    uint16_t number;
    uint32_t rtp_time;

    g_mutex_lock(&joint->lock);
    GstBuffer *first = g_queue_peek_head(&joint->packets);
    bool joins =
        joint->whole &&
        (!first || (joint_read_header(first, &number, &rtp_time) && (all || !is_before(before, number))));
    for (GList *place = joins ? joint->packets.head : NULL; place; place = place->next) {
        joint_read_header(place->data, &number, &rtp_time);
        if (!all && !is_before(number, before)) {
            break;
        }
        g_ptr_array_add(packets, gst_buffer_ref(place->data));
    }
    g_mutex_unlock(&joint->lock);
    return joins;
}

bool joint_begins(struct joint *joint, uint16_t number)
{
    uint16_t first;
    uint32_t rtp_time;

    return joint_first(joint, &first, &rtp_time) && first == number;
}

size_t joint_bytes(struct joint *joint)
{
    g_mutex_lock(&joint->lock);
    size_t bytes = joint->bytes;
    g_mutex_unlock(&joint->lock);
    return bytes;
}
