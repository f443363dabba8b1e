/*
 * The greeting of the Scalability Protocols over a Unix-domain socket (sp-ipc-mapping-01: each side sends 00
 * 'S' 'P' 00, its protocol's number in two bytes, 00 00). NNG does it by itself; it is done once before NNG
 * connects because NNG 1.5 gives up on a silent listener only after 10 s, and may then panic while it takes
 * the connection down.
 */
#ifndef CTL_PROBE_H
#define CTL_PROBE_H

/* Who we are and who is expected there: a requester and its replier, a subscriber and its publisher. */
enum greet_role { GREET_REQUESTER, GREET_SUBSCRIBER };

/*
 * Connects to the socket at PATH, exchanges greetings and hangs up.
 * 0; -ENOENT, -ECONNREFUSED, -EACCES: as connect(2) says; -ETIMEDOUT: no greeting within TIMEOUT_MS
 * milliseconds; -EPROTO: somebody else than expected is there; -ECONNRESET: it hung up.
 */
int greet(const char *path, enum greet_role role, int timeout_ms);

#endif
