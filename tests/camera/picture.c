/* SPDX-License-Identifier: MIT */
#include "tests/camera/picture.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/camera/font.h"

#define NS_PER_MS 1000000
#define NS_PER_S 1000000000

/* Luma of text and of its shadow (ITU-R BT.601, limited range: 16 to 235). */
#define LUMA_TEXT 235
#define LUMA_SHADOW 24

/* The largest sizes that keep the texts within the frame: parts of the width and height. */
#define CLOCK_CHARACTERS 14
#define NAME_CHARACTERS_MIN 22
#define FRAME_TEXT_SIZE 48

struct picture {
    int width, height;
    int noise_lines;
    int clock_scale, name_scale; /* screen pixels per pixel of the font */
    uint8_t *background;         /* I420 without padding */
};

/* Chroma of each camera: Cb and Cr. */
static const uint8_t colours[][2] = {{150, 90}, {110, 100}, {100, 165}, {160, 140},
                                     {120, 80}, {90, 130},  {140, 160}, {175, 110}};

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

static void fill(const struct picture *picture, uint8_t *luma, int stride, int x, int y, int width,
                 int height, uint8_t value)
{
    int left = clamp(x, 0, picture->width);
    int right = clamp(x + width, 0, picture->width);

    for (int line = clamp(y, 0, picture->height); line < clamp(y + height, 0, picture->height); line++) {
        memset(luma + (size_t)line * (size_t)stride + left, value, (size_t)(right - left));
    }
}

static void draw_glyph(const struct picture *picture, uint8_t *luma, int stride, int x, int y, int scale,
                       unsigned char character, uint8_t value)
{
    const uint8_t *glyph = font_glyph(character);

    for (int row = 0; row < FONT_HEIGHT; row++) {
        for (int column = 0; column < FONT_WIDTH; column++) {
            if (glyph[row] & (1 << (FONT_WIDTH - 1 - column))) {
                fill(picture, luma, stride, x + column * scale, y + row * scale, scale, scale, value);
            }
        }
    }
}

/* Bytes that continue a UTF-8 sequence are left out: one box per character that the font does not have. */
static void draw_text(const struct picture *picture, uint8_t *luma, int stride, int x, int y, int scale,
                      const char *text)
{
    int shadow = scale > 2 ? scale / 2 : 1;

    for (const char *at = text; *at != '\0'; at++) {
        unsigned char character = (unsigned char)*at;
        if ((character & 0xc0) == 0x80) {
            continue;
        }
        draw_glyph(picture, luma, stride, x + shadow, y + shadow, scale, character, LUMA_SHADOW);
        draw_glyph(picture, luma, stride, x, y, scale, character, LUMA_TEXT);
        x += FONT_ADVANCE * scale;
    }
}

static size_t luma_size(const struct picture *picture)
{
    return (size_t)picture->width * (size_t)picture->height;
}

static void draw_background(struct picture *picture, const char *name, unsigned int index)
{
    size_t size = luma_size(picture);
    const uint8_t *colour = colours[index % (sizeof colours / sizeof colours[0])];

    for (int line = 0; line < picture->height; line++) {
        memset(picture->background + (size_t)line * (size_t)picture->width, 112 - 64 * line / picture->height,
               (size_t)picture->width);
    }
    memset(picture->background + size, colour[0], size / 4);
    memset(picture->background + size + size / 4, colour[1], size / 4);
    draw_text(picture, picture->background, picture->width, picture->name_scale * 4, picture->name_scale * 4,
              picture->name_scale, name);
}

struct picture *picture_create(int width, int height, const char *name, unsigned int index)
{
    struct picture *picture = calloc(1, sizeof *picture);
    int characters = (int)strlen(name) + 2;

    if (picture == NULL) {
        return NULL;
    }
    if (characters < NAME_CHARACTERS_MIN) {
        characters = NAME_CHARACTERS_MIN;
    }
    picture->width = width;
    picture->height = height;
    picture->clock_scale = clamp(width / (CLOCK_CHARACTERS * FONT_ADVANCE), 1, height / (4 * FONT_HEIGHT));
    picture->name_scale = clamp(width / (characters * FONT_ADVANCE), 1, height / (8 * FONT_HEIGHT));
    picture->background = malloc(luma_size(picture) * 3 / 2);
    if (picture->background == NULL) {
        free(picture);
        return NULL;
    }
    draw_background(picture, name, index);
    return picture;
}

void picture_set_noise(struct picture *picture, int percent)
{
    picture->noise_lines = picture->height * percent / 100;
}

void picture_destroy(struct picture *picture)
{
    if (picture == NULL) {
        return;
    }
    free(picture->background);
    free(picture);
}

static void copy_plane(uint8_t *to, int stride, const uint8_t *from, int width, int height)
{
    for (int line = 0; line < height; line++) {
        memcpy(to + (size_t)line * (size_t)stride, from + (size_t)line * (size_t)width, (size_t)width);
    }
}

static void copy_background(const struct picture *picture, const struct picture_planes *planes)
{
    int width = picture->width, height = picture->height;
    size_t size = luma_size(picture);

    copy_plane(planes->data[0], planes->stride[0], picture->background, width, height);
    copy_plane(planes->data[1], planes->stride[1], picture->background + size, width / 2, height / 2);
    copy_plane(planes->data[2], planes->stride[2], picture->background + size + size / 4, width / 2,
               height / 2);
}

static void draw_clock(const struct picture *picture, const struct picture_planes *planes, int64_t wall_ns)
{
    time_t seconds = (time_t)(wall_ns / NS_PER_S);
    int milliseconds = (int)(wall_ns % NS_PER_S / NS_PER_MS);
    int scale = picture->clock_scale;
    struct tm local;
    char text[FRAME_TEXT_SIZE];

    localtime_r(&seconds, &local);
    snprintf(text, sizeof text, "%02d:%02d:%02d.%03d", local.tm_hour, local.tm_min, local.tm_sec,
             milliseconds);
    draw_text(picture, planes->data[0], planes->stride[0],
              (picture->width - (int)strlen(text) * FONT_ADVANCE * scale) / 2,
              (picture->height - FONT_HEIGHT * scale) / 2, scale, text);
}

/* xorshift (Marsaglia 2003), from another state for each frame; within the limits of luma. */
static void draw_noise(const struct picture *picture, uint8_t *luma, int stride, uint64_t frame)
{
    uint64_t state = (frame + 1) * UINT64_C(0x9e3779b97f4a7c15);

    for (int line = picture->height - picture->noise_lines; line < picture->height; line++) {
        for (int x = 0; x < picture->width; x++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            luma[(size_t)line * (size_t)stride + (size_t)x] = (uint8_t)(16 + (state >> 32) % 220);
        }
    }
}

void picture_draw(const struct picture *picture, const struct picture_planes *planes, uint64_t frame, int fps,
                  int64_t wall_ns)
{
    int bar = picture->width / 16 + 1;
    int unit = picture->height / 24 + 1;
    int travel = picture->width - bar;
    int step = (int)(frame % (uint64_t)(2 * fps));
    int forth = step < fps ? step : 2 * fps - step;
    char text[FRAME_TEXT_SIZE];

    copy_background(picture, planes);
    draw_noise(picture, planes->data[0], planes->stride[0], frame);
    draw_clock(picture, planes, wall_ns);
    snprintf(text, sizeof text, "#%" PRIu64, frame);
    draw_text(picture, planes->data[0], planes->stride[0], picture->name_scale * 4,
              picture->height - unit * 3 - picture->name_scale * FONT_HEIGHT, picture->name_scale, text);
    fill(picture, planes->data[0], planes->stride[0], travel * forth / fps, picture->height - unit * 2, bar,
         unit, LUMA_TEXT);
}
