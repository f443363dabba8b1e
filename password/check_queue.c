/* SPDX-License-Identifier: MIT */
#include "password/check_queue.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/secret.h"

/* Every so many turns are one of the lines that got something wrong. */
#define OTHERS_TURN 4

enum rank { RANK_KNOWN, RANK_FRESH, RANK_OTHERS, RANKS };

TAILQ_HEAD(check_list, check);

/* The checks of one address. It is there while it has any. */
struct line {
    TAILQ_ENTRY(line) next;
    struct guess_address address;
    struct check_list checks;
    size_t length;
    enum rank rank;
};

TAILQ_HEAD(line_list, line);

struct check_queue {
    struct line_list lines[RANKS]; /* of each rank; the first one has the next turn */
    size_t length;
    unsigned turns; /* of fresh lines since the others had one */
};

struct check *check_create(const char *user, const char *password, const char *address)
{
    struct check *check = calloc(1, sizeof(*check));

    if (!check) {
        return NULL;
    }
    check->user = strdup(user);
    check->password = strdup(password);
    check->address_text = strdup(address);
    if (!check->user || !check->password || !check->address_text) {
        check_destroy(check);
        return NULL;
    }
    check->guess.address = guess_address_parse(address);
    return check;
}

void check_destroy(struct check *check)
{
    if (!check) {
        return;
    }
    free(check->user);
    secret_free(check->password);
    free(check->address_text);
    free(check);
}

struct check_queue *check_queue_create(void)
{
    struct check_queue *queue = calloc(1, sizeof(*queue));

    for (enum rank rank = 0; queue && rank < RANKS; rank++) {
        TAILQ_INIT(&queue->lines[rank]);
    }
    return queue;
}

void check_queue_destroy(struct check_queue *queue)
{
    struct check *check;

    if (!queue) {
        return;
    }
    while ((check = check_queue_pop(queue))) {
        check_destroy(check);
    }
    free(queue);
}

static enum rank rank_of(const struct check *check)
{
    return check->guess.known ? RANK_KNOWN : check->fresh ? RANK_FRESH : RANK_OTHERS;
}

static struct line *find_line(const struct check_queue *queue, struct guess_address address)
{
    struct line *line;

    for (enum rank rank = 0; rank < RANKS; rank++) {
        TAILQ_FOREACH(line, &queue->lines[rank], next) {
            if (line->address.high == address.high && line->address.low == address.low) {
                return line;
            }
        }
    }
    return NULL;
}

static void set_rank(struct check_queue *queue, struct line *line, enum rank rank)
{
    TAILQ_REMOVE(&queue->lines[line->rank], line, next);
    line->rank = rank;
    TAILQ_INSERT_TAIL(&queue->lines[rank], line, next);
}

/* A line without checks, which is in no list yet. */
static struct line *make_line(const struct check *check)
{
    struct line *line = calloc(1, sizeof(*line));

    if (line) {
        line->address = check->guess.address;
        line->rank = rank_of(check);
        TAILQ_INIT(&line->checks);
    }
    return line;
}

/* CHECK leaves LINE, which ends if it was the last one. */
static void leave(struct check_queue *queue, struct line *line, struct check *check)
{
    TAILQ_REMOVE(&line->checks, check, next);
    line->length--;
    queue->length--;
    if (line->length == 0) {
        TAILQ_REMOVE(&queue->lines[line->rank], line, next);
        free(line);
    }
}

/* --- Coming --------------------------------------------------------------------------------------------- */

static size_t count_of(const struct line *line, uint64_t client)
{
    const struct check *check;
    size_t count = 0;

    TAILQ_FOREACH(check, &line->checks, next) {
        count += check->client == client;
    }
    return count;
}

/* The line with most checks of CLIENT, the lowest rank first; *TOTAL: its checks in all lines. */
static struct line *longest_line(const struct check_queue *queue, uint64_t client, size_t *longest,
                                 size_t *total)
{
    struct line *found = NULL, *line;

    *longest = *total = 0;
    for (int rank = RANKS - 1; rank >= 0; rank--) {
        TAILQ_FOREACH(line, &queue->lines[rank], next) {
            size_t count = count_of(line, client);
            *total += count;
            if (count > *longest) {
                *longest = count;
                found = line;
            }
        }
    }
    return found;
}

static struct check *last_of(const struct line *line, uint64_t client)
{
    struct check *check = TAILQ_LAST(&line->checks, check_list);

    while (check && check->client != client) {
        check = TAILQ_PREV(check, check_list, next);
    }
    return check;
}

/* Q2. OWN is the line of CHECK's address, or NULL. The check that goes, CHECK itself perhaps; NULL: there is room. */
static struct check *make_room(struct check_queue *queue, struct check *check, struct line *own)
{
    size_t longest, total;
    struct line *line = longest_line(queue, check->client, &longest, &total);
    size_t own_length = own ? count_of(own, check->client) : 0;
    bool better = longest > own_length + 1;

    if (own && own->length >= CHECK_LINE_MAX) {
        line = own;
        better = check->guess.known && !TAILQ_LAST(&own->checks, check_list)->guess.known;
    } else if (total < CHECK_CLIENT_MAX) {
        return NULL;
    } else if (line && longest > own_length) {
        better = better || rank_of(check) < line->rank; /* whoever is known takes the place of a stranger */
    }
    struct check *victim = better ? last_of(line, check->client) : NULL;
    if (!victim) {
        return check;
    }
    leave(queue, line, victim);
    return victim;
}

/* Those of known users before the others, which may be somebody else's behind the same address. */
static void join(struct check_queue *queue, struct line *line, struct check *check)
{
    struct check *after = TAILQ_FIRST(&line->checks);

    while (after && (!check->guess.known || after->guess.known)) {
        after = TAILQ_NEXT(after, next);
    }
    if (after) {
        TAILQ_INSERT_BEFORE(after, check, next);
    } else {
        TAILQ_INSERT_TAIL(&line->checks, check, next);
    }
    line->length++;
    queue->length++;
}

struct check *check_queue_push(struct check_queue *queue, struct check *check)
{
    struct line *line = find_line(queue, check->guess.address);
    struct line *made = line ? NULL : make_line(check);
    struct check *gone = line || made ? make_room(queue, check, line) : check;

    if (gone == check) {
        free(made);
        return check;
    }
    if (made) {
        TAILQ_INSERT_TAIL(&queue->lines[made->rank], made, next);
        line = made;
    } else if (check->guess.known) {
        set_rank(queue, line, RANK_KNOWN);
    }
    join(queue, line, check);
    return gone;
}

/* --- Going ---------------------------------------------------------------------------------------------- */

/* Q1. */
static struct line *next_line(struct check_queue *queue)
{
    struct line *known = TAILQ_FIRST(&queue->lines[RANK_KNOWN]);
    struct line *fresh = TAILQ_FIRST(&queue->lines[RANK_FRESH]);
    struct line *other = TAILQ_FIRST(&queue->lines[RANK_OTHERS]);

    if (known) {
        return known;
    }
    if (fresh && (!other || queue->turns + 1 < OTHERS_TURN)) {
        queue->turns++;
        return fresh;
    }
    queue->turns = 0;
    return other;
}

struct check *check_queue_pop(struct check_queue *queue)
{
    struct line *line = next_line(queue);

    if (!line) {
        return NULL;
    }
    struct check *check = TAILQ_FIRST(&line->checks);
    if (line->length > 1) {
        /* What was not right so far is taken for wrong until its outcome is known. */
        const struct check *second = TAILQ_NEXT(check, next);
        set_rank(queue, line, second->guess.known ? RANK_KNOWN : RANK_OTHERS);
    }
    leave(queue, line, check);
    return check;
}

struct check *check_queue_pop_of(struct check_queue *queue, struct guess_address address)
{
    struct line *line = find_line(queue, address);
    struct check *check = line ? TAILQ_FIRST(&line->checks) : NULL;

    if (check) {
        leave(queue, line, check);
    }
    return check;
}

/* The first check of CLIENT, or its check NUMBER if that is not NULL, and its line. */
static struct check *find_of(const struct check_queue *queue, uint64_t client, const json_int_t *number,
                             struct line **line)
{
    struct check *check;

    for (enum rank rank = 0; rank < RANKS; rank++) {
        TAILQ_FOREACH(*line, &queue->lines[rank], next) {
            TAILQ_FOREACH(check, &(*line)->checks, next) {
                if (check->client == client && (!number || check->number == *number)) {
                    return check;
                }
            }
        }
    }
    return NULL;
}

struct check *check_queue_take(struct check_queue *queue, uint64_t client, json_int_t number)
{
    struct line *line;
    struct check *check = find_of(queue, client, &number, &line);

    if (check) {
        leave(queue, line, check);
    }
    return check;
}

void check_queue_drop(struct check_queue *queue, uint64_t client)
{
    struct line *line;
    struct check *check;

    while ((check = find_of(queue, client, NULL, &line))) {
        leave(queue, line, check);
        check_destroy(check);
    }
}

size_t check_queue_length(const struct check_queue *queue)
{
    return queue->length;
}
