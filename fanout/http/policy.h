/* SPDX-License-Identifier: MIT */
/*
 * The configuration's rules for HTTP, as ringcastd sends them in the message `http` (docs/reference/control.md): which
 * proxies are believed, whose pages may ask and show, and where ringcast is under its address. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_POLICY_H
#define FANOUT_HTTP_POLICY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "fanout/http/client_address.h"

/* Bytes of the longest base path and of the longest list for frame-ancestors, each with its NUL. */
#define POLICY_BASE_PATH_SIZE 129
#define POLICY_ANCESTORS_SIZE 8704

struct origin_list {
    char **list; /* "https://nvr.example" */
    size_t count;
};

struct policy {
    struct trusted_networks trusted_proxies;
    struct origin_list origins;                  /* whose pages may ask as the server's own may */
    struct origin_list cors_origins;             /* those may also read answers */
    char frame_ancestors[POLICY_ANCESTORS_SIZE]; /* as Content-Security-Policy has them */
    char base_path[POLICY_BASE_PATH_SIZE];       /* "", or "/cams" */
    json_int_t hsts;                             /* seconds; 0: no Strict-Transport-Security */
    bool go2rtc;                                 /* go2rtc's paths are there */
};

/* Whose page makes a request, from its Origin. */
enum page {
    PAGE_NONE,    /* no Origin: not a page, or one of the server's own that reads */
    PAGE_OWN,     /* the server's own */
    PAGE_LISTED,  /* one of `origins` */
    PAGE_CORS,    /* one of `cors_origins` */
    PAGE_FOREIGN, /* any other */
};

/* Without proxies and other origins, as the configuration's defaults are. */
void policy_init(struct policy *policy);
void policy_finish(struct policy *policy);

/* Takes DOCUMENT (not consumed). 0; -EBADMSG or -ENOMEM: POLICY is as it was. */
int policy_set(struct policy *policy, const json_t *document);

/* Whose page ORIGIN is, of a server that the visitor knows as HOST, by SCHEME ("http", "https"; NULL: not known). */
enum page policy_judge(const struct policy *policy, const char *origin, const char *scheme, const char *host);

/* True if TEXT can stand before a path: "/a/b", in characters that need no code in a URL, a cookie and a header. */
bool policy_is_prefix(const char *text);

#endif
