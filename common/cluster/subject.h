/* SPDX-License-Identifier: MIT */
/*
 * The subjects of a cluster on NATS. A stream, "front" or "front/sub", is one token of its subject: bytes other than letters, digits, '-' and
 * '_' are written as %XX, so that no name can reach into another's subject.
 *
 *   ringcast.CLUSTER.NODE.live.STREAM         what NODE sends of its stream STREAM to all that look: pieces (piece.h)
 *   ringcast.CLUSTER.NODE.ask.STREAM          what others ask NODE about its stream: struct ask
 *   ringcast.CLUSTER.NODE.take.STREAM.NUMBER  what others answer to NODE alone: pieces of the group of pictures so far
 *   ringcast.CLUSTER.NODE.inbox.…             what servers of NATS answer to NODE alone
 *   ringcast.CLUSTER.NODE.vote                what others ask NODE about leases, and answer it (relay/ballot.h)
 *   ringcast-bucket.CLUSTER.KEY               what has been written in the cluster's bucket, published by JetStream
 */
#ifndef COMMON_CLUSTER_SUBJECT_H
#define COMMON_CLUSTER_SUBJECT_H

#include <stddef.h>
#include <stdint.h>

/* Longest name of a cluster or node: letters, digits, '-' and '_'. */
#define SUBJECT_NODE_MAX 32

/* Longest name of a stream in bytes: "CAMERA/sub" (CONFIG_STREAM_NAME_MAX). */
#define SUBJECT_STREAM_MAX 68

/* Longest subject, with its NUL: each byte of a stream's name takes up to three. */
#define SUBJECT_SIZE 512

/* Where a stream is, and what it is called there. The caller has checked the names, and that none is too long. */
struct subject_stream {
    const char *cluster, *node, *stream;
};

void subject_live(char subject[SUBJECT_SIZE], const struct subject_stream *stream);
void subject_ask(char subject[SUBJECT_SIZE], const struct subject_stream *stream);

/* STREAM's node is the one that takes. */
void subject_take(char subject[SUBJECT_SIZE], const struct subject_stream *stream, uint64_t number);

/* "ringcast.CLUSTER.NODE.ask.*" */
void subject_all_asks(char subject[SUBJECT_SIZE], const char *cluster, const char *node);

/* "ringcast.CLUSTER.NODE.inbox": below it come the answers to what NODE asks the servers, which no other node may read. */
void subject_inbox(char subject[SUBJECT_SIZE], const char *cluster, const char *node);

/* "ringcast.CLUSTER.NODE.vote" */
void subject_vote(char subject[SUBJECT_SIZE], const char *cluster, const char *node);

/* "ringcast-bucket.CLUSTER": below it JetStream publishes each key of the bucket that has been written. */
void subject_bucket(char subject[SUBJECT_SIZE], const char *cluster);

/*
 * The stream in the last token of SUBJECT into NAME of SIZE bytes. 0; -EBADMSG: there is none, or it is too long, or not written as it would be
 * here: a stream has one subject only.
 */
int subject_read_stream(const char *subject, char *name, size_t size);

/* 0; -EBADMSG: NAME is not a name of a cluster or node. */
int subject_check_node(const char *name);

/* --- Asking --------------------------------------------------------------------------------------------- */

enum ask_kind {
    ASK_LIVE = 1, /* go on sending for a while: said once a second by who looks */
    ASK_JOIN =
        2, /* the same, and send the generation and the group of pictures so far to the reply subject */
    ASK_ECHO = 3, /* answer with PIECE_ECHO, after what was sent before */
};

/* One message: a byte of kind, and the name of the node that asks. */
struct ask {
    enum ask_kind kind;
    char node[SUBJECT_NODE_MAX + 1];
};

#define ASK_SIZE (1 + SUBJECT_NODE_MAX)

/* Returns the message's length in bytes. */
size_t ask_write(uint8_t message[ASK_SIZE], const struct ask *ask);

/* 0 or -EBADMSG. */
int ask_read(struct ask *ask, const uint8_t *message, size_t length);

#endif
