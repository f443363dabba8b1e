/* SPDX-License-Identifier: MIT */
#include "ingest/rtsp/rtsp_transport.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PORT_MAX 65535
#define CHANNEL_MAX 255
#define TTL_MAX 255

/* Seconds: the default of RFC 2326, section 12.37, and the bounds within which a camera's own time-out is believed. */
#define TIMEOUT_DEFAULT_S 60
#define TIMEOUT_MIN_S 2
#define TIMEOUT_MAX_S 3600

/* "a-b" or "a" (then b is a + 1, as in "a-a"), each at most LIMIT. If it is not a number, what was asked for stays. */
static int parse_pair(const char *text, long limit, int *first, int *second)
{
    char *end;

    if (!isdigit((unsigned char)*text)) {
        return 0;
    }
    long low = strtol(text, &end, 10);
    if (low > limit) {
        return -EBADMSG;
    }
    long high = low + 1;
    if (*end == '-' && isdigit((unsigned char)end[1])) {
        high = strtol(end + 1, NULL, 10);
    }
    high = high == low ? low + 1 : high;
    if (high > limit) {
        return -EBADMSG;
    }
    *first = (int)low;
    *second = (int)high;
    return 0;
}

/* The value if TEXT is NAME=value, else NULL. */
static const char *value_of(const char *text, const char *name)
{
    size_t length = strlen(name);

    return strncasecmp(text, name, length) == 0 && text[length] == '=' ? text + length + 1 : NULL;
}

/* An address that does not fit is left out. */
static void take_address(const char *text, size_t length, char out[RTSP_SOURCE_SIZE])
{
    if (length >= RTSP_SOURCE_SIZE) {
        return;
    }
    memcpy(out, text, length);
    out[length] = '\0';
}

static int take_part(const char *part, size_t length, struct rtsp_transport *transport, bool *ports)
{
    const char *value;

    if ((value = value_of(part, "interleaved")) != NULL) {
        transport->tcp = true;
        return parse_pair(value, CHANNEL_MAX, &transport->rtp_channel, &transport->rtcp_channel);
    }
    if ((value = value_of(part, "server_port")) != NULL) {
        *ports = true;
        return parse_pair(value, PORT_MAX, &transport->server_rtp_port, &transport->server_rtcp_port);
    }
    if (value_of(part, "client_port")) {
        *ports = true;
    }
    if ((value = value_of(part, "source")) != NULL) {
        take_address(value, length - (size_t)(value - part), transport->source);
    }
    if ((value = value_of(part, "destination")) != NULL) {
        take_address(value, length - (size_t)(value - part), transport->group);
    }
    if ((value = value_of(part, "port")) != NULL) {
        return parse_pair(value, PORT_MAX, &transport->group_rtp_port, &transport->group_rtcp_port);
    }
    if ((value = value_of(part, "ttl")) != NULL && isdigit((unsigned char)*value)) {
        long ttl = strtol(value, NULL, 10);
        transport->ttl = ttl <= TTL_MAX ? (int)ttl : 0;
    }
    if ((value = value_of(part, "ssrc")) != NULL && isxdigit((unsigned char)*value)) {
        transport->ssrc = (uint32_t)strtoul(value, NULL, 16);
        transport->has_ssrc = transport->ssrc != 0; /* a camera that does not know it yet says 0 */
    }
    if (length == strlen("multicast") && strncasecmp(part, "multicast", length) == 0) {
        transport->multicast = true;
    }
    return 0;
}

int rtsp_transport_parse(const char *value, struct rtsp_transport *transport)
{
    /* Of several transports, which an answer ought not to hold, the first counts. */
    const char *end = value + strcspn(value, ",");
    const char *tcp = strcasestr(value, "/TCP");
    const char *udp = strcasestr(value, "/UDP");
    bool ports = udp && udp < end;
    int result = 0;

    while (value < end && result == 0) {
        value += strspn(value, "; \t");
        size_t length = strcspn(value, ";,");
        size_t part = length;
        while (part > 0 && isspace((unsigned char)value[part - 1])) {
            part--;
        }
        result = take_part(value, part, transport, &ports);
        value += length;
    }
    transport->datagrams = ports && !transport->tcp && (!tcp || tcp > end);
    return result;
}

int rtsp_session_parse(const char *value, char *id, size_t size, int *timeout_s)
{
    size_t length = strcspn(value, "; \t");
    const char *timeout = strcasestr(value, "timeout");

    *timeout_s = TIMEOUT_DEFAULT_S;
    if (length == 0) {
        return -EBADMSG;
    }
    if (length >= size) {
        return -EMSGSIZE;
    }
    memcpy(id, value, length);
    id[length] = '\0';
    if (timeout) {
        timeout += strlen("timeout");
        timeout += strspn(timeout, " \t");
        timeout += *timeout == '=' ? 1 + strspn(timeout + 1, " \t\"") : 0;
    }
    if (timeout && isdigit((unsigned char)*timeout)) {
        long seconds = strtol(timeout, NULL, 10);
        if (seconds > 0) {
            *timeout_s = (int)(seconds < TIMEOUT_MIN_S   ? TIMEOUT_MIN_S
                               : seconds > TIMEOUT_MAX_S ? TIMEOUT_MAX_S
                                                         : seconds);
        }
    }
    return 0;
}
