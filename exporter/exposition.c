/* SPDX-License-Identifier: MIT */
#include "exporter/exposition.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* A double holds every whole number up to 2^53 exactly. */
#define EXACT_MAX 9007199254740992.0

int exposition_begin(struct exposition *exposition)
{
    *exposition = (struct exposition){0};
    exposition->out = open_memstream(&exposition->text, &exposition->size);
    return exposition->out ? 0 : -ENOMEM;
}

void exposition_family(struct exposition *exposition, const char *name, const char *type, const char *help)
{
    exposition->name = name;
    fprintf(exposition->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_label_value(FILE *out, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '\n') {
            fputs("\\n", out);
        } else if (*value == '"' || *value == '\\') {
            fprintf(out, "\\%c", *value);
        } else {
            putc(*value, out);
        }
    }
}

static void write_value(FILE *out, double value)
{
    if (isfinite(value) && value == floor(value) && fabs(value) < EXACT_MAX) {
        fprintf(out, " %.0f\n", value);
    } else {
        fprintf(out, " %.9g\n", value);
    }
}

void exposition_sample(struct exposition *exposition, const char *suffix,
                       const struct exposition_label *labels, size_t count, double value)
{
    FILE *out = exposition->out;

    fprintf(out, "%s%s", exposition->name, suffix);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%s%s=\"", i == 0 ? "{" : ",", labels[i].name);
        write_label_value(out, labels[i].value);
        putc('"', out);
    }
    if (count > 0) {
        putc('}', out);
    }
    write_value(out, value);
}

char *exposition_end(struct exposition *exposition, size_t *size)
{
    if (fclose(exposition->out) != 0) {
        free(exposition->text);
        return NULL;
    }
    *size = exposition->size;
    return exposition->text;
}
