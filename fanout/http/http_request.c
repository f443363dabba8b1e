#include "fanout/http/http_request.h"

/* libwebsockets has the path in a header that is named for the method. */
static const struct {
    enum lws_token_indexes token;
    enum http_method method;
} methods[] = {
    {WSI_TOKEN_GET_URI, HTTP_METHOD_GET},      {WSI_TOKEN_HEAD_URI, HTTP_METHOD_HEAD},
    {WSI_TOKEN_POST_URI, HTTP_METHOD_POST},    {WSI_TOKEN_OPTIONS_URI, HTTP_METHOD_OTHER},
    {WSI_TOKEN_PUT_URI, HTTP_METHOD_OTHER},    {WSI_TOKEN_PATCH_URI, HTTP_METHOD_OTHER},
    {WSI_TOKEN_DELETE_URI, HTTP_METHOD_OTHER},
};

bool http_request_header(struct lws *wsi, enum lws_token_indexes token, char *value, int size, bool *present)
{
    bool found = lws_hdr_total_length(wsi, token) > 0;
    if (present) {
        *present = found;
    }
    return found && lws_hdr_copy(wsi, value, size, token) > 0;
}

void http_request_read(struct lws *wsi, struct http_request *request)
{
    size_t i = 0;

    request->method = HTTP_METHOD_OTHER;
    request->path[0] = '\0';
    while (i < sizeof(methods) / sizeof(methods[0]) && lws_hdr_total_length(wsi, methods[i].token) <= 0) {
        i++;
    }
    if (i == sizeof(methods) / sizeof(methods[0])) {
        return;
    }
    request->method = methods[i].method;
    /* A path with a bare '&' or ';' comes in pieces, and would be put together with other characters. */
    if (lws_hdr_fragment_length(wsi, methods[i].token, 1) > 0 ||
        lws_hdr_copy(wsi, request->path, sizeof(request->path), methods[i].token) < 0) {
        request->path[0] = '\0';
    }
}
