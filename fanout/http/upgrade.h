/*
 * The door for viewers: which WebSocket upgrades are let in. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_UPGRADE_H
#define FANOUT_HTTP_UPGRADE_H

#include <libwebsockets.h>

struct server;

/*
 * In LWS_CALLBACK_HTTP_CONFIRM_UPGRADE. 0: let in, the camera is the connection's opaque user data; otherwise
 * what the callback returns: the request was answered, or the connection is to be dropped.
 */
int upgrade_decide(struct server *server, struct lws *wsi);

#endif
