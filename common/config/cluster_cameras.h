/* SPDX-License-Identifier: MIT */
/*
 * The cameras of a whole cluster as one document, which lies in the cluster's bucket (docs/reference/cluster.md, "The cameras of all nodes"): a text of
 * two lines. The first, the head, says in the clear what every node needs, also one without the key: version, who and when, and of each camera its
 * name, its nodes and how it is shown. The second holds all that is needed to fetch cameras: addresses, user names, passwords. It is sealed
 * (AES-256-GCM, NIST SP 800-38D, with a random nonce), with the head as associated data, so who has no key can neither read it nor change a byte of
 * either line unnoticed. Pure functions; any process, any thread.
 */
#ifndef COMMON_CONFIG_CLUSTER_CAMERAS_H
#define COMMON_CONFIG_CLUSTER_CAMERAS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the key. */
#define CLUSTER_KEY_SIZE 32

/* Bytes of the longest text: a server of NATS takes messages of up to 1 MiB unless it is told otherwise. */
#define CLUSTER_CAMERAS_MAX 983040u

/* Bytes of the longest name of who has applied it. */
#define CLUSTER_BY_MAX 64

/* Where a node without the key would fetch a camera, which it does not: no name ends in .invalid (RFC 6761, section 6.4). */
#define CLUSTER_CAMERAS_NO_URL "rtsp://sealed.invalid/"

struct cluster_cameras {
    json_int_t version; /* from 1 on */
    json_int_t time;    /* when it was applied, seconds since 1970 by that node's clock */
    char *by;           /* who has applied it: a user's name */
    char *node;         /* at which node */
    json_t *cameras;    /* an object: name -> settings as in the configuration, `name` left out; in order */
    size_t left_out;    /* cameras that only this node may fetch, which it cannot without the key */
};

/* Reads a key as it is in its file: 64 hexadecimal digits, with blanks around them. 0 or -EBADMSG. */
int cluster_cameras_read_key(uint8_t key[CLUSTER_KEY_SIZE], const char *text);

/*
 * Writes DOCUMENT of CLUSTER to *TEXT, which the caller frees. 0; -EMSGSIZE: more than CLUSTER_CAMERAS_MAX; -ENOMEM; -EIO: no random numbers.
 */
int cluster_cameras_seal(const struct cluster_cameras *document, const char *cluster,
                         const uint8_t key[CLUSTER_KEY_SIZE], char **text);

/*
 * Reads the LENGTH bytes TEXT of CLUSTER into *DOCUMENT, which is to be given to cluster_cameras_finish. KEY NULL: this NODE has none; cameras then
 * have CLUSTER_CAMERAS_NO_URL, this node is not among the nodes that may fetch them, and nothing vouches for the head. 0; -EBADMSG: it is no such
 * document of this cluster; -EKEYREJECTED: it was sealed with another key, or changed afterwards; -ENOMEM.
 */
int cluster_cameras_open(struct cluster_cameras *document, const char *text, size_t length,
                         const char *cluster, const char *node, const uint8_t *key);

/* Frees what DOCUMENT holds. A zeroed one is allowed. */
void cluster_cameras_finish(struct cluster_cameras *document);

/* {"added":[…],"removed":[…],"changed":[…],"unchanged":N}: how the cameras AFTER differ from BEFORE; NULL is none. A new reference. */
json_t *cluster_cameras_difference(const json_t *before, const json_t *after);

#endif
