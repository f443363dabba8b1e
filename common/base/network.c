/* SPDX-License-Identifier: MIT */
#include "common/base/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Bits before an IPv4 address in its mapped form. */
#define MAPPED_BITS 96

#define ADDRESS_BITS 128

/* Longest numeric address that is looked at, with a zone. */
#define ADDRESS_TEXT_SIZE (INET6_ADDRSTRLEN + 32)

static struct in6_addr mapped(const struct in_addr *v4)
{
    struct in6_addr address = {0};

    address.s6_addr[10] = address.s6_addr[11] = 0xff;
    memcpy(&address.s6_addr[12], v4, sizeof(*v4));
    return address;
}

/* *prefix: the bits of the whole family that come before those written. -EINVAL: not a numeric address. */
static int parse_address(const char *text, struct in6_addr *address, unsigned *before)
{
    struct in_addr v4;

    if (inet_pton(AF_INET, text, &v4) == 1) {
        *address = mapped(&v4);
        *before = MAPPED_BITS;
        return 0;
    }
    *before = 0;
    return inet_pton(AF_INET6, text, address) == 1 ? 0 : -EINVAL;
}

/* Clears what is behind the prefix. True if anything was set there. */
static bool clear_behind(struct network *network)
{
    bool set = false;

    for (unsigned bit = network->prefix; bit < ADDRESS_BITS; bit++) {
        unsigned char mask = (unsigned char)(0x80u >> bit % 8);
        set = set || (network->address.s6_addr[bit / 8] & mask) != 0;
        network->address.s6_addr[bit / 8] &= (unsigned char)~mask;
    }
    return set;
}

int network_parse(const char *text, struct network *network)
{
    char address[ADDRESS_TEXT_SIZE];
    size_t length = strcspn(text, "/");
    const char *prefix = text[length] == '/' ? text + length + 1 : NULL;
    unsigned before, bits = 0;

    if (length >= sizeof(address)) {
        return -EINVAL;
    }
    memcpy(address, text, length);
    address[length] = '\0';
    if (parse_address(address, &network->address, &before) < 0) {
        return -EINVAL;
    }
    network->prefix = ADDRESS_BITS;
    if (!prefix) {
        return 0;
    }
    size_t digits = strspn(prefix, "0123456789");
    if (digits == 0 || prefix[digits] != '\0' || (digits > 1 && prefix[0] == '0')) {
        return -EINVAL;
    }
    if (digits > 3) {
        return -ERANGE;
    }
    for (size_t i = 0; i < digits; i++) {
        bits = bits * 10 + (unsigned)(prefix[i] - '0');
    }
    if (bits > ADDRESS_BITS - before) {
        return -ERANGE;
    }
    network->prefix = before + bits;
    return clear_behind(network) ? -EDOM : 0;
}

void network_format(const struct network *network, char text[NETWORK_TEXT_SIZE])
{
    bool v4 = network->prefix >= MAPPED_BITS && IN6_IS_ADDR_V4MAPPED(&network->address);
    const void *address = v4 ? (const void *)&network->address.s6_addr[12] : (const void *)&network->address;

    inet_ntop(v4 ? AF_INET : AF_INET6, address, text, INET6_ADDRSTRLEN);
    if (network->prefix < ADDRESS_BITS) {
        size_t length = strlen(text);
        snprintf(text + length, NETWORK_TEXT_SIZE - length, "/%u", network->prefix - (v4 ? MAPPED_BITS : 0));
    }
}

static bool has(const struct network *network, const struct in6_addr *address)
{
    unsigned whole = network->prefix / 8, rest = network->prefix % 8;

    if (memcmp(&network->address, address, whole) != 0) {
        return false;
    }
    return rest == 0 || (network->address.s6_addr[whole] ^ address->s6_addr[whole]) >> (8 - rest) == 0;
}

bool network_has(const struct network *network, const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof(v4));
        struct in6_addr as_v6 = mapped(&v4.sin_addr);
        return has(network, &as_v6);
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof(v6));
        return has(network, &v6.sin6_addr);
    }
    return false;
}

bool network_has_text(const struct network *network, const char *text)
{
    char copy[ADDRESS_TEXT_SIZE];
    struct in6_addr address;
    unsigned before;
    size_t length = strcspn(text, "%");

    if (length >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    return parse_address(copy, &address, &before) == 0 && has(network, &address);
}
