/* SPDX-License-Identifier: MIT */
#include "fanout/http/redirect.h"

#include <stdio.h>
#include <string.h>

#include "common/base/url.h"
#include "fanout/http/http_response.h"
#include "fanout/http/origin.h"

/* Longest argument of a query, and longest query, that is kept. */
#define ARGUMENT_SIZE 64
#define QUERY_SIZE 256

#define LOCATION_SIZE                                                                                        \
    (HTTP_REQUEST_HOST_SIZE + POLICY_BASE_PATH_SIZE + URL_ENCODE_MAX * HTTP_REQUEST_PATH_SIZE + QUERY_SIZE)

/* The query of the request in WSI, with its '?'; empty if there is none, or if it does not fit. */
static void read_query(struct lws *wsi, char query[QUERY_SIZE])
{
    char argument[ARGUMENT_SIZE];
    size_t length = 0;

    query[0] = '\0';
    for (int i = 0; lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i) > 0; i++) {
        int size = lws_hdr_copy_fragment(wsi, argument, sizeof(argument), WSI_TOKEN_HTTP_URI_ARGS, i);
        query[length] = i == 0 ? '?' : '&';
        int encoded = size <= 0 ? -1
                                : url_encode(query + length + 1, QUERY_SIZE - length - 2, argument,
                                             (size_t)size, URL_UNRESERVED "=");
        if (encoded < 0) {
            query[0] = '\0';
            return;
        }
        length += 1 + (size_t)encoded;
    }
}

/* ADDRESS is followed by the request's query. */
static int redirect(struct lws *wsi, const struct http_request *request, const char *address)
{
    char query[QUERY_SIZE], headers[LOCATION_SIZE + sizeof("Location: https://\r\n")];

    read_query(wsi, query);
    snprintf(headers, sizeof(headers), "Location: %s%s\r\n", address, query);
    return http_response_refuse(wsi, request, 308, headers);
}

int redirect_to_https(struct lws *wsi, const struct http_request *request)
{
    char path[URL_ENCODE_MAX * HTTP_REQUEST_PATH_SIZE], address[LOCATION_SIZE];

    if (!origin_is_authority(request->host) || request->path[0] != '/' ||
        url_encode(path, sizeof(path), request->path, strlen(request->path), URL_UNRESERVED "/") < 0) {
        return http_response_refuse(wsi, request, 400, NULL);
    }
    snprintf(address, sizeof(address), "https://%s%s%s", request->host, request->prefix, path);
    return redirect(wsi, request, address);
}

int redirect_to_base(struct lws *wsi, const struct http_request *request)
{
    char address[POLICY_BASE_PATH_SIZE + 1];

    snprintf(address, sizeof(address), "%s/", request->prefix);
    return redirect(wsi, request, address);
}
