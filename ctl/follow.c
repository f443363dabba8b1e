#include "follow.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "message.h"
#include "request.h"

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
    char *ring;              /* name of its shared-memory object */
    ringcast_reader *reader; /* NULL: not there (yet) */
    ringcast_cursor cursor;
    bool seeking; /* the newest keyframe is to be found */
    ringcast_generation generation;
    uint8_t init[2][RINGCAST_INIT_MAX]; /* the one handed over, and the next */
    size_t init_size;
    unsigned which;
    uint8_t *buffer;
    size_t size;
    int64_t want_ms;  /* when to ask again */
    int64_t heard_ms; /* when the last fragment came */
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

/* Tells ringcastd that the camera is wanted, and learns its ring's name. */
static enum exit_code want(struct follower *follower)
{
    struct client *client = NULL;
    json_t *reply = NULL;
    json_t *request = request_for_camera("want", follower->camera);

    if (request == NULL)
        return EXIT_CODE_USAGE;
    enum exit_code code = client_open(follower->url, &client);
    if (code == EXIT_CODE_OK) {
        json_object_set_new(request, "seconds", json_integer(WANT_SECONDS));
        code = request_ask(client, &follower->options, json_incref(request), "wanted", &reply);
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
    client_close(client);
    follower->want_ms = now_ms() + WANT_AGAIN_MS;
    return code;
}

static void leave_ring(struct follower *follower)
{
    ringcast_close(follower->reader);
    follower->reader = NULL;
}

static bool enter_ring(struct follower *follower)
{
    if (follower->ring == NULL || ringcast_open(follower->ring, &follower->reader) < 0)
        return false;
    follower->seeking = true;
    follower->generation.number = 0;
    return true;
}

static bool grow(struct follower *follower, size_t size)
{
    uint8_t *larger = realloc(follower->buffer, size);

    if (larger == NULL)
        return false;
    follower->buffer = larger;
    follower->size = size;
    return true;
}

/* Hands the init segment of GENERATION over unless it is the one before. -ECANCELED: enough. */
static int take_generation(struct follower *follower, uint32_t generation)
{
    const struct follow_handlers *handlers = follower->handlers;
    uint8_t *next = follower->init[!follower->which];
    ringcast_generation description;
    int result = ringcast_init_segment(follower->reader, generation, next, RINGCAST_INIT_MAX, &description);

    if (result < 0)
        return result;
    follower->generation = description;
    if (follower->init_size == description.init_length &&
        memcmp(follower->init[follower->which], next, description.init_length) == 0)
        return 0;
    follower->which = !follower->which;
    follower->init_size = description.init_length;
    return handlers->init(handlers->context, next, description.init_length) ? 0 : -ECANCELED;
}

static int take_fragment(struct follower *follower, const ringcast_entry *entry)
{
    const struct follow_handlers *handlers = follower->handlers;
    int result = 0;

    if (entry->generation != follower->generation.number)
        result = take_generation(follower, entry->generation);
    if (result < 0)
        return result;
    follower->heard_ms = now_ms();
    return handlers->fragment(handlers->context, follower->buffer, entry->length, entry,
                              &follower->generation)
               ? 0
               : -ECANCELED;
}

/* 1: something was done; 0: there is nothing new; -ECANCELED: enough; else the ring's error. */
static int read_ring(struct follower *follower)
{
    ringcast_entry entry;

    if (follower->seeking) {
        int found = ringcast_seek_keyframe(follower->reader, &follower->cursor);
        if (found < 0)
            return found == -EAGAIN ? 0 : found;
        follower->seeking = false;
    }
    int result = ringcast_read(follower->reader, &follower->cursor, follower->buffer, follower->size, &entry);
    if (result == -ENOSPC)
        return grow(follower, entry.length) ? 1 : -ENOMEM;
    if (result != 1)
        return result;
    result = take_fragment(follower, &entry);
    return result == 0 ? 1 : result;
}

/* 1: go on at once; 0: wait; -ECANCELED: enough; -ENOMEM. */
static int turn(struct follower *follower)
{
    if (follower->reader == NULL && !enter_ring(follower))
        return 0;
    int result = read_ring(follower);
    switch (result) {
    case -EPIPE: /* retired: the camera has another ring now, or none */
        leave_ring(follower);
        return 0;
    case -ESTALE: /* too slow: there is a gap */
    case -EBADMSG:
        follower->seeking = true;
        return 0;
    default:
        return result;
    }
}

static void rest(struct follower *follower)
{
    if (follower->reader != NULL && !follower->seeking)
        ringcast_wait(follower->reader, &follower->cursor, WAIT_MS);
    else
        nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000L / 4}, NULL);
}

static enum exit_code follow(struct follower *follower, double timeout)
{
    const struct follow_handlers *handlers = follower->handlers;

    while (ended == 0) {
        int result = turn(follower);
        if (result < 0) {
            if (result == -ENOMEM)
                client_complain("out of memory");
            return result == -ECANCELED ? EXIT_CODE_OK : EXIT_CODE_FAILED;
        }
        if (result > 0)
            continue;
        rest(follower);
        if (handlers->idle != NULL && !handlers->idle(handlers->context))
            return EXIT_CODE_OK;
        /* A ringcastd that is away is no reason to stop reading. */
        if (now_ms() >= follower->want_ms && want(follower) == EXIT_CODE_FAILED && follower->reader == NULL)
            return EXIT_CODE_FAILED;
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
    if (code == EXIT_CODE_OK)
        code = follow(follower, timeout);
    leave_ring(follower);
    free(follower->ring);
    free(follower->buffer);
    free(follower);
    return code;
}
