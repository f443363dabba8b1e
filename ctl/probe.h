/* SPDX-License-Identifier: MIT */
/*
 * The handshake of the Scalability Protocols over a Unix-domain socket (sp-ipc-mapping-01: each side sends 00
 * 'S' 'P' 00, its protocol's number in two bytes, 00 00). NNG makes it by itself; ringcastctl makes it once
 * before, because NNG 1.5 gives up on a silent listener only after 10 s and may then panic while it takes the
 * connection down. One thread.
 */
#ifndef CTL_PROBE_H
#define CTL_PROBE_H

/* What the caller is; the other side is expected to be its replier or its publisher. */
enum probe_role { PROBE_REQUESTER, PROBE_SUBSCRIBER };

/*
 * Connects to the socket at PATH, makes the handshake and hangs up.
 * 0; -ENOENT, -ECONNREFUSED, -EACCES: as for connect(2); -ENAMETOOLONG: PATH does not fit into an address;
 * -ETIMEDOUT: no handshake within TIMEOUT_MS milliseconds; -EPROTO: the other side speaks another protocol;
 * -ECONNRESET: it hung up.
 */
int probe_socket(const char *path, enum probe_role role, int timeout_ms);

#endif
