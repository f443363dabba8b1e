/*
 * Prometheus' text exposition format 0.0.4: families of metrics, each with its samples, written one after the
 * other. Pure but for memory; one thread.
 */
#ifndef EXPORTER_EXPOSITION_H
#define EXPORTER_EXPOSITION_H

#include <stddef.h>
#include <stdio.h>

struct exposition {
    FILE *out;
    char *text;
    size_t size;
    const char *name; /* of the family at hand */
};

/* A label of a sample. VALUE may be any UTF-8. */
struct exposition_label {
    const char *name;
    const char *value;
};

/* 0; -ENOMEM. */
int exposition_begin(struct exposition *exposition);

/* Begins family NAME ("ringcast_…", a string that outlives it) of TYPE "gauge", "counter" or "histogram". */
void exposition_family(struct exposition *exposition, const char *name, const char *type, const char *help);

/* A sample of the family with COUNT labels; SUFFIX ("_bucket") goes behind its name, "" for none. */
void exposition_sample(struct exposition *exposition, const char *suffix,
                       const struct exposition_label *labels, size_t count, double value);

/* The text of *size bytes, malloc'ed; NULL: out of memory. */
char *exposition_end(struct exposition *exposition, size_t *size);

#endif
