/* SPDX-License-Identifier: MIT */
#include "ctl/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"
#include "common/ipc/message.h"

#define WHAT_SIZE 1024

static const struct {
    const char *name, *mark;
} levels[] = {
    [FINDING_GOOD] = {"good", "ok"},
    [FINDING_NOTE] = {"note", "note"},
    [FINDING_WARNING] = {"warning", "WARNING"},
    [FINDING_ERROR] = {"error", "ERROR"},
};

void finding_add(json_t *findings, enum finding_level level, const char *subject, const char *advice,
                 const char *format, ...)
{
    char what[WHAT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    json_t *finding = json_object();
    json_object_set_new(finding, "level", json_string(levels[level].name));
    json_object_set_new(finding, "subject", message_text(subject));
    json_object_set_new(finding, "what", message_text(what));
    json_object_set_new(finding, "do", advice ? message_text(advice) : json_null());
    json_array_append_new(findings, finding);
}

static const char *mark_of(const json_t *finding)
{
    const char *name = message_string(finding, "level", "");

    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(levels[i].name, name) == 0) {
            return levels[i].mark;
        }
    }
    return "?";
}

static void print_text(const char *text)
{
    char safe[4 * WHAT_SIZE];

    text_escape(safe, sizeof(safe), text);
    fputs(safe, stdout);
}

void finding_print(const json_t *findings)
{
    const json_t *finding;
    size_t index;

    json_array_foreach(findings, index, finding) {
        const char *advice = message_string(finding, "do", NULL);
        printf("%-8s", mark_of(finding));
        print_text(message_string(finding, "subject", ""));
        fputs(": ", stdout);
        print_text(message_string(finding, "what", ""));
        putchar('\n');
        if (advice) {
            fputs("        -> ", stdout);
            print_text(advice);
            putchar('\n');
        }
    }
}

enum exit_code finding_exit_code(const json_t *findings)
{
    const json_t *finding;
    size_t index;

    json_array_foreach(findings, index, finding) {
        if (strcmp(message_string(finding, "level", ""), levels[FINDING_ERROR].name) == 0) {
            return EXIT_CODE_FOUND;
        }
    }
    return EXIT_CODE_OK;
}
