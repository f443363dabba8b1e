/*
 * The admin plane over HTTP: /metrics, /healthz, /readyz. It can look and nothing else: what it knows comes
 * from ringcastd over its channel, one status for everybody who asks at the same time. One thread.
 */
#ifndef EXPORTER_SERVER_H
#define EXPORTER_SERVER_H

struct server;

/*
 * Serves LISTENER (which becomes the server's) with what CHANNEL (which stays the caller's) says.
 * 0 or negative errno.
 */
int server_create(int channel, int listener, struct server **server);
void server_destroy(struct server *server);

/* Until the channel ends or says `stop`. 0 or negative errno. */
int server_run(struct server *server);

#endif
