/* SPDX-License-Identifier: MIT */
/*
 * One camera of the test server: a shared media factory (one encoder however many clients, none without a
 * client) at a mount point, and the faults it can be told to show. All functions belong to the main loop's
 * thread.
 */
#ifndef TESTS_CAMERA_CAMERA_H
#define TESTS_CAMERA_CAMERA_H

#include <stdbool.h>
#include <stdint.h>

#include <gst/rtsp-server/rtsp-server.h>

#include "tests/camera/options.h"

/* The role that a client needs when the server asks for a password. */
#define CAMERA_ROLE "viewer"

struct camera;

/*
 * Mounts the camera on SERVER; AUTH: clients must have CAMERA_ROLE. INDEX counts from 0. NULL: out of memory.
 */
struct camera *camera_create(GstRTSPServer *server, const struct camera_options *options, unsigned int index,
                             bool auth);

/* How packets may go: enum camera_protocol. */
void camera_set_protocols(struct camera *camera, int protocols);

/* Unmounts it. NULL is allowed. */
void camera_destroy(struct camera *camera);

const char *camera_name(const struct camera *camera);

/* "/cam1": where it is mounted; the name if a URL can hold it, else its number. */
const char *camera_path(const struct camera *camera);

/* Mounted or not: an unmounted one is answered with 404. */
void camera_set_mounted(struct camera *camera, bool mounted);

/* A paused camera keeps its connections and sends no frame. */
void camera_set_paused(struct camera *camera, bool paused);

/* Frames that it has given to its encoder since it was created. */
uint64_t camera_frames(const struct camera *camera);

/* Pictures of another size, in flight and with the same connections; the next run begins with the old size
 * again. */
void camera_set_size(struct camera *camera, int width, int height);

/* Makes the next frame a keyframe. */
void camera_force_keyframe(struct camera *camera);

#endif
