/*
 * The proxy of the control socket: lets clients in one by one and passes their bytes on to NNG, which listens
 * on a socket of its own behind it (control_proxy.c says why). Supervisor's main thread only.
 */
#ifndef SUPERVISOR_CONTROL_CONTROL_PROXY_H
#define SUPERVISOR_CONTROL_CONTROL_PROXY_H

#include <systemd/sd-event.h>

struct control_proxy;

/* Who may come in, by the SP protocol that it greets with. */
enum control_proxy_protocol { CONTROL_PROXY_REQUEST = 0x30, CONTROL_PROXY_SUBSCRIBE = 0x21 };

/*
 * Listens at PATH (mode 0600; nothing may be there) and connects clients of root and of our own user that
 * greet with PROTOCOL to the socket at INNER_PATH. 0 or negative errno.
 */
int control_proxy_open(sd_event *event, const char *path, const char *inner_path,
                       enum control_proxy_protocol protocol, struct control_proxy **proxy);

/* Passes on what is there to be passed on, and closes all connections. PATH stays. NULL is allowed. */
void control_proxy_close(struct control_proxy *proxy);

#endif
