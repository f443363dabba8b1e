/* SPDX-License-Identifier: MIT */
#include "fanout/http/post_body.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/secret.h"
#include "fanout/http/http_request.h"

/* Digits of the longest Content-Length that is read as a number: all above are too large anyway. */
#define DIGITS_MAX 9

#define HEADER_SIZE 128

long post_body_length(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || text[digits] != '\0') {
        return -1;
    }
    return digits > DIGITS_MAX ? POST_BODY_MAX + 1 : strtol(text, NULL, 10);
}

bool post_body_is_json(const char *value)
{
    static const char type[] = "application/json";
    size_t length = strlen(type);

    return strncasecmp(value, type, length) == 0 &&
           (value[length] == '\0' || strchr("; \t", value[length]) != NULL);
}

/* 0 or an HTTP status; *LENGTH is -1 without a Content-Length. */
static int read_length(struct lws *wsi, long *length)
{
    char value[HEADER_SIZE];
    bool present;

    *length = -1;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
        return 411;
    }
    bool read = http_request_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, value, sizeof(value), &present);
    if (!present) {
        return 0;
    }
    *length = read ? post_body_length(value) : -1;
    return *length < 0 ? 400 : *length > POST_BODY_MAX ? 413 : 0;
}

int post_body_begin(struct lws *wsi, struct post_body **body)
{
    char type[HEADER_SIZE];
    long length;
    int status = read_length(wsi, &length);

    *body = NULL;
    if (status != 0 || length < 0) {
        return status;
    }
    if (length > 0 && (!http_request_header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, type, sizeof(type), NULL) ||
                       !post_body_is_json(type))) {
        return 415;
    }
    *body = calloc(1, sizeof(**body) + (size_t)length + 1);
    if (!*body) {
        return 503;
    }
    (*body)->length = (size_t)length;
    return 0;
}

void post_body_add(struct post_body *body, const void *data, size_t length)
{
    size_t missing = body->length - body->received, taken = length < missing ? length : missing;

    if (taken > 0) {
        memcpy(body->data + body->received, data, taken);
    }
    body->received += taken;
    body->overrun = body->overrun || length > taken;
}

json_t *post_body_json(const struct post_body *body)
{
    json_t *value = json_loadb(body->data, body->received, JSON_REJECT_DUPLICATES, NULL);

    if (value && !json_is_object(value)) {
        json_decref(value);
        return NULL;
    }
    return value;
}

void post_body_free(struct post_body *body)
{
    if (body) {
        secret_wipe(body->data, body->length);
        free(body);
    }
}
