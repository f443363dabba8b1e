/* SPDX-License-Identifier: MIT */
#include "password/known.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/base/secret.h"

#define KEY_SIZE 32
#define DIGEST_SIZE 32

/* Bytes that go into a digest: a kind, an address, and name, hash and password at their longest. */
#define INPUT_SIZE 1024

struct known {
    uint64_t user;
    struct guess_address address;
    uint64_t used_ms;   /* when it was last right; order of leaving */
    uint64_t looked_ms; /* up to when looks have been given back */
    unsigned looks;     /* wrong passwords that it may still be asked for */
    bool taken;
    bool has_proof;
    unsigned char proof[DIGEST_SIZE]; /* of address, user, hash and password */
};

struct known_table {
    unsigned char key[KEY_SIZE];
    struct known entries[KNOWN_MAX];
};

struct known_table *known_table_create(void)
{
    struct known_table *table = calloc(1, sizeof(*table));
    unsigned char digest[DIGEST_SIZE];

    if (!table || getrandom(table->key, sizeof(table->key), 0) != sizeof(table->key)) {
        free(table);
        return NULL;
    }
    /* The library looks for its configuration and its algorithms with the first digest, before the sandbox is entered. */
    if (!HMAC(EVP_sha256(), table->key, KEY_SIZE, table->key, KEY_SIZE, digest, NULL)) {
        known_table_destroy(table);
        return NULL;
    }
    return table;
}

void known_table_destroy(struct known_table *table)
{
    if (table) {
        secret_wipe(table, sizeof(*table));
    }
    free(table);
}

/* Appends TEXT with its NUL, so that no two lists of texts have the same bytes. */
static bool append(unsigned char *input, size_t *length, const char *text)
{
    size_t size = strlen(text) + 1;

    if (size > INPUT_SIZE - *length) {
        return false;
    }
    memcpy(input + *length, text, size);
    *length += size;
    return true;
}

/* False: a text is too long to be remembered, or the library has no memory. */
static bool make_proof(const struct known_table *table, const char *user, struct guess_address address,
                       const char *hash, const char *password, unsigned char proof[DIGEST_SIZE])
{
    unsigned char input[INPUT_SIZE];
    size_t length = sizeof(address);

    memcpy(input, &address, sizeof(address));
    bool made = append(input, &length, user) && append(input, &length, hash) &&
                append(input, &length, password) &&
                HMAC(EVP_sha256(), table->key, KEY_SIZE, input, length, proof, NULL);
    secret_wipe(input, length);
    return made;
}

uint64_t known_table_number(const struct known_table *table, const char *user)
{
    unsigned char digest[DIGEST_SIZE] = {0};
    uint64_t number;

    HMAC(EVP_sha256(), table->key, KEY_SIZE, (const unsigned char *)user, strlen(user), digest, NULL);
    memcpy(&number, digest, sizeof(number));
    return number;
}

static struct known *find(const struct known_table *table, uint64_t user, struct guess_address address)
{
    for (size_t i = 0; i < KNOWN_MAX; i++) {
        const struct known *entry = &table->entries[i];
        if (entry->taken && entry->user == user && entry->address.high == address.high &&
            entry->address.low == address.low) {
            return (struct known *)entry;
        }
    }
    return NULL;
}

bool known_table_has(const struct known_table *table, const char *user, struct guess_address address)
{
    return find(table, known_table_number(table, user), address);
}

/* K2. */
static bool may_look(struct known *entry, uint64_t now_ms)
{
    uint64_t back = (now_ms - entry->looked_ms) / KNOWN_LOOK_MS;

    entry->looks = back < KNOWN_LOOKS - entry->looks ? entry->looks + (unsigned)back : KNOWN_LOOKS;
    entry->looked_ms = entry->looks == KNOWN_LOOKS ? now_ms : entry->looked_ms + back * KNOWN_LOOK_MS;
    return entry->looks > 0;
}

bool known_table_right(struct known_table *table, const char *user, struct guess_address address,
                       const char *hash, const char *password, bool slowed, uint64_t now_ms)
{
    struct known *entry = find(table, known_table_number(table, user), address);
    unsigned char proof[DIGEST_SIZE];

    if (!entry || !entry->has_proof || (slowed && !may_look(entry, now_ms))) {
        return false;
    }
    bool right = make_proof(table, user, address, hash, password, proof) &&
                 CRYPTO_memcmp(proof, entry->proof, DIGEST_SIZE) == 0;
    if (right) {
        entry->used_ms = now_ms;
    } else if (slowed) {
        entry->looks--;
    }
    return right;
}

/* K4. */
static struct known *make(struct known_table *table, uint64_t user)
{
    struct known *oldest = NULL, *oldest_of_user = NULL, *vacant = NULL;
    size_t of_user = 0;

    for (size_t i = 0; i < KNOWN_MAX; i++) {
        struct known *entry = &table->entries[i];
        if (!entry->taken) {
            vacant = vacant ? vacant : entry;
            continue;
        }
        if (!oldest || entry->used_ms < oldest->used_ms) {
            oldest = entry;
        }
        if (entry->user == user) {
            of_user++;
            oldest_of_user =
                !oldest_of_user || entry->used_ms < oldest_of_user->used_ms ? entry : oldest_of_user;
        }
    }
    if (of_user >= KNOWN_OF_USER) {
        return oldest_of_user;
    }
    return vacant ? vacant : oldest;
}

void known_table_learn(struct known_table *table, const char *user, struct guess_address address,
                       const char *hash, const char *password, uint64_t now_ms)
{
    uint64_t number = known_table_number(table, user);
    struct known *entry = find(table, number, address);

    if (!entry) {
        entry = make(table, number);
        *entry = (struct known){
            .user = number, .address = address, .looked_ms = now_ms, .looks = KNOWN_LOOKS, .taken = true};
    }
    entry->used_ms = now_ms;
    entry->has_proof = make_proof(table, user, address, hash, password, entry->proof);
}

void known_table_forget_passwords(struct known_table *table)
{
    for (size_t i = 0; i < KNOWN_MAX; i++) {
        table->entries[i].has_proof = false;
        secret_wipe(table->entries[i].proof, DIGEST_SIZE);
    }
}
