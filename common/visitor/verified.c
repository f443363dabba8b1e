/* SPDX-License-Identifier: MIT */
#include "common/visitor/verified.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>

#include "common/base/secret.h"
#include "common/visitor/credentials.h"

/* Bytes of an address, as text or as the network of one. */
#define PLACE_SIZE 64

int verified_init(struct verified *verified)
{
    return verified_forget(verified);
}

int verified_forget(struct verified *verified)
{
    secret_wipe(verified, sizeof(*verified));
    verified->ready = RAND_bytes(verified->key, sizeof(verified->key)) == 1;
    return verified->ready ? 0 : -EIO;
}

/*
 * ADDRESS as a ledger of guesses has it: of IPv6 the network that a client has for itself, the first 64
 * bits.
 */
static void place_of(uint8_t place[PLACE_SIZE], const char *address)
{
    struct in6_addr v6;

    memset(place, 0, PLACE_SIZE);
    if (inet_pton(AF_INET6, address, &v6) == 1 && !IN6_IS_ADDR_V4MAPPED(&v6)) {
        memcpy(place, &v6, 8);
    } else {
        strncpy((char *)place, address, PLACE_SIZE - 1);
    }
}

/* Of the place, the name, a NUL, which no name can have, and the password. */
static bool mac_of(const struct verified *verified, const char *address, const char *user,
                   const char *password, uint8_t mac[VERIFIED_MAC_SIZE])
{
    uint8_t text[PLACE_SIZE + CREDENTIALS_USER_MAX + 1 + CREDENTIALS_PASSWORD_MAX];
    size_t user_size = strlen(user) + 1;
    size_t password_size = strlen(password);

    if (!verified->ready || user_size > CREDENTIALS_USER_MAX + 1 ||
        password_size > CREDENTIALS_PASSWORD_MAX) {
        return false;
    }
    place_of(text, address);
    memcpy(text + PLACE_SIZE, user, user_size);
    memcpy(text + PLACE_SIZE + user_size, password, password_size);
    bool made = HMAC(EVP_sha256(), verified->key, sizeof(verified->key), text,
                     PLACE_SIZE + user_size + password_size, mac, NULL) != NULL;
    secret_wipe(text, sizeof(text));
    return made;
}

static size_t set_of(const uint8_t mac[VERIFIED_MAC_SIZE])
{
    return mac[0] % VERIFIED_SETS;
}

/* A clock that was put back makes entries old, not new. */
static bool is_fresh(const struct verified_entry *entry, int64_t now)
{
    return entry->checked != 0 && now >= entry->checked && now - entry->checked < VERIFIED_SECONDS;
}

void verified_add(struct verified *verified, const char *address, const char *user, const char *password,
                  int64_t now)
{
    uint8_t mac[VERIFIED_MAC_SIZE];

    if (!mac_of(verified, address, user, password, mac)) {
        return;
    }
    struct verified_entry *set = verified->entries[set_of(mac)];
    struct verified_entry *place = set;
    for (size_t way = 0; way < VERIFIED_WAYS; way++) {
        if (CRYPTO_memcmp(set[way].mac, mac, sizeof(mac)) == 0) {
            place = &set[way];
            break;
        }
        if (set[way].checked < place->checked) {
            place = &set[way];
        }
    }
    memcpy(place->mac, mac, sizeof(mac));
    place->checked = now;
}

int64_t verified_find(const struct verified *verified, const char *address, const char *user,
                      const char *password, int64_t now)
{
    uint8_t mac[VERIFIED_MAC_SIZE];

    if (!mac_of(verified, address, user, password, mac)) {
        return 0;
    }
    const struct verified_entry *set = verified->entries[set_of(mac)];
    for (size_t way = 0; way < VERIFIED_WAYS; way++) {
        if (is_fresh(&set[way], now) && CRYPTO_memcmp(set[way].mac, mac, sizeof(mac)) == 0) {
            return set[way].checked;
        }
    }
    return 0;
}
