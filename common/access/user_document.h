/* SPDX-License-Identifier: MIT */
/* What is in a users file (user_file.h), without the file. Part of user_file.c. */
#ifndef COMMON_ACCESS_USER_DOCUMENT_H
#define COMMON_ACCESS_USER_DOCUMENT_H

#include <jansson.h>

/* Where an error goes: WHY has USER_FILE_WHY_SIZE bytes. */
struct user_report {
    const char *path;
    char *why;
};

/* Writes "PATH: …". Returns ERROR. */
int user_report(const struct user_report *report, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Checks DOCUMENT, and adds the members that have a default. 0; negative errno, reported. */
int user_document_check(const struct user_report *report, json_t *document);

/* TEXT, checked as above. *document belongs to the caller, also on an error; NULL: there is none. */
int user_document_parse(const struct user_report *report, const char *text, json_t **document);

/* One without users and tokens; NULL: out of memory. */
json_t *user_document_make(void);

#endif
