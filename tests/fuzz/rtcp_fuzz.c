/* SPDX-License-Identifier: MIT */
/*
 * A compound packet of RTCP of any content, in memory of exactly its size; and what a receiver would answer,
 * with figures from the same bytes, must be readable itself.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ntp.h"
#include "ingest/rtp/rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_answer(const struct rtcp_content *content, int32_t lost)
{
    struct rtcp_receiver_report report = {
        .ssrc = content->bye_ssrc,
        .sender = content->report.ssrc,
        .cumulative_lost = lost,
        .highest_sequence = content->report.timestamp,
    };
    uint8_t *written = malloc(RTCP_REPORT_SIZE);
    struct rtcp_content read;

    require(written != NULL);
    rtcp_write_report(&report, written);
    require(rtcp_parse(written, RTCP_REPORT_SIZE, &read) == 0);
    require(!read.has_report && !read.bye);
    free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rtcp_content content;
    int32_t lost = 0;
    uint8_t *copy = malloc(size > 0 ? size : 1);

    require(copy != NULL);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    int error = rtcp_parse(copy, size, &content);
    free(copy);
    require(error == 0 || error == -EBADMSG);
    if (content.has_report) {
        require(size >= 28 && ntp_unix_ns(content.report.ntp) >= 0);
    }
    if (size >= sizeof(lost)) {
        memcpy(&lost, data, sizeof(lost));
    }
    check_answer(&content, lost);
    return 0;
}
