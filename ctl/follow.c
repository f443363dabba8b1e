#include "ctl/follow.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/ipc/message.h"
#include "ctl/request.h"

/* Seconds for which an on-demand camera is asked to stay awake, and after which it is asked again. */
#define WANT_SECONDS 30
#define WANT_AGAIN_MS 10000

/* Longest wait in the ring, so that signals, wants and time-outs are looked at. */
#define WAIT_MS 200

struct follower {
    const char *url;
    struct options options;
    const char *camera;
    const struct follow_handlers *handlers;
    struct client *client;      /* NULL until ringcastd was reached */
    char *ring;                 /* name of its shared-memory object */
    ringcast_follower *reading; /* NULL until that name is known */
    bool present;               /* the ring is there */
    int64_t want_ms;            /* when to ask again */
    int64_t heard_ms;           /* when the last fragment came */
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    (void)number;
    ended = 1;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static enum exit_code reach(struct follower *follower)
{
    return follower->client != NULL ? client_greet(follower->client)
                                    : client_open(follower->url, CLIENT_OF_EVERY, &follower->client);
}

/* Tells ringcastd that the camera is wanted, and learns its ring's name. */
static enum exit_code want(struct follower *follower)
{
    json_t *reply = NULL;
    json_t *request = request_for_camera("want", follower->camera);

    if (request == NULL) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = reach(follower);
    if (code == EXIT_CODE_OK) {
        json_object_set_new(request, "seconds", json_integer(WANT_SECONDS));
        code = request_ask(follower->client, &follower->options, json_incref(request), "wanted", &reply);
    }
    const char *ring = code == EXIT_CODE_OK ? message_string(reply, "ring", NULL) : NULL;
    if (code == EXIT_CODE_OK && ring == NULL) {
        code = request_malformed("no ring");
    } else if (ring != NULL) {
        free(follower->ring);
        follower->ring = strdup(ring);
    }
    json_decref(request);
    json_decref(reply);
    follower->want_ms = now_ms() + WANT_AGAIN_MS;
    return code;
}

/* Hands over what comes next, or waits a while. -ECANCELED: enough; -ENOMEM. */
static int turn(struct follower *follower)
{
    const struct follow_handlers *handlers = follower->handlers;
    ringcast_piece piece;

    if (follower->reading == NULL && follower->ring != NULL &&
        ringcast_follow(follower->ring, &follower->reading) < 0) {
        return -ENOMEM;
    }
    int result = follower->reading == NULL ? -ENOENT : ringcast_next(follower->reading, WAIT_MS, &piece);
    follower->present = result >= 0 || result == -EINTR;
    if (!follower->present) {
        nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000L / 4}, NULL);
    }
    if (result != 1) {
        return result == -ENOMEM ? result : 0;
    }
    if (piece.init) {
        return handlers->init(handlers->context, piece.data, piece.length) ? 0 : -ECANCELED;
    }
    follower->heard_ms = now_ms();
    return handlers->fragment(handlers->context, piece.data, piece.length, &piece.entry, piece.generation)
               ? 0
               : -ECANCELED;
}

static enum exit_code follow(struct follower *follower, double timeout)
{
    const struct follow_handlers *handlers = follower->handlers;

    while (ended == 0) {
        int result = turn(follower);
        if (result == -ENOMEM) {
            client_complain("out of memory");
            return EXIT_CODE_FAILED;
        }
        if (result == -ECANCELED || (handlers->idle != NULL && !handlers->idle(handlers->context))) {
            return EXIT_CODE_OK;
        }
        /* A ringcastd that is away is no reason to stop reading. */
        if (now_ms() >= follower->want_ms && want(follower) == EXIT_CODE_FAILED && !follower->present) {
            return EXIT_CODE_FAILED;
        }
        if (timeout > 0 && now_ms() - follower->heard_ms > (int64_t)(timeout * 1000)) {
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

    if (follower == NULL) {
        client_complain("out of memory");
        return EXIT_CODE_FAILED;
    }
    follower->url = url;
    follower->options = *options;
    follower->options.json = false; /* standard output may be for the fragments */
    follower->camera = camera;
    follower->handlers = handlers;
    follower->heard_ms = now_ms();
    catch_signals();
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
