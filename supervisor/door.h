/*
 * The door of the control socket: lets clients in one by one and passes their bytes on to NNG, which listens
 * on a socket of its own behind it (door.c says why). Supervisor's main thread only.
 */
#ifndef DOOR_H
#define DOOR_H

#include <systemd/sd-event.h>

struct door;

/*
 * Listens at PATH (mode 0600; nothing may be there) and connects whoever is root or our own user, and has
 * greeted as an NNG requester does, with the socket at INNER_PATH. 0 or negative errno.
 */
int door_open(sd_event *event, const char *path, const char *inner_path, struct door **door);

/* Passes on what is there to be passed on, and closes all connections. PATH stays. NULL is allowed. */
void door_close(struct door *door);

#endif
