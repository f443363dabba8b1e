/*
 * Follows a camera's live fragments in its ring, from the newest keyframe on: keeps an on-demand camera
 * awake, waits while there is no picture, opens the ring anew when it has moved. What ringcastd does
 * meanwhile does not matter: a ring outlives it. One thread.
 */
#ifndef CTL_FOLLOW_H
#define CTL_FOLLOW_H

#include "common/ring/ringcast.h"
#include <stdbool.h>

#include "ctl/client.h"
#include "ctl/options.h"

struct follow_handlers {
    /* A generation whose init segment (`ftyp` + `moov`) differs from the one before. False: enough. */
    bool (*init)(void *context, const uint8_t *data, size_t size);
    /* A fragment of it. It may be changed in place. False: enough. */
    bool (*fragment)(void *context, uint8_t *data, size_t size, const ringcast_entry *entry,
                     const ringcast_generation *generation);
    /* Some time has passed. False: enough. May be NULL. */
    bool (*idle)(void *context);
    void *context;
};

/*
 * Until a handler has enough or a signal comes (SIGINT, SIGTERM). EXIT_CODE_TIMEOUT: no fragment for
 * TIMEOUT seconds (0: any time is right); others as the first request for the camera.
 */
enum exit_code follow_camera(const char *url, const struct options *options, const char *camera,
                             double timeout, const struct follow_handlers *handlers);

#endif
