/* SPDX-License-Identifier: MIT */
#include "fanout/http/client_address.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

/* Part of a header's value. */
struct slice {
    const char *text;
    size_t length;
};

/* One proxy's entry: the address from which it was asked, and the scheme. */
struct hop {
    struct slice node, scheme;
};

/* The last entries of a list; `next` counts all of them. */
struct hops {
    struct hop list[CLIENT_ADDRESS_HOPS_MAX];
    size_t next;
};

/* What a list says of the visitor. */
struct visit {
    struct in6_addr address;
    struct slice scheme;
    bool found;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct slice trim(struct slice slice)
{
    while (slice.length > 0 && is_blank(slice.text[0])) {
        slice.text++;
        slice.length--;
    }
    while (slice.length > 0 && is_blank(slice.text[slice.length - 1])) {
        slice.length--;
    }
    return slice;
}

static bool slice_is(struct slice slice, const char *word)
{
    return slice.length == strlen(word) && strncasecmp(slice.text, word, slice.length) == 0;
}

static void add_hop(struct hops *hops, struct hop hop)
{
    hops->list[hops->next++ % CLIENT_ADDRESS_HOPS_MAX] = hop;
}

/* --- Addresses ------------------------------------------------------------------------------------------ */

/* What is between brackets, or before the port if there are none, without a zone. */
static struct slice host_of(struct slice node)
{
    const char *colon = memchr(node.text, ':', node.length);

    if (node.length > 0 && node.text[0] == '[') {
        const char *end = memchr(node.text, ']', node.length);
        node.length = end ? (size_t)(end - node.text) - 1 : 0;
        node.text++;
    } else if (colon && !memchr(colon + 1, ':', node.length - (size_t)(colon + 1 - node.text))) {
        node.length = (size_t)(colon - node.text);
    }
    const char *zone = memchr(node.text, '%', node.length);
    if (zone) {
        node.length = (size_t)(zone - node.text);
    }
    return node;
}

/* "192.0.2.7", "192.0.2.7:4711", "2001:db8::7", "[2001:db8::7]:4711". False: anything else, such as "unknown". */
static bool parse_node(struct slice node, struct in6_addr *address)
{
    char text[INET6_ADDRSTRLEN];
    struct network network;
    struct slice host = host_of(trim(node));

    if (host.length == 0 || host.length >= sizeof(text) || memchr(host.text, '/', host.length)) {
        return false;
    }
    memcpy(text, host.text, host.length);
    text[host.length] = '\0';
    if (strlen(text) != host.length || network_parse(text, &network) < 0) {
        return false;
    }
    *address = network.address;
    return true;
}

bool client_address_is_trusted(const struct in6_addr *address, const struct trusted_networks *trusted)
{
    const struct sockaddr_in6 socket_address = {.sin6_family = AF_INET6, .sin6_addr = *address};

    for (size_t i = 0; i < trusted->count; i++) {
        if (network_has(&trusted->list[i], (const struct sockaddr *)&socket_address)) {
            return true;
        }
    }
    return false;
}

/* From the last entry to the first one that is not of a trusted proxy. Nobody knows who is before one that says nothing. */
static struct visit walk(const struct hops *hops, const struct in6_addr *peer,
                         const struct trusted_networks *trusted)
{
    size_t oldest = hops->next > CLIENT_ADDRESS_HOPS_MAX ? hops->next - CLIENT_ADDRESS_HOPS_MAX : 0;
    struct visit visit = {.address = *peer};

    for (size_t i = hops->next; i-- > oldest;) {
        const struct hop *hop = &hops->list[i % CLIENT_ADDRESS_HOPS_MAX];
        struct in6_addr address;
        if (!parse_node(hop->node, &address)) {
            break;
        }
        visit = (struct visit){.address = address, .scheme = hop->scheme, .found = true};
        if (!client_address_is_trusted(&address, trusted)) {
            break;
        }
    }
    return visit;
}

/* --- Lists ---------------------------------------------------------------------------------------------- */

static void read_forwarded_for(struct hops *hops, const char *value)
{
    for (const char *at = value; *at != '\0';) {
        size_t length = strcspn(at, ",");
        struct slice node = trim((struct slice){at, length});
        if (node.length > 0) {
            add_hop(hops, (struct hop){.node = node});
        }
        at += length + (at[length] == ',');
    }
}

/* The end of a quoted string that begins at AT, behind its last quote. */
static const char *skip_quoted(const char *at)
{
    for (at++; *at != '\0' && *at != '"'; at++) {
        at += at[0] == '\\' && at[1] != '\0';
    }
    return at + (*at == '"');
}

/* The end of one pair NAME=VALUE that begins at AT. */
static const char *skip_pair(const char *at)
{
    while (*at != '\0' && *at != ',' && *at != ';') {
        at = *at == '"' ? skip_quoted(at) : at + 1;
    }
    return at;
}

static struct slice unquote(struct slice value)
{
    if (value.length >= 2 && value.text[0] == '"' && value.text[value.length - 1] == '"') {
        value.text++;
        value.length -= 2;
    }
    return value;
}

static void take_pair(struct hop *hop, struct slice pair)
{
    const char *equals = memchr(pair.text, '=', pair.length);

    if (!equals) {
        return;
    }
    struct slice name = trim((struct slice){pair.text, (size_t)(equals - pair.text)});
    struct slice value =
        unquote(trim((struct slice){equals + 1, pair.length - (size_t)(equals + 1 - pair.text)}));
    if (slice_is(name, "for")) {
        hop->node = value;
    } else if (slice_is(name, "proto")) {
        hop->scheme = value;
    }
}

/* RFC 7239, section 4: elements between commas, pairs between semicolons. One without "for" stays in the list, unknown. */
static void read_forwarded(struct hops *hops, const char *value)
{
    struct hop hop = {.node = {"", 0}, .scheme = {"", 0}};

    for (const char *at = value; *at != '\0';) {
        const char *end = skip_pair(at);
        take_pair(&hop, (struct slice){at, (size_t)(end - at)});
        if (*end != ';') {
            add_hop(hops, hop);
            hop = (struct hop){.node = {"", 0}, .scheme = {"", 0}};
        }
        at = end + (*end != '\0');
    }
}

/* --- Both ----------------------------------------------------------------------------------------------- */

static bool same_address(const struct in6_addr *a, const struct in6_addr *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static void take_scheme(struct client_address *client, struct slice scheme)
{
    if (scheme.length > 0) {
        client->scheme_known = true;
        client->secure = slice_is(scheme, "https") || slice_is(scheme, "wss");
    }
}

/* The first proxy on the way is the one that the visitor spoke to. */
static struct slice first_of(const char *list)
{
    return trim((struct slice){list, strcspn(list, ",")});
}

struct client_address client_address_find(const struct in6_addr *peer, bool tls,
                                          const struct trusted_networks *trusted,
                                          const struct forwarding *headers)
{
    struct client_address client = {
        .address = *peer, .secure = tls, .trusted = client_address_is_trusted(peer, trusted)};
    struct hops by_for = {0}, by_forwarded = {0};

    if (!client.trusted) {
        return client;
    }
    if (headers->forwarded_for) {
        read_forwarded_for(&by_for, headers->forwarded_for);
    }
    if (headers->forwarded) {
        read_forwarded(&by_forwarded, headers->forwarded);
    }
    struct visit first = walk(&by_for, peer, trusted), second = walk(&by_forwarded, peer, trusted);
    bool both = by_for.next > 0 && by_forwarded.next > 0;
    if (!both || same_address(&first.address, &second.address)) {
        client.address = by_for.next > 0 ? first.address : second.address;
    }
    if (headers->forwarded_proto) {
        take_scheme(&client, first_of(headers->forwarded_proto));
    } else if (!both && second.found) {
        take_scheme(&client, second.scheme);
    }
    return client;
}

const char *client_address_format(const struct in6_addr *address, char text[INET6_ADDRSTRLEN])
{
    bool mapped = IN6_IS_ADDR_V4MAPPED(address);
    const void *bytes = mapped ? (const void *)&address->s6_addr[12] : (const void *)address;
    const char *result = inet_ntop(mapped ? AF_INET : AF_INET6, bytes, text, INET6_ADDRSTRLEN);

    return result ? result : "?";
}
