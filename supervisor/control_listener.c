#include "control_listener.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "timer.h"

/* How long the control socket may be deaf after a peer that hung up too early, in milliseconds. */
#define CHECK_MS 1000

static nng_stat *member(nng_stat *scope, const char *name)
{
    nng_stat *child = nng_stat_child(scope);

    while (child != NULL && strcmp(nng_stat_name(child), name) != 0)
        child = nng_stat_next(child);
    return child;
}

static uint64_t member_value(nng_stat *scope, const char *name)
{
    nng_stat *child = member(scope, name);

    return child == NULL ? 0 : nng_stat_value(child);
}

/* NNG's name for errors that have no counter of their own is "other"; the end of the listener is one. */
static bool has_ended(nng_listener listener)
{
    nng_stat *statistics;
    bool ended = false;

    if (nng_stats_get(&statistics) != 0)
        return false;
    for (nng_stat *scope = nng_stat_child(statistics); scope != NULL; scope = nng_stat_next(scope)) {
        if (strcmp(nng_stat_name(scope), "listener") == 0 &&
            member_value(scope, "id") == (uint64_t)nng_listener_id(listener))
            ended = member_value(scope, "other") > 0;
    }
    nng_stats_free(statistics);
    return ended;
}

static int start(struct control_listener *listener)
{
    int error = nng_listener_create(&listener->listener, listener->socket, listener->url);

    if (error != 0)
        return error;
    error = nng_listener_set_int(listener->listener, NNG_OPT_IPC_PERMISSIONS, 0600);
    if (error == 0)
        error = nng_listener_start(listener->listener, 0);
    if (error != 0) {
        nng_listener_close(listener->listener);
        listener->listener = (nng_listener)NNG_LISTENER_INITIALIZER;
    }
    return error;
}

static void start_again(struct control_listener *listener)
{
    if (nng_listener_id(listener->listener) > 0)
        nng_listener_close(listener->listener);
    listener->listener = (nng_listener)NNG_LISTENER_INITIALIZER;
    (void)unlink(listener->url + strlen("ipc://"));
    int error = start(listener);
    if (error != 0)
        log_warning("the control socket %s cannot be opened again, trying on: %s", listener->url,
                    nng_strerror(error));
    else
        log_debug("control: listening again after a peer that hung up too early");
}

static int on_check(sd_event_source *source, uint64_t now, void *data)
{
    struct control_listener *listener = data;

    (void)source, (void)now;
    if (nng_listener_id(listener->listener) <= 0 || has_ended(listener->listener))
        start_again(listener);
    return timer_arm(listener->event, &listener->timer, CHECK_MS, on_check, listener);
}

int control_listener_init(struct control_listener *listener, sd_event *event, nng_socket socket,
                          const char *url)
{
    *listener = (struct control_listener){.socket = socket, .url = url, .event = event};
    int error = start(listener);
    if (error == 0 && timer_arm(event, &listener->timer, CHECK_MS, on_check, listener) < 0)
        error = NNG_ENOMEM;
    return error;
}

void control_listener_finish(struct control_listener *listener)
{
    timer_disarm(&listener->timer);
}
