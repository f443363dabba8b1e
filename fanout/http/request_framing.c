/* SPDX-License-Identifier: MIT */
#include "fanout/http/request_framing.h"

#include <string.h>

#include "fanout/http/http_request.h"
#include "fanout/http/post_body.h"

/* Bytes of what is read of a length and of the version. */
#define VALUE_SIZE 64

/* A blank before the colon makes another header of it for libwebsockets, and not for everybody. */
static bool has_blank_name(struct lws *wsi)
{
    static const char *const names[] = {
        "content-length :", "content-length\t:", "transfer-encoding :", "transfer-encoding\t:"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (lws_hdr_custom_length(wsi, names[i], (int)strlen(names[i])) >= 0) {
            return true;
        }
    }
    return false;
}

static int judge_length(struct lws *wsi)
{
    char value[VALUE_SIZE];
    bool present;
    bool read = http_request_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, value, sizeof(value), &present);

    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
        return present ? 400 : 411;
    }
    if (!present) {
        return 0;
    }
    /* Of two lengths there is a comma between them. */
    long length = read ? post_body_length(value) : -1;
    return length < 0 ? 400 : length > POST_BODY_MAX ? 413 : 0;
}

static bool is_http_1_0(struct lws *wsi)
{
    char version[VALUE_SIZE];

    return http_request_header(wsi, WSI_TOKEN_HTTP, version, sizeof(version), NULL) &&
           strcmp(version, "HTTP/1.0") == 0;
}

int request_framing_judge(struct lws *wsi)
{
    bool has_host = lws_hdr_total_length(wsi, WSI_TOKEN_HOST) > 0;

    if (has_blank_name(wsi) || lws_hdr_fragment_length(wsi, WSI_TOKEN_HOST, 1) > 0 ||
        (!has_host && !is_http_1_0(wsi))) {
        return 400;
    }
    return judge_length(wsi);
}
