#include "fanout/http/redirect.h"

#include <stdio.h>
#include <string.h>

#include "common/base/url.h"
#include "fanout/http/http_response.h"
#include "fanout/http/origin.h"

/* Longest Host: a domain name has at most 253 characters. */
#define HOST_SIZE 300

/* Longest argument of a query, and longest query, that is kept. */
#define ARGUMENT_SIZE 64
#define QUERY_SIZE 256

#define LOCATION_SIZE (HOST_SIZE + URL_ENCODE_MAX * HTTP_REQUEST_PATH_SIZE + QUERY_SIZE)

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

int redirect_to_https(struct lws *wsi, const struct http_request *request)
{
    char host[HOST_SIZE], path[URL_ENCODE_MAX * HTTP_REQUEST_PATH_SIZE], query[QUERY_SIZE];
    char headers[LOCATION_SIZE + sizeof("Location: https://\r\n")];

    if (!http_request_header(wsi, WSI_TOKEN_HOST, host, sizeof(host), NULL) || !origin_is_authority(host) ||
        request->path[0] != '/' ||
        url_encode(path, sizeof(path), request->path, strlen(request->path), URL_UNRESERVED "/") < 0) {
        return http_response_refuse(wsi, 400, false, NULL);
    }
    read_query(wsi, query);
    snprintf(headers, sizeof(headers), "Location: https://%s%s%s\r\n", host, path, query);
    return http_response_refuse(wsi, 308, request->method == HTTP_METHOD_HEAD, headers);
}
