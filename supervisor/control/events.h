/* SPDX-License-Identifier: MIT */
/*
 * Events for subscribers (docs/reference/control.md, "Events"): an NNG PUB socket behind a proxy, like the
 * control socket. Publishing never waits: a subscriber that does not keep up loses events. Supervisor's main
 * thread only.
 */
#ifndef SUPERVISOR_CONTROL_EVENTS_H
#define SUPERVISOR_CONTROL_EVENTS_H

#include <jansson.h>
#include <systemd/sd-event.h>

/* Names in the run-time directory: of the socket, and of NNG's own behind the proxy. */
#define EVENTS_SOCKET_NAME "events.sock"
#define EVENTS_INNER_NAME "events.nng"

struct events;

/* Listens at DIRECTORY/events.sock (mode 0600). No old socket may be there. 0 or negative errno, logged. */
int events_create(sd_event *event, const char *directory, struct events **events);

/* As control_destroy. NULL is allowed. */
void events_destroy(struct events *events);

/* Publishes an event of KIND with MEMBERS (consumed). EVENTS may be NULL, before there can be subscribers. */
void events_publish(struct events *events, const char *kind, json_t *members);

#endif
