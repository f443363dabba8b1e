/* SPDX-License-Identifier: MIT */
/*
 * Ends the streams of viewers whose right to watch has ended: when it expires, and when ringcastd or a log-out has changed
 * who may watch. Viewers whose rights are as before notice nothing. ringcast-fanout's only thread.
 */
#ifndef FANOUT_VIEWER_RIGHTS_H
#define FANOUT_VIEWER_RIGHTS_H

#include <stdint.h>

#include "fanout/http/gate.h"
#include "fanout/loop/watch.h"
#include "fanout/stream.h"

struct viewer_rights {
    struct streams *streams;
    struct gate *gate;
    struct watch_timer timer; /* armed while the right of a viewer expires */
    int64_t due_s;            /* when it expires, Unix seconds; 0: it is not armed */
};

/* STREAMS and GATE must outlive RIGHTS. 0 or negative errno. */
int viewer_rights_begin(struct viewer_rights *rights, struct loop *loop, struct streams *streams,
                        struct gate *gate);
void viewer_rights_end(struct viewer_rights *rights);

/* A viewer with PERMIT has begun to watch. */
void viewer_rights_note(struct viewer_rights *rights, const struct permit *permit);

/* Closes every viewer whose permit holds no longer. Not from a viewer's own callback. */
void viewer_rights_check(struct viewer_rights *rights);

#endif
