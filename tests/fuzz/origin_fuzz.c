/* SPDX-License-Identifier: MIT */
/* Two lines, an Origin and a Host, as a browser or anybody else may send them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fanout/http/origin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Bytes that could end a header, or the part of a URL in which the host is. */
static bool is_tame(const char *authority)
{
    return authority[strcspn(authority, "\r\n \t/@?#\\\"<>%,;&")] == '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *origin = malloc(size + 1);
    if (!origin) {
        return 0;
    }
    memcpy(origin, data, size);
    origin[size] = '\0';
    char *host = origin + strcspn(origin, "\n");
    host += *host == '\n' ? 1 : 0;
    origin[strcspn(origin, "\n")] = '\0';

    bool http = origin_is_own(origin, "http", host), https = origin_is_own(origin, "https", host);
    bool own = origin_is_own(origin, NULL, host);
    require(own == (http || https) && !(http && https));
    if (own) {
        require(strncasecmp(origin, "http", 4) == 0 && is_tame(strchr(origin, ':') + 3) && is_tame(host));
        require(origin_same(origin, origin));
    }
    require(origin_same(origin, host) == origin_same(host, origin));
    if (origin_is_authority(host)) {
        require(host[0] != '\0' && is_tame(host));
    }
    free(origin);
    return 0;
}
