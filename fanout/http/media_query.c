/* SPDX-License-Identifier: MIT */
#include "fanout/http/media_query.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

/* Longest number of seconds that is read. */
#define SECONDS_SIZE 32

/* The number of the piece of the query that is NAME or begins with NAME and '='; -1: there is none. */
static int find(struct lws *wsi, const char *name)
{
    size_t length = strlen(name);
    char piece[64];

    for (int i = 0; lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i) > 0; i++) {
        int size = lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i);
        char *text = (size_t)size < sizeof(piece) ? piece : malloc((size_t)size + 1);
        bool found = text && lws_hdr_copy_fragment(wsi, text, size + 1, WSI_TOKEN_HTTP_URI_ARGS, i) > 0 &&
                     strncmp(text, name, length) == 0 && (text[length] == '=' || text[length] == '\0');
        if (text != piece) {
            free(text);
        }
        if (found) {
            return i;
        }
    }
    return -1;
}

bool media_query_has(struct lws *wsi, const char *name)
{
    return find(wsi, name) >= 0;
}

bool media_query_value(struct lws *wsi, const char *name, char *value, size_t size)
{
    size_t key = strlen(name) + 1; /* with the '=' */
    int piece = find(wsi, name);
    size_t length = piece < 0 ? 0 : (size_t)lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, piece);
    char *text = length > key && length - key < size ? malloc(length + 1) : NULL;
    bool found = text &&
                 lws_hdr_copy_fragment(wsi, text, (int)length + 1, WSI_TOKEN_HTTP_URI_ARGS, piece) > 0 &&
                 strlen(text) == length; /* no NUL in it */

    value[0] = '\0';
    if (found) {
        memcpy(value, text + key, length - key + 1);
    }
    free(text);
    return found;
}

int64_t media_query_parse_seconds(const char *text)
{
    static const char digits[] = "0123456789";
    size_t whole = strspn(text, digits), part = 0;

    if (text[whole] == '.') {
        part = strspn(text + whole + 1, digits) + 1;
    }
    if (whole == 0 || part == 1 || text[whole + part] != '\0') {
        return -1;
    }
    double seconds = strtod(text, NULL); /* digits and a point: in every locale of ours the point is one */
    int64_t ns = seconds <= MEDIA_QUERY_SECONDS_MAX ? (int64_t)(seconds * (double)NS_PER_SECOND) : 0;
    return ns > 0 ? ns : -1;
}

int64_t media_query_duration_ns(struct lws *wsi)
{
    char text[SECONDS_SIZE];

    if (!media_query_has(wsi, "duration")) {
        return 0;
    }
    return media_query_value(wsi, "duration", text, sizeof(text)) ? media_query_parse_seconds(text) : -1;
}
