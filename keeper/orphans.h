/*
 * The end of the lease: no ringcastd has come for what the keeper holds, so the keeper ends every process and
 * removes every ring and socket, as ringcastd does when it is told to end. ringcast-keeper's only thread.
 */
#ifndef KEEPER_ORPHANS_H
#define KEEPER_ORPHANS_H

#include "keeper/kept.h"

/*
 * Ends and removes what ENTRIES hold, and the sockets in the run-time directory DIRECTORY. 0; -EBUSY: a
 * ringcastd has taken that directory, and nothing was touched; another negative errno: the directory cannot
 * be opened, and all but the sockets was ended and removed.
 */
int orphans_end(struct kept_entries *entries, const char *directory);

#endif
