/*
 * Takes connections from the supervisor's listening socket, which several fan-outs may share. All that are
 * free wake for a connection, and one of them gets it. One that has more viewers than another stands back for
 * a moment first, and each does after it accepted, so that in a burst the next connection goes to another. A
 * process that is busy or hung takes none and holds none up for longer. ringcast-fanout's only thread.
 */
#ifndef FANOUT_LOOP_LISTENER_H
#define FANOUT_LOOP_LISTENER_H

#include <stdbool.h>

#include "common/ipc/load_board.h"
#include "fanout/loop/connections.h"
#include "fanout/loop/watch.h"

struct listener {
    struct watch watch;
    struct watch_timer retry; /* armed while it does not accept: standing back, or for want of descriptors */
    struct connections *connections; /* where what was accepted is counted */
    struct load_board *board; /* of all that accept from the socket; owned; NULL: it is this one's alone */
    size_t slot;              /* this process's */
    uint32_t load;            /* what is in it */
    bool standing_back;       /* before it accepts */
};

/* Others listen too, and SLOT of BOARD, which becomes the listener's, is this process's. */
void listener_share(struct listener *listener, struct load_board *board, size_t slot);

/* So many viewers are connected. */
void listener_set_load(struct listener *listener, unsigned viewers);

/*
 * Listens on SOCKET, which becomes the loop's. What is accepted is in CONNECTIONS, and has its record there as
 * libwebsockets' opaque user data. 0 or negative errno.
 */
int listener_begin(struct listener *listener, struct loop *loop, struct connections *connections, int socket);

void listener_end(struct listener *listener);

#endif
