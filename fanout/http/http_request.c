#include "fanout/http/http_request.h"

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
    request->method = HTTP_METHOD_OTHER;
    request->path[0] = '\0';
    enum lws_token_indexes token = WSI_TOKEN_GET_URI;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0) {
        request->method = HTTP_METHOD_GET;
    } else if (lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0) {
        request->method = HTTP_METHOD_HEAD;
        token = WSI_TOKEN_HEAD_URI;
    } else {
        return;
    }
    /* A path with a bare '&' or ';' comes in pieces, and would be put together with other characters. */
    if (lws_hdr_fragment_length(wsi, token, 1) > 0 ||
        lws_hdr_copy(wsi, request->path, sizeof(request->path), token) < 0) {
        request->path[0] = '\0';
    }
}
