/* SPDX-License-Identifier: MIT */
#include "common/config/config_report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"

/* Longest part of a line that is printed, in bytes. */
#define PRINTED_MAX 1024

struct config_problem {
    unsigned line;
    size_t order; /* in which it was found, keeps the sorting stable */
    char *field;  /* NULL: none */
    char *text;
};

void config_report_add(struct config_report *report, unsigned line, const char *field, const char *format,
                       ...)
{
    va_list arguments;
    char *text = NULL;

    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    char *copy = field ? strdup(field) : NULL;
    struct config_problem *larger = reallocarray(report->problems, report->count + 1, sizeof(*larger));
    if (length < 0 || !larger || (field && !copy)) {
        abort(); /* an error that is not reported would let a wrong configuration pass */
    }
    report->problems = larger;
    larger[report->count] =
        (struct config_problem){.line = line, .order = report->count, .field = copy, .text = text};
    report->count++;
}

static int compare_problems(const void *left, const void *right)
{
    const struct config_problem *a = left;
    const struct config_problem *b = right;

    if (a->line != b->line) {
        return a->line < b->line ? -1 : 1;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

static void print_escaped(FILE *out, const char *text)
{
    char escaped[PRINTED_MAX];

    text_escape(escaped, sizeof(escaped), text);
    fputs(escaped, out);
}

void config_report_print(struct config_report *report, const struct config_places *places, FILE *out)
{
    if (report->count > 1) {
        qsort(report->problems, report->count, sizeof(*report->problems), compare_problems);
    }
    for (size_t i = 0; i < report->count; i++) {
        const struct config_problem *problem = &report->problems[i];
        struct config_place place = config_places_find(places, problem->line);
        print_escaped(out, place.file);
        if (place.line > 0) {
            fprintf(out, ":%u", place.line);
        }
        if (problem->field) {
            fputs(": ", out);
            print_escaped(out, problem->field);
        }
        fputs(": ", out);
        print_escaped(out, problem->text);
        fputc('\n', out);
    }
}

void config_report_finish(struct config_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        free(report->problems[i].field);
        free(report->problems[i].text);
    }
    free(report->problems);
    *report = (struct config_report){0};
}
