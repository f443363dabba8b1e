#include "common/config/config_report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"

/* Names longer than this are not compared: no setting's name comes near it. */
#define NAME_MAX_COMPARED 32

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
    char *copy = field != NULL ? strdup(field) : NULL;
    struct config_problem *larger = reallocarray(report->problems, report->count + 1, sizeof(*larger));
    if (length < 0 || larger == NULL || (field != NULL && copy == NULL)) {
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

void config_report_print(struct config_report *report, const struct config_source *source, FILE *out)
{
    if (report->count > 1) {
        qsort(report->problems, report->count, sizeof(*report->problems), compare_problems);
    }
    for (size_t i = 0; i < report->count; i++) {
        const struct config_problem *problem = &report->problems[i];
        struct config_place place = config_source_place(source, problem->line);
        print_escaped(out, place.file);
        if (place.line > 0) {
            fprintf(out, ":%u", place.line);
        }
        if (problem->field != NULL) {
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

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned smaller = a < b ? a : b;

    return smaller < c ? smaller : c;
}

/* Optimal string alignment distance. Both names are at most NAME_MAX_COMPARED long. */
static unsigned name_distance(const char *a, const char *b)
{
    unsigned rows[3][NAME_MAX_COMPARED + 1];
    size_t a_length = strlen(a);
    size_t b_length = strlen(b);

    for (size_t j = 0; j <= b_length; j++) {
        rows[0][j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i - 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = least(row[j], row[j], rows[(i - 2) % 3][j - 2] + 1);
            }
        }
    }
    return rows[a_length % 3][b_length];
}

const char *config_nearest_name(const char *given, const char *const *first, size_t count, size_t stride)
{
    const char *nearest = NULL;
    size_t length = strlen(given);
    unsigned best = (unsigned)(length / 3 + 1); /* farther than a third of the name is another name */

    if (length > NAME_MAX_COMPARED) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = *(const char *const *)(const void *)((const char *)first + i * stride);
        unsigned distance = name_distance(given, name);
        if (distance <= best && distance < strlen(name)) {
            if (nearest == NULL || distance < best) {
                nearest = name;
            }
            best = distance;
        }
    }
    return nearest;
}
