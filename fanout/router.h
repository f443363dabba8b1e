/*
 * What each path answers: the one place where a path meets a file, the list of cameras or a stream.
 * ringcast-fanout's only thread.
 */
#ifndef FANOUT_ROUTER_H
#define FANOUT_ROUTER_H

#include <libwebsockets.h>

struct server;

/* Answers a whole request, in LWS_CALLBACK_HTTP; returns what the callback returns. */
int router_answer(struct server *server, struct lws *wsi);

/*
 * Lets a viewer in or refuses it, in LWS_CALLBACK_HTTP_CONFIRM_UPGRADE; returns what the callback returns.
 * The stream is then the connection's opaque user data: it is taken up before the stack unwinds, so that it
 * cannot dangle.
 */
int router_upgrade(struct server *server, struct lws *wsi);

#endif
