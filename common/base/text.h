/* SPDX-License-Identifier: MIT */
/*
 * Text, most of it from outside: UTF-8 (RFC 3629), copying it into a bounded place, printing it so that it
 * cannot move a terminal's cursor or forge a log line, and comparing what was typed with what exists. Pure
 * functions: any process, any thread.
 */
#ifndef COMMON_BASE_TEXT_H
#define COMMON_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that text_escape needs at most for one byte of text ("\xHH"). */
#define TEXT_ESCAPE_MAX 4

/* Bytes of the valid UTF-8 sequence that TEXT, with AVAILABLE bytes, begins with: 1…4; 0: it begins with none. */
size_t text_utf8_length(const char *text, size_t available);

bool text_is_utf8(const char *text);

/* Text that comes in pieces. All zero: between two characters. */
struct text_stream {
    uint8_t missing;   /* bytes that the present character still needs */
    uint8_t low, high; /* if any are missing: the bounds of the next one */
};

/* False: with the next LENGTH bytes, DATA, the text cannot be UTF-8 any more. */
bool text_stream_add(struct text_stream *stream, const void *data, size_t length);

/* The text has ended. False: in the middle of a character. STREAM is ready for the next text. */
bool text_stream_end(struct text_stream *stream);

/* True if TEXT holds a control character (C0, DEL or C1). */
bool text_has_control(const char *text);

/* True if TEXT holds a character that text_escape writes as \uHHHH or \UHHHHHHHH. */
bool text_has_unseen(const char *text);

/* Removes a character at the end of TEXT whose last bytes are missing. */
void text_trim_partial(char *text);

/*
 * Copies TEXT to OUT, which holds SIZE bytes, with control characters and invalid UTF-8 as \n, \t, \r or
 * \xHH, and with characters that hide, or that reorder what is beside them, as \uHHHH or \UHHHHHHHH: those of
 * Unicode's category Cf that are not seen, and the two separators of lines. What does not fit is cut between
 * characters. Returns the length of OUT.
 */
size_t text_escape(char *out, size_t size, const char *text);

/*
 * Copies TEXT to OUT, which holds SIZE bytes. What does not fit is cut between two characters. Returns the
 * length of OUT; SIZE 0 writes nothing.
 */
size_t text_copy(char *out, size_t size, const char *text);

/* The value of hexadecimal digit C in either case, or -1. */
int text_hex_digit(char c);

/* Bytes of the longest text that text_edit_distance compares. */
#define TEXT_DISTANCE_BYTES_MAX 255

/*
 * How many bytes are added, left out, replaced or swapped with their neighbour between A and B (the optimal
 * string alignment distance). SIZE_MAX if either is longer than TEXT_DISTANCE_BYTES_MAX.
 */
size_t text_edit_distance(const char *a, const char *b);

#endif
