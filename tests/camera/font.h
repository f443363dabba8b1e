/* SPDX-License-Identifier: MIT */
/*
 * A 5x7 pixel font for the test camera's picture: digits, capitals and marks. Read-only; any thread.
 */
#ifndef TESTS_CAMERA_FONT_H
#define TESTS_CAMERA_FONT_H

#include <stdint.h>

#define FONT_WIDTH 5
#define FONT_HEIGHT 7

/* Columns from one character to the next. */
#define FONT_ADVANCE 6

/* FONT_HEIGHT rows, top first; bit 4 is the left pixel. Small letters look like capitals, unknown ones like a
 * box. */
const uint8_t *font_glyph(unsigned char character);

#endif
