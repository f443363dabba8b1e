/* SPDX-License-Identifier: MIT */
/*
 * Which connection has asked for which camera, so that one camera's connections can be closed. Main loop's
 * thread.
 */
#ifndef TESTS_CAMERA_CLIENTS_H
#define TESTS_CAMERA_CLIENTS_H

#include <gst/rtsp-server/rtsp-server.h>

/* Notes from now on what every client of SERVER asks for. */
void clients_watch(GstRTSPServer *server);

/* How many connections have asked for the camera at PATH; NULL: how many there are. */
int clients_count(GstRTSPServer *server, const char *path);

/* Closes those connections; PATH NULL: all. Returns how many. */
int clients_close(GstRTSPServer *server, const char *path);

#endif
