/*
 * Text that came from outside: UTF-8 (RFC 3629) and printing it so that it cannot move a terminal's cursor or
 * forge a log line. Pure functions: any process, any thread.
 */
#ifndef COMMON_BASE_TEXT_H
#define COMMON_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes that text_escape needs at most for one byte of text ("\xHH"). */
#define TEXT_ESCAPE_MAX 4

/* Bytes of the valid UTF-8 sequence that TEXT, with AVAILABLE bytes, begins with: 1…4, or 0 if it is none. */
size_t text_utf8_length(const char *text, size_t available);

bool text_is_utf8(const char *text);

/* True if TEXT holds a control character (C0, DEL or C1). */
bool text_has_control(const char *text);

/* Cuts a character off whose last bytes are missing. */
void text_trim_partial(char *text);

/*
 * Copies TEXT to OUT, which holds SIZE bytes, with control characters and invalid UTF-8 as \n, \t, \r or
 * \xHH. What does not fit is cut between characters. Returns the length of OUT.
 */
size_t text_escape(char *out, size_t size, const char *text);

#endif
