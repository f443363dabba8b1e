/* SPDX-License-Identifier: MIT */
#include "common/visitor/token.h"

#include <openssl/sha.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct token_page *token_page_map(int fd)
{
    struct stat status;

    if (fstat(fd, &status) < 0 || status.st_size < (off_t)sizeof(struct token_page)) {
        return NULL;
    }
    void *map = mmap(NULL, sizeof(struct token_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return map == MAP_FAILED ? NULL : map;
}

void token_page_unmap(struct token_page *page)
{
    if (page) {
        munmap(page, sizeof(*page));
    }
}

bool token_is_static(const char *text)
{
    return strncmp(text, TOKEN_PREFIX, strlen(TOKEN_PREFIX)) == 0;
}

const struct table_token *token_find(const struct table *table, struct token_page *page, const char *text,
                                     int64_t now, const char **why)
{
    uint8_t hash[TABLE_HASH_SIZE];
    size_t length = strlen(text);

    *why = "an unknown token";
    if (length > TOKEN_MAX) {
        return NULL;
    }
    SHA256((const unsigned char *)text, length, hash);
    const struct table_token *token = table_token(table, hash);
    if (!token) {
        return NULL;
    }
    if (token->expires != 0 && now >= token->expires) {
        *why = "the token has expired";
        return NULL;
    }
    if (token->once >= 0 && (!page || atomic_load(&page->used[token->once]) != 0)) {
        *why = "the token has been used";
        return NULL;
    }
    *why = NULL;
    return token;
}

bool token_page_use(struct token_page *page, int slot)
{
    uint32_t unused = 0;

    return page && slot >= 0 && slot < TABLE_ONCE_SLOTS &&
           atomic_compare_exchange_strong(&page->used[slot], &unused, 1);
}
