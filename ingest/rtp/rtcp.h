/* SPDX-License-Identifier: MIT */
/*
 * RTCP (RFC 3550, 6): reading a sender's compound packet, and writing a receiver's. Pure functions: any
 * process, any thread.
 */
#ifndef INGEST_RTP_RTCP_H
#define INGEST_RTP_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A sender report (6.4.1), without its report blocks. */
struct rtcp_sender_report {
    uint32_t ssrc;
    uint64_t ntp; /* 32 bits of seconds since 1900, 32 of fraction */
    uint32_t timestamp;
};

/* The content of a compound packet, as far as it concerns a receiver. The last sender report counts. */
struct rtcp_content {
    bool has_report;
    struct rtcp_sender_report report;
    bool bye;
    uint32_t bye_ssrc; /* the first SSRC that leaves */
};

/* A report block (6.4.2). */
struct rtcp_receiver_report {
    uint32_t ssrc;   /* of the receiver */
    uint32_t sender; /* SSRC that is reported on */
    uint8_t fraction_lost;
    int32_t cumulative_lost; /* kept within 24 bits */
    uint32_t highest_sequence;
    uint32_t jitter; /* timestamp units */
    uint32_t last_report;
    uint32_t since_last_report; /* 1/65536 s */
};

/* Bytes that rtcp_write_report writes: receiver report, and SDES with a CNAME of 16 characters. */
#define RTCP_REPORT_SIZE 60

/* 0; -EBADMSG: an impossible length; *content has what came before it. */
int rtcp_parse(const uint8_t *data, size_t size, struct rtcp_content *content);

/* Writes RTCP_REPORT_SIZE bytes. The CNAME is made from the receiver's SSRC, so that it identifies nothing else. */
void rtcp_write_report(const struct rtcp_receiver_report *report, uint8_t *out);

/* Bytes that each of the requests for a keyframe takes, without the report before it. */
#define RTCP_PLI_SIZE 12
#define RTCP_FIR_SIZE 20

/*
 * Write a request to SENDER for a keyframe, RTCP_PLI_SIZE or RTCP_FIR_SIZE bytes, to be sent after a report in the same
 * compound packet: a picture loss indication (RFC 4585, 6.3.1) or a full intra request (RFC 5104, 4.3.1). NUMBER
 * tells a new request from one that is repeated.
 */
void rtcp_write_pli(uint32_t receiver, uint32_t sender, uint8_t *out);
void rtcp_write_fir(uint32_t receiver, uint32_t sender, uint8_t number, uint8_t *out);

#endif
