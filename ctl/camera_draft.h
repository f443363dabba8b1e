/* SPDX-License-Identifier: MIT */
/*
 * From the profiles of devices that were found (discovery.h) to cameras for the configuration: which stream is the main one, which one its
 * sub stream, and what the camera is called. Pure functions but for what they print. One thread.
 */
#ifndef CTL_CAMERA_DRAFT_H
#define CTL_CAMERA_DRAFT_H

#include <jansson.h>
#include <stdio.h>

/*
 * A new array of cameras: objects with `name` (unique among them), `device` (its address), `index` (of the device), `main` and `sub` (the profiles; sub may be null). A
 * device has one camera for each of its pictures (video sources), of the profiles with H.264 or H.265.
 */
json_t *camera_draft(const json_t *devices);

/*
 * Prints CAMERAS as the setting `cameras` of a configuration file, with what is known of DEVICES as comments. USERNAME and PASSWORD: for all,
 * or NULL.
 */
void camera_draft_print(const json_t *cameras, const json_t *devices, const char *username,
                        const char *password, FILE *out);

#endif
