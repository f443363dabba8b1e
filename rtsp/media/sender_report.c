/* SPDX-License-Identifier: MIT */
#include "rtsp/media/sender_report.h"

#include <string.h>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "common/base/ntp.h"

/* Packet types, and the item with the canonical name (RFC 3550, 6.5.1). */
enum { TYPE_SR = 200, TYPE_SDES = 202, ITEM_CNAME = 1 };

#define VERSION 0x80
#define SR_SIZE 28
#define SDES_SIZE 20
#define CNAME "ringcast"

/* COUNT: of what follows the header; sizes are told in words of four bytes, less one. */
static void put_header(uint8_t *out, unsigned count, unsigned type, size_t size)
{
    out[0] = (uint8_t)(VERSION | count);
    out[1] = (uint8_t)type;
    bytes_put_be16(out + 2, (uint16_t)(size / 4 - 1));
}

GstBuffer *sender_report_make(struct feed *feed, int stream)
{
    struct joint *joint = feed_joint(feed, stream);
    struct joint_mark mark;
    int64_t wall_ns;
    uint8_t report[SR_SIZE + SDES_SIZE] = {0}, *sdes = report + SR_SIZE;

    if (!joint || !joint_last(joint, &mark) || !feed_wall_ns(feed, mark.pts_ns, &wall_ns)) {
        return NULL;
    }
    int64_t passed_ns = clock_now_ns() - mark.passed_ns;
    put_header(report, 0, TYPE_SR, SR_SIZE);
    bytes_put_be32(report + 4, mark.source);
    bytes_put_be64(report + 8, ntp_from_unix_ns(wall_ns + passed_ns));
    bytes_put_be32(report + 16,
                   mark.rtp_time + (uint32_t)((__int128)passed_ns * joint_clock_rate(joint) / NS_PER_SECOND));
    bytes_put_be32(report + 20, mark.packets);
    bytes_put_be32(report + 24, mark.octets);
    put_header(sdes, 1, TYPE_SDES, SDES_SIZE);
    bytes_put_be32(sdes + 4, mark.source);
    sdes[8] = ITEM_CNAME;
    sdes[9] = sizeof(CNAME) - 1;
    memcpy(sdes + 10, CNAME, sizeof(CNAME) - 1);
    return gst_buffer_new_memdup(report, sizeof(report));
}
