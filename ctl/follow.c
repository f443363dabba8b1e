/* SPDX-License-Identifier: MIT */
#include "ctl/follow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/ipc/message.h"
#include "ctl/interrupt.h"
#include "ctl/request.h"

/* Seconds for which an on-demand camera is kept awake by a request, and milliseconds until the next one. */
#define WANT_SECONDS 30
#define WANT_AGAIN_MS 10000

/* Longest wait for a fragment, so that signals, requests and time-outs get their turn. */
#define WAIT_MS 200

struct follower {
    const char *url;
    struct options options;
    const char *camera;
    const struct follow_handlers *handlers;
    struct client *client;      /* NULL until ringcastd was reached */
    char *ring;                 /* name of its shared-memory object; NULL until known */
    ringcast_follower *reading; /* NULL until the name is known */
    bool present;               /* the ring exists */
    uint64_t want_ms;           /* when to ask again */
    uint64_t heard_ms;          /* when the last fragment came */
};

static enum exit_code reach(struct follower *follower)
{
    return follower->client ? client_probe(follower->client)
                            : client_open(follower->url, CLIENT_OF_EVERY, &follower->client);
}

/* Tells ringcastd that the camera is wanted, and takes its ring's name from the reply. */
static enum exit_code want(struct follower *follower)
{
    json_t *reply = NULL;
    json_t *request = request_for_camera("want", follower->camera);

    if (!request) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = reach(follower);
    if (code == EXIT_CODE_OK) {
        json_object_set_new(request, "seconds", json_integer(WANT_SECONDS));
        code = request_ask(follower->client, &follower->options, json_incref(request), "wanted", &reply);
    }
    const char *ring = code == EXIT_CODE_OK ? message_string(reply, "ring", NULL) : NULL;
    if (code == EXIT_CODE_OK && !ring) {
        code = request_malformed("no ring");
    } else if (ring) {
        free(follower->ring);
        follower->ring = strdup(ring);
    }
    json_decref(request);
    json_decref(reply);
    follower->want_ms = clock_now_ms() + WANT_AGAIN_MS;
    return code;
}

/* Hands what comes next to a handler, or waits a while. -ECANCELED: the handler wants no more; -ENOMEM. */
static int turn(struct follower *follower)
{
    const struct follow_handlers *handlers = follower->handlers;
    ringcast_piece piece;

    if (!follower->reading && follower->ring && ringcast_follow(follower->ring, &follower->reading) < 0) {
        return -ENOMEM;
    }
    int result = !follower->reading ? -ENOENT : ringcast_next(follower->reading, WAIT_MS, &piece);
    follower->present = result >= 0 || result == -EINTR;
    if (!follower->present) {
        nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * NS_PER_MS / 4}, NULL);
    }
    if (result != 1) {
        return result == -ENOMEM ? result : 0;
    }
    if (piece.init) {
        return handlers->init(handlers->context, piece.data, piece.length) ? 0 : -ECANCELED;
    }
    follower->heard_ms = clock_now_ms();
    return handlers->fragment(handlers->context, piece.data, piece.length, &piece.entry, piece.generation)
               ? 0
               : -ECANCELED;
}

static enum exit_code follow(struct follower *follower, double timeout)
{
    while (!interrupt_came()) {
        int result = turn(follower);
        if (result == -ENOMEM) {
            client_complain("out of memory");
            return EXIT_CODE_FAILED;
        }
        if (result == -ECANCELED) {
            return EXIT_CODE_OK;
        }
        /* Reading goes on while ringcastd is away. */
        if (clock_now_ms() >= follower->want_ms && want(follower) == EXIT_CODE_FAILED && !follower->present) {
            return EXIT_CODE_FAILED;
        }
        if (timeout > 0 && clock_now_ms() - follower->heard_ms > (uint64_t)(timeout * MS_PER_SECOND)) {
            client_complain("no picture from %s for %g s; \"ringcastctl status\" may say why",
                            follower->camera, timeout);
            return EXIT_CODE_TIMEOUT;
        }
    }
    return EXIT_CODE_OK;
}

enum exit_code follow_camera(const char *url, const struct options *options, const char *camera,
                             double timeout, const struct follow_handlers *handlers)
{
    struct follower *follower = calloc(1, sizeof(*follower));

    if (!follower) {
        client_complain("out of memory");
        return EXIT_CODE_FAILED;
    }
    follower->url = url;
    follower->options = *options;
    follower->options.json = false; /* standard output may be taken by the fragments */
    follower->camera = camera;
    follower->handlers = handlers;
    follower->heard_ms = clock_now_ms();
    interrupt_catch();
    enum exit_code code = want(follower);
    if (code == EXIT_CODE_OK) {
        code = follow(follower, timeout);
    }
    ringcast_unfollow(follower->reading);
    client_free(follower->client);
    free(follower->ring);
    free(follower);
    return code;
}
