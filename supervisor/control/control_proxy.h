/*
 * The door of the control socket: lets clients in one by one and passes their bytes on to NNG, which listens
 * on a socket of its own behind it (control_proxy.c says why). Supervisor's main thread only.
 */
#ifndef SUPERVISOR_CONTROL_CONTROL_PROXY_H
#define SUPERVISOR_CONTROL_CONTROL_PROXY_H

#include <systemd/sd-event.h>

struct door;

/* Who may come in, by the SP protocol that it greets with. */
enum door_guests { DOOR_REQUESTERS = 0x30, DOOR_SUBSCRIBERS = 0x21 };

/*
 * Listens at PATH (mode 0600; nothing may be there) and connects whoever is root or our own user, and has
 * greeted as GUESTS do, with the socket at INNER_PATH. 0 or negative errno.
 */
int door_open(sd_event *event, const char *path, const char *inner_path, enum door_guests guests,
              struct door **door);

/* Passes on what is there to be passed on, and closes all connections. PATH stays. NULL is allowed. */
void door_close(struct door *door);

#endif
