/* SPDX-License-Identifier: MIT */
#include "ingest/rtp/rtcp.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/bytes.h"
#include "common/base/clock.h"

#define VERSION_2 0x80
#define VERSION_MASK 0xc0

enum packet_type { TYPE_SR = 200, TYPE_RR = 201, TYPE_SDES = 202, TYPE_BYE = 203, TYPE_PSFB = 206 };

/* Kinds of feedback about the payload, in the field that counts blocks in reports (RFC 4585, 6.1; RFC 5104, 4.3). */
enum { FEEDBACK_PLI = 1, FEEDBACK_FIR = 4 };

enum { SDES_CNAME = 1, CNAME_SIZE = 16 };

/* Bytes of the parts of a report, headers included. */
enum { RR_SIZE = 32, SDES_SIZE = RTCP_REPORT_SIZE - RR_SIZE };

static_assert(SDES_SIZE == 4 + 4 + 2 + CNAME_SIZE + 2, "header, SSRC, item, and its end on a word");

static void take(const uint8_t *packet, size_t size, struct rtcp_content *content)
{
    if (packet[1] == TYPE_SR && size >= 28) {
        content->has_report = true;
        content->report = (struct rtcp_sender_report){
            .ssrc = bytes_get_be32(packet + 4),
            .ntp = (uint64_t)bytes_get_be32(packet + 8) << 32 | bytes_get_be32(packet + 12),
            .timestamp = bytes_get_be32(packet + 16),
        };
    } else if (packet[1] == TYPE_BYE && (packet[0] & 0x1f) > 0 && size >= 8 && !content->bye) {
        content->bye = true;
        content->bye_ssrc = bytes_get_be32(packet + 4);
    }
}

int rtcp_parse(const uint8_t *data, size_t size, struct rtcp_content *content)
{
    *content = (struct rtcp_content){0};
    if (size == 0) {
        return -EBADMSG;
    }
    while (size > 0) {
        if (size < 4 || (data[0] & VERSION_MASK) != VERSION_2) {
            return -EBADMSG;
        }
        size_t length = 4 + 4 * (size_t)bytes_get_be16(data + 2);
        if (length > size) {
            return -EBADMSG;
        }
        take(data, length, content);
        data += length;
        size -= length;
    }
    return 0;
}

/* Writes VALUE and returns the place after it. */
static uint8_t *put32(uint8_t *out, uint32_t value)
{
    bytes_put_be32(out, value);
    return out + 4;
}

static uint8_t *put_header(uint8_t *out, enum packet_type type, size_t size)
{
    return put32(out, (uint32_t)(VERSION_2 | 1) << 24 | (uint32_t)type << 16 | (uint32_t)(size / 4 - 1));
}

static int32_t clamp24(int32_t value)
{
    const int32_t limit = 0x7fffff;

    if (value > limit) {
        return limit;
    }
    return value < -limit ? -limit : value;
}

void rtcp_write_report(const struct rtcp_receiver_report *report, uint8_t *out)
{
    char name[CNAME_SIZE + 1];
    uint32_t lost = (uint32_t)clamp24(report->cumulative_lost) & 0xffffff;

    out = put_header(out, TYPE_RR, RR_SIZE);
    out = put32(out, report->ssrc);
    out = put32(out, report->sender);
    out = put32(out, (uint32_t)report->fraction_lost << 24 | lost);
    out = put32(out, report->highest_sequence);
    out = put32(out, report->jitter);
    out = put32(out, report->last_report);
    out = put32(out, report->since_last_report);
    out = put_header(out, TYPE_SDES, SDES_SIZE);
    out = put32(out, report->ssrc);
    *out++ = SDES_CNAME;
    *out++ = CNAME_SIZE;
    snprintf(name, sizeof(name), "%08" PRIx32 "@viewers", report->ssrc);
    memcpy(out, name, CNAME_SIZE);
    memset(out + CNAME_SIZE, 0, 2);
}

static uint8_t *put_feedback(uint8_t *out, unsigned format, size_t size, uint32_t receiver, uint32_t sender)
{
    out = put32(out, (VERSION_2 | format) << 24 | (uint32_t)TYPE_PSFB << 16 | (uint32_t)(size / 4 - 1));
    out = put32(out, receiver);
    return put32(out, sender);
}

void rtcp_write_pli(uint32_t receiver, uint32_t sender, uint8_t *out)
{
    put_feedback(out, FEEDBACK_PLI, RTCP_PLI_SIZE, receiver, sender);
}

/* The sender's SSRC stands in the entry; the header's own field is unused and 0. */
void rtcp_write_fir(uint32_t receiver, uint32_t sender, uint8_t number, uint8_t *out)
{
    out = put_feedback(out, FEEDBACK_FIR, RTCP_FIR_SIZE, receiver, 0);
    out = put32(out, sender);
    put32(out, (uint32_t)number << 24);
}
