/* SPDX-License-Identifier: MIT */
/*
 * The proxy of the control socket: accepts clients and passes their bytes on to NNG, which listens on a
 * socket of its own behind it (control_proxy.c says why). Supervisor's main thread only.
 */
#ifndef SUPERVISOR_CONTROL_CONTROL_PROXY_H
#define SUPERVISOR_CONTROL_CONTROL_PROXY_H

#include <systemd/sd-event.h>

struct control_proxy;

/* The protocol of the clients that are accepted: its number in the handshake of the Scalability Protocols. */
enum control_proxy_protocol { CONTROL_PROXY_REQUEST = 0x30, CONTROL_PROXY_SUBSCRIBE = 0x21 };

/*
 * Listens at PATH (mode 0600; nothing may be there). Clients of root and of our own user that speak PROTOCOL
 * are connected to the socket at INNER_PATH. 0 or negative errno.
 */
int control_proxy_open(sd_event *event, const char *path, const char *inner_path,
                       enum control_proxy_protocol protocol, struct control_proxy **proxy);

/* Passes on what has been received, and closes all connections. PATH stays. NULL is allowed. */
void control_proxy_close(struct control_proxy *proxy);

#endif
