/* SPDX-License-Identifier: MIT */
/*
 * Static tokens, made with `ringcastctl token`: rct_<id>_<secret>. The table has only the SHA-256 of each.
 * Pure but for the page that the fan-outs share. One thread at a time.
 */
#ifndef COMMON_VISITOR_TOKEN_H
#define COMMON_VISITOR_TOKEN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/visitor/table.h"

/* What every static token begins with. */
#define TOKEN_PREFIX "rct_"

/* Bytes of the longest text that is looked up as a token. */
#define TOKEN_MAX 128

/* The page in which the fan-outs note which tokens have been used: 0 unused, 1 used. Shared memory. */
struct token_page {
    _Atomic uint32_t used[TABLE_ONCE_SLOTS];
};

/* Maps the page. NULL: FD is not such a page. FD stays the caller's; token_page_unmap unmaps. */
struct token_page *token_page_map(int fd);
void token_page_unmap(struct token_page *page);

/* True if TEXT is meant to be a static token. */
bool token_is_static(const char *text);

/*
 * The token TEXT, as it is at NOW. NULL, and *WHY is a static text: unknown, expired, or used before. PAGE
 * may be NULL; then tokens that may be used once are refused. Uses nothing up.
 */
const struct table_token *token_find(const struct table *table, struct token_page *page, const char *text,
                                     int64_t now, const char **why);

/* Uses the slot up. True for one caller in all processes. */
bool token_page_use(struct token_page *page, int slot);

#endif
