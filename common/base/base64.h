/* SPDX-License-Identifier: MIT */
/*
 * Base64 (RFC 4648, sections 4 and 5), strictly: nothing but the alphabet, padding as it must be, and no
 * bits that are not used. So there is one text for each content. Pure functions: any process, any thread.
 */
#ifndef COMMON_BASE_BASE64_H
#define COMMON_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Characters that base64_url_encode needs for SIZE bytes, without the NUL. */
#define BASE64_URL_LENGTH(size) (((size)*4 + 2) / 3)

/*
 * Decodes LENGTH characters of TEXT, with padding. The number of bytes in OUT, or -EBADMSG: no base64, or
 * more than SIZE bytes.
 */
int base64_decode(uint8_t *out, size_t size, const char *text, size_t length);

/* The same for base64url without padding. */
int base64_url_decode(uint8_t *out, size_t size, const char *text, size_t length);

/*
 * Writes SIZE bytes of DATA as base64url without padding and a NUL; OUT has room for BASE64_URL_LENGTH(SIZE)
 * + 1.
 */
void base64_url_encode(char *out, const uint8_t *data, size_t size);

#endif
