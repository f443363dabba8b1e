/* SPDX-License-Identifier: MIT */
/*
 * GStreamer with the few plugins that are needed, and no registry: nothing is searched for, and nothing is written into a home directory. Main
 * thread, before the sandbox is entered and before there are other threads.
 */
#ifndef RTSP_MEDIA_PLUGINS_H
#define RTSP_MEDIA_PLUGINS_H

#include <stdbool.h>

/* False: a plugin is missing; which one, and its package, is logged. */
bool plugins_load(void);

#endif
