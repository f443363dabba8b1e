/* SPDX-License-Identifier: MIT */
/*
 * What ringcastd and ringcast-keeper must agree on, beside the messages themselves (docs/reference/control.md):
 * names in the run-time directory, the kinds of entries that the keeper holds, and the order of an entry's
 * descriptors. ringcastd writes the entries; the keeper looks into them only when their lease is over. An
 * installed keeper outlives ringcastd, so places may be added at the end and never move.
 */
#ifndef COMMON_IPC_KEEPER_PROTOCOL_H
#define COMMON_IPC_KEEPER_PROTOCOL_H

/* Children of ringcastd, as the log and the entries of kind KEEPER_KIND_PROCESS call them. */
#define KEEPER_NAME "keeper"
#define FORK_SERVER_NAME "fork server"

/* Where a next ringcastd finds the keeper. */
#define KEEPER_SOCKET_NAME "keeper.sock"

/* Every socket that ringcastd and the keeper make in the run-time directory. */
#define KEEPER_SOCKET_NAMES "control.sock", "control.nng", "events.sock", "events.nng", KEEPER_SOCKET_NAME

/* Kinds of entries. */
#define KEEPER_KIND_CAMERA "camera"
#define KEEPER_KIND_RING "ring"
#define KEEPER_KIND_PROCESS "process"
#define KEEPER_KIND_LISTENER "listener"
#define KEEPER_KIND_PLACE "place"

/* Places in the descriptors of a process; without a pidfd there are two. */
enum keeper_process_fd {
    KEEPER_PROCESS_CHANNEL,
    KEEPER_PROCESS_BLACKBOX,
    KEEPER_PROCESS_PIDFD,
    KEEPER_PROCESS_FDS
};

/* Places in the descriptors of a ring; without another ring on offer there are two. */
enum keeper_ring_fd {
    KEEPER_RING_WRITER,
    KEEPER_RING_READER,
    KEEPER_RING_NEXT_WRITER,
    KEEPER_RING_NEXT_READER,
    KEEPER_RING_FDS
};

/* Member of a ring's body: the name of its shared-memory object. */
#define KEEPER_RING_NAME "ring"

#endif
