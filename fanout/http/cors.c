/* SPDX-License-Identifier: MIT */
#include "fanout/http/cors.h"

#include <stdio.h>

#include "fanout/http/http_response.h"

/* How long a browser need not ask again, in seconds. */
#define PREFLIGHT_SECONDS "600"

void cors_write_headers(const struct http_request *request, char lines[CORS_HEADERS_SIZE])
{
    lines[0] = '\0';
    if (request->page == PAGE_CORS) {
        snprintf(lines, CORS_HEADERS_SIZE,
                 "Vary: Origin\r\n"
                 "Access-Control-Allow-Origin: %s\r\n"
                 "Access-Control-Allow-Credentials: true\r\n"
                 "Access-Control-Expose-Headers: ETag, Last-Modified, Retry-After, Ringcast-Picture-Age, "
                 "WWW-Authenticate\r\n",
                 request->origin);
    } else if (request->policy->cors_origins.count > 0) {
        snprintf(lines, CORS_HEADERS_SIZE, "Vary: Origin\r\n"); /* others get another answer */
    }
}

bool cors_is_preflight(struct lws *wsi, const struct http_request *request)
{
    char method[16];

    return request->method == HTTP_METHOD_OPTIONS && request->page == PAGE_CORS &&
           http_request_custom(wsi, "access-control-request-method:", method, sizeof(method));
}

int cors_answer_preflight(struct lws *wsi, const struct http_request *request)
{
    return http_response_refuse(wsi, request, 204,
                                "Access-Control-Allow-Methods: GET, HEAD, POST\r\n"
                                "Access-Control-Allow-Headers: Authorization, Content-Type, If-None-Match\r\n"
                                "Access-Control-Max-Age: " PREFLIGHT_SECONDS "\r\n");
}
