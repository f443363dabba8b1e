/* SPDX-License-Identifier: MIT */
/*
 * Commands on standard input, one a line: "drop NAME", "pause NAME", "resume NAME", "off NAME", "on NAME",
 * "keyframe NAME", "clients NAME", "size=WxH NAME". Each is answered with one line of JSON on standard
 * output:
 * {"ok":true,"clients":N,"frames":M} or {"ok":false,"error":"…"}. Main loop's thread.
 */
#ifndef TESTS_CAMERA_COMMANDS_H
#define TESTS_CAMERA_COMMANDS_H

#include <gst/rtsp-server/rtsp-server.h>

#include "tests/camera/camera.h"

struct commands;

/* Listens on standard input until its end or commands_destroy. CAMERAS stays the caller's. NULL: out of
 * memory. */
struct commands *commands_create(GstRTSPServer *server, struct camera **cameras, size_t camera_count);

/* NULL is allowed. */
void commands_destroy(struct commands *commands);

#endif
