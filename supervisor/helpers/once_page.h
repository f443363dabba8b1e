/* SPDX-License-Identifier: MIT */
/*
 * The page on which the fan-outs note that a single-use token was used: one number for each such token, which every fan-out sees
 * at once. Which number is whose ringcastd decides and keeps (fd_store.h), so that the next one knows it. Owned by the viewers' access
 * (access.h); supervisor's main thread only.
 */
#ifndef SUPERVISOR_HELPERS_ONCE_PAGE_H
#define SUPERVISOR_HELPERS_ONCE_PAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define ONCE_PAGE_SLOTS 1024

/*
 * A number that was given up is not given to another token for so long: each fan-out has taken the newest document by then, or was
 * ended because it takes nothing (outbox.h), so that none notes the use of the old token there.
 */
#define ONCE_PAGE_REST_MS 60000

struct once_page;

/* A new page. 0 or negative errno. */
int once_page_create(struct once_page **page);

/* The page FD (taken over on 0) of a ringcastd that was killed, and what it noted. 0, -EPROTO or other negative errno. Times are CLOCK_MONOTONIC. */
int once_page_adopt(int fd, const json_t *note, uint64_t now_ms, struct once_page **page);

/* NULL is allowed. */
void once_page_destroy(struct once_page *page);

/* The memory file for the fan-outs: its size is sealed. */
int once_page_fd(const struct once_page *page);

/* The number of token ID, which gets one if it has none. -1: none is free. */
int once_page_slot(struct once_page *page, const char *id, uint64_t now_ms);

/* True if a fan-out has noted that token ID was used. */
bool once_page_used(const struct once_page *page, const char *id);

/* Tokens that are not in TOKENS give their numbers up. */
void once_page_keep(struct once_page *page, const json_t *tokens, uint64_t now_ms);

/* Which number is whose, for once_page_adopt: a new object. */
json_t *once_page_note(const struct once_page *page);

#endif
