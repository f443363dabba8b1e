/* SPDX-License-Identifier: MIT */
#include "common/cluster/subject.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/url.h"

/* What a token of a subject holds beside letters and digits. */
#define TOKEN_KEEP "-_"
#define TOKEN_SIZE (SUBJECT_STREAM_MAX * URL_ENCODE_MAX + 1)

static_assert(sizeof("ringcast...take..18446744073709551615") + 2 * SUBJECT_NODE_MAX + TOKEN_SIZE <=
                  SUBJECT_SIZE,
              "every subject has room");

/* "": the name is longer than any stream's; the subject then ends in an empty token, which NATS refuses. */
static void write_token(char token[TOKEN_SIZE], const char *name)
{
    url_encode(token, TOKEN_SIZE, name, strlen(name), TOKEN_KEEP);
}

static void write_subject(char subject[SUBJECT_SIZE], const struct subject_stream *stream, const char *what)
{
    char token[TOKEN_SIZE];

    write_token(token, stream->stream);
    snprintf(subject, SUBJECT_SIZE, "ringcast.%.*s.%.*s.%s.%s", SUBJECT_NODE_MAX, stream->cluster,
             SUBJECT_NODE_MAX, stream->node, what, token);
}

void subject_live(char subject[SUBJECT_SIZE], const struct subject_stream *stream)
{
    write_subject(subject, stream, "live");
}

void subject_ask(char subject[SUBJECT_SIZE], const struct subject_stream *stream)
{
    write_subject(subject, stream, "ask");
}

void subject_take(char subject[SUBJECT_SIZE], const struct subject_stream *stream, uint64_t number)
{
    write_subject(subject, stream, "take");
    size_t length = strlen(subject);
    snprintf(subject + length, SUBJECT_SIZE - length, ".%" PRIu64, number);
}

void subject_all_asks(char subject[SUBJECT_SIZE], const char *cluster, const char *node)
{
    snprintf(subject, SUBJECT_SIZE, "ringcast.%.*s.%.*s.ask.*", SUBJECT_NODE_MAX, cluster, SUBJECT_NODE_MAX,
             node);
}

void subject_inbox(char subject[SUBJECT_SIZE], const char *cluster, const char *node)
{
    snprintf(subject, SUBJECT_SIZE, "ringcast.%.*s.%.*s.inbox", SUBJECT_NODE_MAX, cluster, SUBJECT_NODE_MAX,
             node);
}

void subject_vote(char subject[SUBJECT_SIZE], const char *cluster, const char *node)
{
    snprintf(subject, SUBJECT_SIZE, "ringcast.%.*s.%.*s.vote", SUBJECT_NODE_MAX, cluster, SUBJECT_NODE_MAX,
             node);
}

void subject_bucket(char subject[SUBJECT_SIZE], const char *cluster)
{
    snprintf(subject, SUBJECT_SIZE, "ringcast-bucket.%s", cluster);
}

int subject_read_stream(const char *subject, char *name, size_t size)
{
    char text[TOKEN_SIZE], again[TOKEN_SIZE];
    const char *token = strrchr(subject, '.');

    token = token ? token + 1 : "";
    size_t length = strlen(token);
    if (length == 0 || length >= sizeof(text)) {
        return -EBADMSG;
    }
    memcpy(text, token, length + 1);
    url_decode(text);
    length = strlen(text);
    /* There is one way to write a name, so that no two subjects are of one stream. */
    if (length > SUBJECT_STREAM_MAX || length >= size) {
        return -EBADMSG;
    }
    write_token(again, text);
    if (strcmp(again, token) != 0) {
        return -EBADMSG;
    }
    memcpy(name, text, length + 1);
    return 0;
}

static bool is_node(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
              c == '_')) {
            return false;
        }
    }
    return length > 0 && length <= SUBJECT_NODE_MAX;
}

int subject_check_node(const char *name)
{
    return is_node(name, strlen(name)) ? 0 : -EBADMSG;
}

/* --- Asking --------------------------------------------------------------------------------------------- */

size_t ask_write(uint8_t message[ASK_SIZE], const struct ask *ask)
{
    size_t length = strnlen(ask->node, SUBJECT_NODE_MAX);

    message[0] = (uint8_t)ask->kind;
    memcpy(message + 1, ask->node, length);
    return 1 + length;
}

int ask_read(struct ask *ask, const uint8_t *message, size_t length)
{
    if (length < 2 || length > ASK_SIZE || message[0] < ASK_LIVE || message[0] > ASK_ECHO ||
        !is_node((const char *)message + 1, length - 1)) {
        return -EBADMSG;
    }
    *ask = (struct ask){.kind = message[0]};
    memcpy(ask->node, message + 1, length - 1);
    return 0;
}
