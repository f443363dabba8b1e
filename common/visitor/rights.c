/* SPDX-License-Identifier: MIT */
#include "common/visitor/rights.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"

/* What a sub stream's name ends in, after the camera's own name, which has no '/'. */
#define SUB_STREAM "/sub"

/* One allocation: the texts are behind the pointers to them. */
struct rights {
    unsigned references;
    enum access_role role;
    size_t count;
    char *patterns[];
};

/* UTF-8, so that '?' is a character and not a byte. */
static locale_t pattern_locale;

void rights_prepare(void)
{
    if (!pattern_locale) {
        pattern_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    }
}

void rights_settle(void)
{
    if (pattern_locale) {
        freelocale(pattern_locale);
        pattern_locale = (locale_t)0;
    }
}

/* Room for COUNT patterns of SIZE bytes in all, their NULs included; *TEXTS is where these begin. */
static struct rights *make(enum access_role role, size_t count, size_t size, char **texts)
{
    size_t head = sizeof(struct rights) + count * sizeof(char *);
    struct rights *rights = malloc(head + size);

    if (rights) {
        *rights = (struct rights){.references = 1, .role = role};
        *texts = (char *)rights + head;
    }
    return rights;
}

static char *append(struct rights *rights, char *texts, const char *pattern)
{
    size_t size = strlen(pattern) + 1;

    rights->patterns[rights->count++] = memcpy(texts, pattern, size);
    return texts + size;
}

static const char *pattern_problem(const json_t *pattern)
{
    size_t length = json_string_length(pattern);

    if (!json_is_string(pattern)) {
        return "a camera pattern is no text";
    }
    if (length == 0 || length > ACCESS_PATTERN_MAX) {
        return "a camera pattern is empty or too long";
    }
    return strlen(json_string_value(pattern)) != length || text_has_control(json_string_value(pattern))
               ? "a camera pattern has a control character"
               : NULL;
}

struct rights *rights_from_json(enum access_role role, const json_t *patterns, const char **why)
{
    size_t size = 0, index;
    json_t *pattern;

    *why = NULL;
    if (!json_is_array(patterns)) {
        *why = "the camera patterns are no list";
    } else if (json_array_size(patterns) > RIGHTS_PATTERNS_MAX) {
        *why = "too many camera patterns";
    }
    for (index = 0; !*why && index < json_array_size(patterns); index++) {
        *why = pattern_problem(json_array_get(patterns, index));
        size += json_string_length(json_array_get(patterns, index)) + 1;
    }
    if (*why) {
        return NULL;
    }
    char *texts = NULL;
    struct rights *rights = make(role, json_array_size(patterns), size, &texts);
    if (!rights) {
        *why = "no memory";
        return NULL;
    }
    json_array_foreach(patterns, index, pattern) {
        texts = append(rights, texts, json_string_value(pattern));
    }
    return rights;
}

static size_t texts_size(const struct rights *rights)
{
    size_t size = 0;

    for (size_t i = 0; i < rights->count; i++) {
        size += strlen(rights->patterns[i]) + 1;
    }
    return size;
}

struct rights *rights_union(struct rights *a, struct rights *b)
{
    if (!a || !b || a == b) {
        return rights_ref(a ? a : b);
    }
    char *texts = NULL;
    /* An operator may all that a viewer may. */
    enum access_role role = a->role > b->role ? a->role : b->role;
    struct rights *rights = make(role, a->count + b->count, texts_size(a) + texts_size(b), &texts);
    if (!rights) {
        return NULL;
    }
    for (size_t i = 0; i < a->count; i++) {
        texts = append(rights, texts, a->patterns[i]);
    }
    for (size_t i = 0; i < b->count; i++) {
        texts = append(rights, texts, b->patterns[i]);
    }
    return rights;
}

struct rights *rights_ref(struct rights *rights)
{
    if (rights) {
        rights->references++;
    }
    return rights;
}

void rights_unref(struct rights *rights)
{
    if (rights && --rights->references == 0) {
        free(rights);
    }
}

enum access_role rights_role(const struct rights *rights)
{
    return rights ? rights->role : ACCESS_VIEWER;
}

static bool any_matches(const struct rights *rights, const char *name)
{
    for (size_t i = 0; i < rights->count; i++) {
        if (access_pattern_matches(rights->patterns[i], name)) {
            return true;
        }
    }
    return false;
}

bool rights_allow(const struct rights *rights, const char *camera)
{
    char name[RIGHTS_CAMERA_MAX + 1];
    size_t length = strlen(camera);

    if (length >= strlen(SUB_STREAM) && strcmp(camera + length - strlen(SUB_STREAM), SUB_STREAM) == 0) {
        length -= strlen(SUB_STREAM);
    }
    if (!rights || length == 0 || length > RIGHTS_CAMERA_MAX || memchr(camera, '/', length)) {
        return false;
    }
    memcpy(name, camera, length);
    name[length] = '\0';
    locale_t before = pattern_locale ? uselocale(pattern_locale) : (locale_t)0;
    bool allowed = any_matches(rights, name);
    if (before) {
        uselocale(before);
    }
    return allowed;
}

bool rights_same_cameras(const struct rights *a, const struct rights *b)
{
    size_t count = a ? a->count : 0;

    if (a == b) {
        return true;
    }
    if (count != (b ? b->count : 0)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(a->patterns[i], b->patterns[i]) != 0) {
            return false;
        }
    }
    return true;
}
