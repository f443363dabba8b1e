/* SPDX-License-Identifier: MIT */
/*
 * The secrets that no line may show, and how they are hidden. Redaction comes before a line is cut, so that no line ends
 * with the beginning of a secret. A text that was cut even before its redaction loses whatever at its end may be the
 * beginning of one. Part of the log: called with its lock taken.
 */
#ifndef COMMON_LOG_LOG_REDACT_H
#define COMMON_LOG_LOG_REDACT_H

#include <stdbool.h>
#include <stddef.h>

/* As log_add_secret (log.h). Without memory the process ends. */
void log_redact_add(const char *secret);

/* Writes TEXT to OUT (SIZE > 0 bytes) with "***" for each secret and each URL's user information. CUT: TEXT
 * went on, but was cut at its end. */
void log_redact_text(const char *text, bool cut, char *out, size_t size);

/* Overwrites and frees all secrets. */
void log_redact_forget(void);

#endif
