/* SPDX-License-Identifier: MIT */
/*
 * The end of the lease: no ringcastd has come for what the keeper holds, so the keeper ends every process and
 * removes every ring and socket, as ringcastd does when it stops. ringcast-keeper's only thread.
 */
#ifndef KEEPER_ORPHANS_H
#define KEEPER_ORPHANS_H

#include "keeper/kept.h"

/*
 * Ends the processes and removes the rings in ENTRIES, and removes the sockets in DIRECTORY, the run-time
 * directory. 0; -EBUSY: a ringcastd uses that directory, and nothing was changed; another negative errno: the
 * directory cannot be opened, and the sockets remain.
 */
int orphans_end(struct kept_entries *entries, const char *directory);

#endif
