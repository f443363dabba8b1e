/* SPDX-License-Identifier: MIT */
/*
 * The text of a request's head (RFC 9112, sections 2 and 3) before libwebsockets has read it. What is found here only decides
 * what to look into early: what a request gets is decided by what libwebsockets reads. Pure functions.
 */
#ifndef FANOUT_HTTP_RAW_HEAD_H
#define FANOUT_HTTP_RAW_HEAD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Bytes of the head that TEXT begins with: empty lines before it, which do not count (section 2.2), its lines, and the empty
 * line at its end. Lines end in LF, with or without CR before it, as libwebsockets takes them. 0: the end is not there yet.
 */
size_t raw_head_length(const char *text, size_t length);

/* True if TEXT, with which a head begins, is "GET " or a beginning of that, after empty lines; there is one letter at least. */
bool raw_head_may_be_get(const char *text, size_t length);

/* True if a line of the whole head HEAD begins with a blank: it would go on the one before (RFC 9112, 5.2), or begin the head. */
bool raw_head_has_folds(const char *head, size_t length);

/* How many lines there are of the header NAME, whatever the case of its letters, in the whole head HEAD. */
unsigned raw_head_count(const char *head, size_t length, const char *name);

/*
 * The values of the header NAME without blanks around them, joined by SEPARATOR. malloc'ed; NULL: it is not there, or there is
 * no memory.
 */
char *raw_head_value(const char *head, size_t length, const char *name, const char *separator);

#endif
