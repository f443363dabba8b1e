/* SPDX-License-Identifier: MIT */
/*
 * Follows a camera's live fragments in its ring, from the newest keyframe on: keeps an on-demand camera
 * awake, waits while there is no picture, and opens the ring again when it has been replaced. It goes on
 * while ringcastd is restarted, because the ring outlives ringcastd. One thread.
 */
#ifndef CTL_FOLLOW_H
#define CTL_FOLLOW_H

#include "common/ring/ringcast.h"
#include <stdbool.h>

#include "ctl/client.h"
#include "ctl/options.h"

/* What is called with the fragments. A handler that returns false ends the following. */
struct follow_handlers {
    /* A generation has begun whose init segment (`ftyp` + `moov`) differs from the one before. */
    bool (*init)(void *context, const uint8_t *data, size_t size);
    /* A fragment of that generation. The handler may change it in place. */
    bool (*fragment)(void *context, uint8_t *data, size_t size, const ringcast_entry *entry,
                     const ringcast_generation *generation);
    void *context;
};

/*
 * Follows CAMERA until a handler returns false or a signal comes (SIGINT, SIGTERM): EXIT_CODE_OK.
 * EXIT_CODE_TIMEOUT: no fragment for TIMEOUT seconds (0: without limit). Other codes are those of the first
 * request for the camera.
 */
enum exit_code follow_camera(const char *url, const struct options *options, const char *camera,
                             double timeout, const struct follow_handlers *handlers);

#endif
