/* SPDX-License-Identifier: MIT */
/*
 * A part of a camera's past as a file (docs/reference/clip.md): the request. What is sent is a guest's affair (feed/guest.h), which
 * looks back (feed/past.h). ringcast-fanout's only thread.
 */
#ifndef FANOUT_CLIP_ROUTES_H
#define FANOUT_CLIP_ROUTES_H

#include "fanout/visit.h"

#define CLIP_ROUTES_PREFIX "/clip/"

/* `/clip/NAME.mp4`. */
int clip_routes_answer(const struct visit *visit);

#endif
