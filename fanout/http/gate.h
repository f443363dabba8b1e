/*
 * The one place that decides what a request may have. Whoever wants something asks here and gets a permit or a
 * refusal. What sends content or joins a viewer takes a permit, and only gate.c can make one: a path that does
 * not ask does not compile. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_GATE_H
#define FANOUT_HTTP_GATE_H

#include <libwebsockets.h>
#include <stdbool.h>

/* What is asked for. Each one includes those before it. */
enum gate_right {
    GATE_PUBLIC,  /* what everybody may have: the player's files */
    GATE_VISITOR, /* what every visitor may have: the wall, the list of his cameras */
    GATE_CAMERA,  /* one camera */
};

enum gate_verdict {
    GATE_OPEN,   /* here is the permit */
    GATE_HIDDEN, /* answered as what does not exist: 404 */
    GATE_BUSY,   /* no memory: 503 */
};

/* That somebody may have something. Counted: a stream keeps its permit. */
struct permit;

struct gate {
    unsigned permits; /* how many there are */
};

/*
 * Asks for RIGHT on behalf of the request in WSI. CAMERA: its name, which may be that of no camera, for GATE_CAMERA;
 * otherwise NULL. With GATE_OPEN *PERMIT is a reference for the caller; otherwise it is NULL.
 */
enum gate_verdict gate_ask(struct gate *gate, struct lws *wsi, enum gate_right right, const char *camera,
                           struct permit **permit);

struct permit *permit_ref(struct permit *permit);

/* NULL is allowed. */
void permit_unref(struct permit *permit);

/* True if PERMIT, which may be NULL, is for RIGHT, and with GATE_CAMERA for that CAMERA. */
bool permit_covers(const struct permit *permit, enum gate_right right, const char *camera);

#endif
