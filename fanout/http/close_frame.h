/* SPDX-License-Identifier: MIT */
/*
 * What a viewer's close frame may contain (RFC 6455, 5.5.1 and 7.4), where libwebsockets does not look. Pure
 * functions.
 */
#ifndef FANOUT_HTTP_CLOSE_FRAME_H
#define FANOUT_HTTP_CLOSE_FRAME_H

#include <stddef.h>
#include <stdint.h>

/*
 * Checks PAYLOAD, LENGTH bytes. 0, or the code to close with for what is wrong; *REASON is then a static
 * text.
 */
uint16_t close_frame_check(const void *payload, size_t length, const char **reason);

#endif
