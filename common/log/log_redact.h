/*
 * The secrets that no line may show, and hiding them. Redaction comes before anything is cut, so that no
 * beginning of a secret is left at the end of a line; a text that did not fit even before redaction loses
 * whatever at its end may be such a beginning. Part of the log: called with its lock taken.
 */
#ifndef COMMON_LOG_LOG_REDACT_H
#define COMMON_LOG_LOG_REDACT_H

#include <stdbool.h>
#include <stddef.h>

/* As log_add_secret (log.h). Without memory the process ends. */
void log_redact_add(const char *secret);

/* Writes TEXT to OUT (SIZE > 0 bytes) with "***" for each secret and each URL's user information. CUT: the text
 * went on, but was cut there. */
void log_redact_text(const char *text, bool cut, char *out, size_t size);

/* Overwrites and frees all secrets. */
void log_redact_forget(void);

#endif
