/* SPDX-License-Identifier: MIT */
/*
 * The forms of a log line on standard error, plain text and JSON (docs/reference/logs.md), from an entry whose
 * message is redacted. Nothing in a line moves a terminal's cursor or looks like another line. Part of the
 * log: called with its lock taken.
 */
#ifndef COMMON_LOG_LOG_FORM_H
#define COMMON_LOG_LOG_FORM_H

#include <stddef.h>
#include <stdint.h>

#include "common/log/log_level.h"

/* A line before it has a form. */
struct log_entry {
    enum log_level level;
    int64_t wall_ns; /* CLOCK_REALTIME */
    int pid;
    const char *role;
    const char *camera;  /* the camera that this process is for; NULL: it is not for one camera */
    const char *about;   /* the camera that the line is about; NULL: it is about none */
    const char *state;   /* of that camera; NULL: not known */
    const char *message; /* redacted; may hold newlines and anything else */
};

/* Each puts the line with its newline into OUT (SIZE bytes) and returns its length; the message is cut to fit. */
size_t log_form_plain(const struct log_entry *entry, char *out, size_t size);

/* ASCII only. 0: out of memory, or the line does not fit even without a message. */
size_t log_form_json(const struct log_entry *entry, char *out, size_t size);

#endif
