/* SPDX-License-Identifier: MIT */
/*
 * What a proxy, or a visitor in its place, says in headers: one to a line, X-Forwarded-For, Forwarded, X-Forwarded-Proto, Origin,
 * Host, the prefix. From an address that is not trusted nothing is believed. Otherwise the visitor is one whose address the
 * headers have, or the proxy. An origin is the same as itself or as nothing. A prefix that is taken splits nothing.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fanout/http/client_address.h"
#include "fanout/http/origin.h"
#include "fanout/http/policy.h"

enum { FORWARDED_FOR, FORWARDED, PROTO, ORIGIN, HOST, PREFIX, LINES };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool same(const struct in6_addr *a, const struct in6_addr *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static void check_visitor(const struct policy *policy, const struct forwarding *headers)
{
    struct network proxy, stranger;
    char text[INET6_ADDRSTRLEN];

    network_parse("10.1.2.3", &proxy);
    network_parse("192.0.2.1", &stranger);
    struct client_address believed =
        client_address_find(&proxy.address, false, &policy->trusted_proxies, headers);
    struct client_address ignored =
        client_address_find(&stranger.address, true, &policy->trusted_proxies, headers);
    require(!ignored.trusted && !ignored.scheme_known && ignored.secure);
    require(same(&ignored.address, &stranger.address));
    require(believed.trusted && (believed.scheme_known || !believed.secure));
    require(same(&believed.address, &proxy.address) || headers->forwarded_for || headers->forwarded);
    require(strlen(client_address_format(&believed.address, text)) > 1);
}

static void check_page(const struct policy *policy, const char *origin, const char *host)
{
    enum page page = policy_judge(policy, origin, NULL, host);
    bool is_origin = origin_same(origin, origin);

    require(is_origin || page == PAGE_FOREIGN);
    require(!is_origin || !strpbrk(origin, "\r\n \"<>,;@"));
    require(page != PAGE_OWN || origin_is_authority(host));
    require(!origin_is_own(origin, "http", host) || !origin_is_own(origin, "https", host));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char document[] =
        "{\"trusted_proxies\":[\"10.0.0.0/8\",\"fd00::/8\"],\"origins\":[\"https://a.b\"],"
        "\"cors_origins\":[\"http://[::1]:8080\"],\"frame_ancestors\":[\"'self'\"]}";
    static struct policy policy;
    const char *lines[LINES] = {0};
    char *text = strndup((const char *)data, size);

    if (policy.origins.count == 0) {
        json_t *rules = json_loads(document, 0, NULL);
        require(rules && policy_set(&policy, rules) == 0);
        json_decref(rules);
    }
    char *rest = text;
    for (int i = 0; i < LINES && rest; i++) {
        lines[i] = strsep(&rest, "\n");
    }
    const struct forwarding headers = {.forwarded_for = lines[FORWARDED_FOR],
                                       .forwarded = lines[FORWARDED],
                                       .forwarded_proto = lines[PROTO]};
    check_visitor(&policy, &headers);
    if (lines[HOST]) {
        check_page(&policy, lines[ORIGIN], lines[HOST]);
    }
    if (lines[PREFIX] && policy_is_prefix(lines[PREFIX])) {
        require(!strpbrk(lines[PREFIX], "\r\n \";\\%?#:") && strncmp(lines[PREFIX], "//", 2) != 0);
    }
    free(text);
    return 0;
}
