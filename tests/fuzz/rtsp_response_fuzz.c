/* SPDX-License-Identifier: MIT */
/* A camera's response: challenges, transports, sessions and redirects in it, and what is answered. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/rtsp/rtsp_auth.h"
#include "ingest/rtsp/rtsp_message.h"
#include "ingest/rtsp/rtsp_transport.h"
#include "ingest/rtsp/rtsp_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

/* What is sent must be one line, whatever was received. */
static void answer(const struct rtsp_message *message)
{
    struct rtsp_auth auth;
    char line[4096];

    rtsp_auth_init(&auth, "ad\"min", "pass\\word");
    for (int i = 0; i < 3; i++) {
        if (rtsp_auth_challenge(&auth, message) < 0) {
            break;
        }
        int length = rtsp_auth_write(&auth, "DESCRIBE", "rtsp://h/live", line, sizeof(line));
        if (length <= 0) {
            break;
        }
        require(strlen(line) == (size_t)length && strchr(line, '\n') == line + length - 1);
        rtsp_auth_accepted(&auth);
    }
}

static void resolve(const char *text)
{
    char url[RTSP_URL_SIZE];
    struct rtsp_endpoint endpoint;

    (void)rtsp_endpoint_parse("rtsp", text, &endpoint);
    if (rtsp_url_resolve(url, sizeof(url), "rtsp://h:1/live?x=y/", text) == 0) {
        require(strlen(url) < sizeof(url) && strpbrk(url, "\r\n ") == NULL);
    }
    if (rtsp_url_redirect(url, sizeof(url), "rtsp://h:1/live?x=y/", text) == 0) {
        require(rtsp_url_is_absolute(url) && strlen(url) < sizeof(url) && strpbrk(url, "\r\n ") == NULL);
    }
    if (rtsp_url_is_absolute(text) && rtsp_url_resolve(url, sizeof(url), "", text) == 0) {
        require(rtsp_url_is_absolute(url));
    }
}

/* TEXT as the control attribute of a media, and as the base that it is relative to. */
static void control(const char *text)
{
    char url[RTSP_URL_SIZE];

    for (int form = 0; form < RTSP_CONTROL_FORMS; form++) {
        for (int base = 0; base < 2; base++) {
            if (rtsp_url_control(url, sizeof(url), (enum rtsp_control_form)form,
                                 base ? text : "rtsp://h:1/a/../live?x=y/", "rtsp://h:1/live?x=y",
                                 base ? "../track/./1" : text) == 0) {
                require(strlen(url) < sizeof(url) && strpbrk(url, "\r\n ") == NULL);
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rtsp_transport transport = {.rtcp_channel = 1};
    struct rtsp_message message;
    char head[RTSP_HEAD_SIZE_MAX];
    char id[32];
    int timeout = 0;

    if (size > sizeof(head)) {
        return 0;
    }
    memcpy(head, data, size);
    if (rtsp_message_parse(head, size, &message) < 0) {
        return 0;
    }
    answer(&message);
    for (size_t i = 0; i < message.header_count; i++) {
        const char *value = message.headers[i].value;
        resolve(value);
        control(value);
        if (rtsp_transport_parse(value, &transport) == 0) {
            require(transport.rtp_channel <= 255 && transport.rtcp_channel <= 255 &&
                    transport.server_rtp_port <= 65535 && transport.group_rtp_port <= 65535 &&
                    transport.group_rtcp_port <= 65535 && transport.ttl <= 255);
        }
        if (rtsp_session_parse(value, id, sizeof(id), &timeout) == 0) {
            require(id[0] != '\0' && timeout >= 2);
        }
    }
    return 0;
}
