/* SPDX-License-Identifier: MIT */
#include "relay/owner/names.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/hash.h"

#define SLOTS_FIRST 64

struct names_entry {
    char *text; /* NULL: the index is free */
    uint64_t hash;
    uint32_t next_free;
};

void names_init(struct names *names, uint32_t max)
{
    *names = (struct names){.free = NAMES_NONE, .max = max};
}

void names_finish(struct names *names)
{
    for (uint32_t i = 0; i < names->count; i++) {
        free(names->entries[i].text);
    }
    free(names->entries);
    free(names->slots);
    *names = (struct names){.free = NAMES_NONE};
}

/* FNV leaves its upper bits poor for short names; the last steps of MurmurHash3 spread them. */
uint64_t names_hash_text(const char *text)
{
    uint64_t hash = hash_add(HASH_START, text, strlen(text));

    hash = (hash ^ (hash >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ (hash >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ (hash >> 33);
}

/* The slot of TEXT, or the empty one where it belongs. There are slots. */
static uint32_t slot_of(const struct names *names, const char *text, uint64_t hash)
{
    uint32_t slot = (uint32_t)hash & (names->slot_count - 1);

    while (names->slots[slot] != 0) {
        const struct names_entry *name = &names->entries[names->slots[slot] - 1];
        if (name->hash == hash && strcmp(name->text, text) == 0) {
            break;
        }
        slot = (slot + 1) & (names->slot_count - 1);
    }
    return slot;
}

uint32_t names_find(const struct names *names, const char *text)
{
    if (names->used == 0) {
        return NAMES_NONE;
    }
    uint32_t held = names->slots[slot_of(names, text, names_hash_text(text))];
    return held > 0 ? held - 1 : NAMES_NONE;
}

static int grow_slots(struct names *names)
{
    uint32_t count = names->slot_count > 0 ? names->slot_count : SLOTS_FIRST / 2;

    if (names->slot_count > 2 * names->used + 1) {
        return 0;
    }
    uint32_t *slots = calloc(2 * (size_t)count, sizeof(*slots));
    if (!slots) {
        return -1;
    }
    free(names->slots);
    names->slots = slots;
    names->slot_count = 2 * count;
    for (uint32_t i = 0; i < names->count; i++) {
        if (names->entries[i].text) {
            slots[slot_of(names, names->entries[i].text, names->entries[i].hash)] = i + 1;
        }
    }
    return 0;
}

static int grow_entries(struct names *names)
{
    uint32_t capacity = names->capacity > 0 ? 2 * names->capacity : SLOTS_FIRST / 2;

    if (names->free != NAMES_NONE || names->count < names->capacity) {
        return 0;
    }
    struct names_entry *entries = realloc(names->entries, capacity * sizeof(*entries));
    if (!entries) {
        return -1;
    }
    names->entries = entries;
    names->capacity = capacity;
    return 0;
}

uint32_t names_add(struct names *names, const char *text)
{
    uint32_t index = names_find(names, text);
    size_t length = strnlen(text, NAMES_LENGTH_MAX + 1);

    if (index != NAMES_NONE) {
        return index;
    }
    if (length == 0 || length > NAMES_LENGTH_MAX || names->used >= names->max || grow_slots(names) < 0 ||
        grow_entries(names) < 0) {
        return NAMES_NONE;
    }
    char *copy = strdup(text);
    if (!copy) {
        return NAMES_NONE;
    }
    index = names->free;
    if (index != NAMES_NONE) {
        names->free = names->entries[index].next_free;
    } else {
        index = names->count++;
    }
    names->entries[index] = (struct names_entry){.text = copy, .hash = names_hash_text(text)};
    names->slots[slot_of(names, copy, names->entries[index].hash)] = index + 1;
    names->used++;
    return index;
}

/* Linear probing: names behind the hole move into it if they could not be found any more otherwise. */
static void close_hole(struct names *names, uint32_t hole)
{
    const uint32_t mask = names->slot_count - 1;

    for (uint32_t slot = (hole + 1) & mask; names->slots[slot] != 0; slot = (slot + 1) & mask) {
        uint32_t home = (uint32_t)names->entries[names->slots[slot] - 1].hash & mask;
        if (((slot - home) & mask) >= ((slot - hole) & mask)) {
            names->slots[hole] = names->slots[slot];
            hole = slot;
        }
    }
    names->slots[hole] = 0;
}

void names_remove(struct names *names, uint32_t index)
{
    struct names_entry *name = &names->entries[index];

    close_hole(names, slot_of(names, name->text, name->hash));
    free(name->text);
    *name = (struct names_entry){.next_free = names->free};
    names->free = index;
    names->used--;
}

const char *names_text(const struct names *names, uint32_t index)
{
    return names->entries[index].text;
}

uint64_t names_hash(const struct names *names, uint32_t index)
{
    return names->entries[index].hash;
}
