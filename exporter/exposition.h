/* SPDX-License-Identifier: MIT */
/*
 * Writes Prometheus' text exposition format 0.0.4: families of metrics one after the other, each with its
 * samples. One thread for each exposition.
 */
#ifndef EXPORTER_EXPOSITION_H
#define EXPORTER_EXPOSITION_H

#include <stddef.h>
#include <stdio.h>

struct exposition {
    FILE *out;
    char *text;
    size_t size;
    const char *name; /* of the present family */
};

/* A label of a sample. VALUE may be any UTF-8. */
struct exposition_label {
    const char *name;
    const char *value;
};

/* 0; -ENOMEM. Every exposition that was begun needs exposition_end. */
int exposition_begin(struct exposition *exposition);

/* Begins family NAME ("ringcast_…", a string that outlives it) of TYPE "gauge", "counter" or "histogram". */
void exposition_family(struct exposition *exposition, const char *name, const char *type, const char *help);

/* Adds a sample with COUNT labels to the family. SUFFIX is appended to its name: "_bucket", or "". */
void exposition_sample(struct exposition *exposition, const char *suffix,
                       const struct exposition_label *labels, size_t count, double value);

/* Returns the text of *size bytes, which the caller frees. NULL: out of memory. */
char *exposition_end(struct exposition *exposition, size_t *size);

#endif
