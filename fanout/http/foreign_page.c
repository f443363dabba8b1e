/* SPDX-License-Identifier: MIT */
#include "fanout/http/foreign_page.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/log/log.h"
#include "fanout/http/http_response.h"
#include "fanout/http/origin.h"

/* Between two lines about it: whoever can send a request could fill the log. */
#define TELL_INTERVAL_NS (10 * NS_PER_SECOND)

/* Bytes of the server's own origin, and of what is wrong, with all three in it. */
#define OWN_SIZE (HTTP_REQUEST_HOST_SIZE + 64)
#define REASON_SIZE (2 * HTTP_REQUEST_HOST_SIZE + OWN_SIZE + 512)

/* When it was last logged, CLOCK_MONOTONIC, and how often it has happened since. */
static struct {
    int64_t told_ns;
    unsigned count;
} tell;

/* What the page would have to be. */
static void describe_own(const struct http_request *request, char *text, size_t size)
{
    const struct client_address *client = &request->client;
    const char *scheme = !client->scheme_known ? "http(s)" : client->secure ? "https" : "http";

    if (!origin_is_authority(request->host)) {
        snprintf(text, size, "not known, because the request has no valid Host");
    } else {
        snprintf(text, size, "\"%s://%s\"", scheme, request->host);
    }
}

/* A proxy that changes Host, and is not trusted to say what it was, makes the own page a foreign one. */
static void describe(const struct http_request *request, char *text, size_t size)
{
    char own[OWN_SIZE];

    describe_own(request, own, sizeof(own));
    if (!origin_same(request->origin, request->origin)) {
        snprintf(text, size,
                 "the page's Origin is \"null\" or no web address, and this server's own is %s; a page from "
                 "a file or in "
                 "a sandboxed frame cannot show cameras: open it from a web server",
                 own);
        return;
    }
    snprintf(text, size,
             "the page's Origin is \"%s\", and this server's own is %s; if that page may show the cameras, "
             "set origins "
             "= ( \"%s\" ); if it is this server's own behind a proxy that changes Host, let the proxy keep "
             "Host, or "
             "set X-Forwarded-Host and be in trusted_proxies",
             request->origin, own, request->origin);
}

static void log_refusal(const struct http_request *request, const char *reason)
{
    char address[INET6_ADDRSTRLEN];
    int64_t now_ns = clock_now_ns();

    tell.count++;
    if (tell.told_ns != 0 && now_ns - tell.told_ns < TELL_INTERVAL_NS) {
        return;
    }
    log_warning("requests of foreign pages refused: %u, the last of them from %s: %s", tell.count,
                client_address_format(&request->client.address, address), reason);
    tell.told_ns = now_ns;
    tell.count = 0;
}

void foreign_page_note(const struct http_request *request)
{
    char reason[REASON_SIZE];

    describe(request, reason, sizeof(reason));
    log_refusal(request, reason);
}

int foreign_page_refuse(struct lws *wsi, const struct http_request *request)
{
    char reason[REASON_SIZE], text[REASON_SIZE + sizeof("Forbidden: .\n")];

    describe(request, reason, sizeof(reason));
    log_refusal(request, reason);
    snprintf(text, sizeof(text), "Forbidden: %s.\n", reason);
    return http_response_explain(wsi, request, 403, text);
}
