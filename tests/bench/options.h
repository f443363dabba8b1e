/* SPDX-License-Identifier: MIT */
/*
 * Command-line options of the benchmark programs: "--name value" pairs described by a table. One thread, at
 * start.
 */
#ifndef TESTS_BENCH_OPTIONS_H
#define TESTS_BENCH_OPTIONS_H

#include <stddef.h>

/* Most values of an option that may be repeated. */
#define OPTION_LIST_MAX 1024

enum option_kind {
    OPTION_FLAG,   /* bool; takes no value */
    OPTION_COUNT,  /* size_t */
    OPTION_NUMBER, /* double, not negative */
    OPTION_STRING, /* const char *, points into argv */
    OPTION_LIST    /* struct option_list, may be repeated */
};

struct option_list {
    const char *values[OPTION_LIST_MAX]; /* point into argv */
    size_t count;
};

struct option_spec {
    const char *name; /* with its dashes */
    enum option_kind kind;
    void *target;
    const char *meaning;
};

/* Fills the targets. 0, or -EINVAL after the mistake and the table were written to standard error. */
int options_parse(const struct option_spec *specs, size_t count, int argc, char **argv);

#endif
