/* SPDX-License-Identifier: MIT */
/*
 * Pieces of URLs (RFC 3986): percent codes and port numbers. Pure functions without allocation: any process,
 * any thread.
 */
#ifndef COMMON_BASE_URL_H
#define COMMON_BASE_URL_H

#include <stddef.h>

/* The characters beside letters and digits that are never percent-encoded (RFC 3986, section 2.3). */
#define URL_UNRESERVED "-._~"

/* Bytes that url_encode needs at most for one byte of text ("%HH"). */
#define URL_ENCODE_MAX 3

/*
 * Decodes the percent codes of TEXT in place. A '%' that begins no valid code stands for itself, and so does
 * "%00", which cannot be part of a C string. Returns the number of codes that were decoded.
 */
size_t url_decode(char *text);

/*
 * Copies LENGTH bytes of TEXT to OUT, which holds SIZE bytes; whatever is neither an ASCII letter, nor a
 * digit, nor in KEEP becomes "%HH". Returns the length of OUT, or -ENAMETOOLONG if it does not fit with its
 * NUL; OUT is then the empty string.
 */
int url_encode(char *out, size_t size, const char *text, size_t length, const char *keep);

/* The decimal port number that LENGTH bytes of TEXT are, 0 to 65535, or -1 if they are not a port number. */
int url_port(const char *text, size_t length);

#endif
