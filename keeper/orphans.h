/*
 * The end of the lease: no ringcastd has come for what the keeper keeps, so it ends every process and removes
 * every ring and socket, as a ringcastd that is told to end would. ringcast-keeper's only thread.
 */
#ifndef KEEPER_ORPHANS_H
#define KEEPER_ORPHANS_H

#include "keeper/fd_store.h"

/* 0; -EBUSY: a ringcastd has the run-time directory DIRECTORY after all, and nothing was touched; other
 * negative errno. */
int estate_clear(struct store *store, const char *directory);

#endif
