/* SPDX-License-Identifier: MIT */
/*
 * Names as small numbers: a table in which each name has an index from 0 on, which stays while the name is in it and is given to another one
 * afterwards. Owned by the view of a node (owner.h); one thread.
 */
#ifndef RELAY_OWNER_NAMES_H
#define RELAY_OWNER_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the longest name, without its NUL. */
#define NAMES_LENGTH_MAX 128

/* No index. */
#define NAMES_NONE UINT32_MAX

/* Zeroed it is empty, and takes up to `max` names once that is set. */
struct names {
    struct names_entry *entries; /* by index */
    uint32_t count;              /* indices that have ever been given */
    uint32_t capacity;           /* of entries */
    uint32_t *slots;             /* by hash: index + 1; 0: empty */
    uint32_t slot_count;         /* a power of two, at least twice the names */
    uint32_t used;               /* names that are in the table */
    uint32_t free;               /* the first index that may be given again; NAMES_NONE: none */
    uint32_t max;                /* names at most */
};

/* MAX names at most. */
void names_init(struct names *names, uint32_t max);
void names_finish(struct names *names);

/* Hash of a name, the same on all nodes and machines. */
uint64_t names_hash_text(const char *text);

/* The index of TEXT, or NAMES_NONE. */
uint32_t names_find(const struct names *names, const char *text);

/*
 * The index of TEXT, which is added (copied) if it is not there yet. NAMES_NONE: it is empty or longer than NAMES_LENGTH_MAX, there are `max`
 * names already, or there is no memory.
 */
uint32_t names_add(struct names *names, const char *text);

/* INDEX, which is in the table, may be given to another name. */
void names_remove(struct names *names, uint32_t index);

/* The name with INDEX, valid until it is removed. */
const char *names_text(const struct names *names, uint32_t index);
uint64_t names_hash(const struct names *names, uint32_t index);

#endif
