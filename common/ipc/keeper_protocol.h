/* Names in the run-time directory that several parts use. */
#ifndef COMMON_IPC_KEEPER_PROTOCOL_H
#define COMMON_IPC_KEEPER_PROTOCOL_H

/* As children of ringcastd, in the log and in the keeper's entries. */
#define KEEPER_NAME "keeper"
#define TEMPLATE_NAME "template"

/* Where a next ringcastd finds the keeper. */
#define KEEPER_SOCKET_NAME "keeper.sock"

/* Every socket that ringcastd and the keeper make there. */
#define KEEPER_SOCKET_NAMES "control.sock", "control.nng", "events.sock", "events.nng", KEEPER_SOCKET_NAME

#endif
