/*
 * The NNG listener of the control socket, and the watch over it. NNG 1.5 stops accepting for good when a peer
 * hangs up before both sides have greeted each other: its own greeting then fails with EPIPE, which NNG takes
 * for the listener's own end (core/listener.c, listener_accept_cb, NNG_ECLOSED). It counts such an end in the
 * listener's statistics, so they are looked at once a second, and a listener that has ended is opened again.
 * Supervisor's main thread only.
 */
#ifndef CONTROL_LISTENER_H
#define CONTROL_LISTENER_H

#include <nng/nng.h>
#include <systemd/sd-event.h>

struct control_listener {
    nng_socket socket;
    nng_listener listener; /* id 0: not open */
    const char *url;
    sd_event *event;
    sd_event_source *timer;
};

/* Listens at URL, which must outlive the listener, with a socket of mode 0600. 0 or an NNG error. */
int control_listener_init(struct control_listener *listener, sd_event *event, nng_socket socket,
                          const char *url);

/* Stops watching. The listener itself is closed with its NNG socket. */
void control_listener_finish(struct control_listener *listener);

#endif
