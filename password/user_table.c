/* SPDX-License-Identifier: MIT */
#include "password/user_table.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/secret.h"
#include "common/ipc/message.h"
#include "common/log/log.h"

struct user {
    char *name;
    char *hash;
    char *digest[DIGEST_ALGORITHMS]; /* NULL: none */
};

struct user_table {
    struct user *users; /* by name */
    size_t count;
    char setting[CRYPT_GENSALT_OUTPUT_SIZE]; /* what is computed when there are no users */
    struct crypt_data work;
};

static const char *const digest_members[DIGEST_ALGORITHMS] = {
    [DIGEST_MD5] = "digest_md5", [DIGEST_SHA256] = "digest_sha256"};

static int compare(const void *a, const void *b)
{
    const struct user *one = a, *other = b;

    return strcmp(one->name, other->name);
}

static void free_users(struct user *users, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(users[i].name);
        secret_free(users[i].hash);
        for (int j = 0; j < DIGEST_ALGORITHMS; j++) {
            secret_free(users[i].digest[j]);
        }
    }
    free(users);
}

struct user_table *user_table_create(void)
{
    struct user_table *table = calloc(1, sizeof(*table));

    if (!table || !crypt_gensalt_rn(NULL, 0, NULL, 0, table->setting, sizeof(table->setting))) {
        free(table);
        return NULL;
    }
    return table;
}

void user_table_destroy(struct user_table *table)
{
    if (!table) {
        return;
    }
    free_users(table->users, table->count);
    secret_wipe(&table->work, sizeof(table->work));
    free(table);
}

/* An outdated method still works. "!" and "*", with which an account is locked, are no hashes. */
static bool is_hash(const char *hash)
{
    int verdict = crypt_checksalt(hash);

    return verdict == CRYPT_SALT_OK || verdict == CRYPT_SALT_METHOD_LEGACY || verdict == CRYPT_SALT_TOO_CHEAP;
}

/* 1: USER is filled; 0: left out; -ENOMEM. */
static int read_user(const json_t *entry, struct user *user)
{
    const char *name = message_string(entry, "name", "");
    const char *hash = message_string(entry, "hash", "");

    if (name[0] == '\0' || strlen(name) > USER_NAME_MAX) {
        return 0;
    }
    if (!is_hash(hash)) {
        log_warning(
            "user %s: no password can be right, because the hash is none that crypt(3) knows: ringcastctl "
            "user passwd %s",
            name, name);
        return 0;
    }
    *user = (struct user){.name = strdup(name), .hash = strdup(hash)};
    bool complete = user->name && user->hash;
    for (int i = 0; i < DIGEST_ALGORITHMS; i++) {
        const char *secret = message_string(entry, digest_members[i], "");
        if (digest_is_secret((enum digest_algorithm)i, secret)) {
            user->digest[i] = strdup(secret);
            complete = complete && user->digest[i];
        }
    }
    return complete ? 1 : -ENOMEM;
}

int user_table_read(struct user_table *table, const json_t *document)
{
    const json_t *list = json_object_get(document, "users"), *entry;
    size_t index, count = 0;

    if (!json_is_array(list)) {
        return -EBADMSG;
    }
    struct user *users = calloc(json_array_size(list) + 1, sizeof(*users));
    if (!users) {
        return -ENOMEM;
    }
    json_array_foreach(list, index, entry) {
        int result = read_user(entry, &users[count]);
        if (result < 0) {
            free_users(users, count + 1);
            return result;
        }
        count += (size_t)result;
    }
    qsort(users, count, sizeof(*users), compare);
    free_users(table->users, table->count);
    table->users = users;
    table->count = count;
    return 0;
}

static const struct user *find(const struct user_table *table, const char *name)
{
    const struct user key = {.name = (char *)name};

    return table->count > 0 ? bsearch(&key, table->users, table->count, sizeof(key), compare) : NULL;
}

const char *user_table_hash(const struct user_table *table, const char *name)
{
    const struct user *user = find(table, name);

    return user ? user->hash : NULL;
}

const char *user_table_digest(const struct user_table *table, const char *name,
                              enum digest_algorithm algorithm)
{
    const struct user *user = find(table, name);

    return user ? user->digest[algorithm] : NULL;
}

size_t user_table_count(const struct user_table *table)
{
    return table->count;
}

/* The hash that a check of a name that nobody has costs: those of the users differ if their methods do. */
static const char *decoy(const struct user_table *table, uint64_t number)
{
    return table->count > 0 ? table->users[number % table->count].hash : table->setting;
}

bool user_table_check(struct user_table *table, const char *name, uint64_t number, const char *password)
{
    const char *hash = user_table_hash(table, name);
    const char *setting = hash ? hash : decoy(table, number);
    const char *computed = crypt_r(password, setting, &table->work);
    bool right = false;

    if (!computed || computed[0] == '*') {
        log_error("a password cannot be checked: %s", strerror(errno));
    } else if (hash && strlen(computed) == strlen(hash)) {
        right = CRYPTO_memcmp(computed, hash, strlen(hash)) == 0;
    }
    secret_wipe(&table->work, sizeof(table->work));
    return right;
}
