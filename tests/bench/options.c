/* SPDX-License-Identifier: MIT */
#include "tests/bench/options.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool set_number(const struct option_spec *spec, const char *text)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || *end || errno || !(value >= 0)) {
        return false;
    }
    if (spec->kind == OPTION_NUMBER) {
        *(double *)spec->target = value;
        return true;
    }
    size_t whole = (size_t)value;
    *(size_t *)spec->target = whole;
    return (double)whole == value;
}

static bool set_value(const struct option_spec *spec, const char *text)
{
    struct option_list *list;
    switch (spec->kind) {
    case OPTION_COUNT:
    case OPTION_NUMBER:
        return set_number(spec, text);
    case OPTION_STRING:
        *(const char **)spec->target = text;
        return true;
    case OPTION_LIST:
        list = spec->target;
        if (list->count == OPTION_LIST_MAX) {
            return false;
        }
        list->values[list->count++] = text;
        return true;
    case OPTION_FLAG:
        break;
    }
    return false;
}

static const struct option_spec *find_spec(const struct option_spec *specs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(specs[i].name, name) == 0) {
            return &specs[i];
        }
    }
    return NULL;
}

static int refuse(const struct option_spec *specs, size_t count, char **argv, const char *what)
{
    static const char *const values[] = {"", " N", " X", " TEXT", " TEXT (may be repeated)"};
    fprintf(stderr, "%s: %s: unknown, or its value is missing or wrong\n", argv[0], what);
    for (size_t i = 0; i < count; i++) {
        fprintf(stderr, "  %s%s: %s\n", specs[i].name, values[specs[i].kind], specs[i].meaning);
    }
    return -EINVAL;
}

int options_parse(const struct option_spec *specs, size_t count, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        const struct option_spec *spec = find_spec(specs, count, name);
        if (!spec) {
            return refuse(specs, count, argv, name);
        }
        if (spec->kind == OPTION_FLAG) {
            *(bool *)spec->target = true;
        } else if (++i == argc || !set_value(spec, argv[i])) {
            return refuse(specs, count, argv, name);
        }
    }
    return 0;
}
