/* SPDX-License-Identifier: MIT */
#include "fanout/http/program_link.h"

#include <errno.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "fanout/loop/connections.h"

/* Answers taken before others in the loop have their turn. */
#define RECEIVE_TURN 64

/* How often a question is put: to the program that it may have killed, and to the next one. */
#define SENDS_MAX 2

/* While questions wait: when it is looked at who has gone, and whose time is over. */
#define LOOK_MS 500

const char *program_link_name(enum program_kind program)
{
    static const char *const names[PROGRAM_KINDS] = {[PROGRAM_SNAPSHOT] = "snapshot", [PROGRAM_HLS] = "hls"};

    return names[program];
}

/* ---- Questions that wait ---- */

static void leave(struct program_link *link, struct program_ask *ask)
{
    TAILQ_REMOVE(&link->asks, ask, link);
    link->count--;
    json_decref(ask->message);
    ask->message = NULL;
    ask->number = 0;
}

static void answer(struct program_link *link, struct program_ask *ask, struct program_reply *reply)
{
    leave(link, ask);
    ask->answered(ask, reply);
}

static struct program_ask *find(const struct program_link *link, enum program_kind program, uint64_t number)
{
    struct program_ask *ask;

    TAILQ_FOREACH(ask, &link->asks, link) {
        if (ask->number == number) {
            return ask->program == program ? ask : NULL;
        }
    }
    return NULL;
}

static void arm(struct program_link *link, long delay_ms)
{
    if (!link->armed) {
        link->armed = true;
        watch_timer_arm(&link->timer, delay_ms);
    }
}

static void tell_wanted(struct program_link *link, struct program_channel *channel)
{
    if (!channel->wanted && !channel->watch.watched) {
        channel->wanted = link->want(link->context, program_link_name(channel->program));
    }
}

/*
 * Sends ASK over its channel, if there is one that takes it now; what is not out is tried again soon. False: it cannot be sent at all,
 * or has been often enough.
 */
static bool put(struct program_link *link, struct program_ask *ask)
{
    struct program_channel *channel = &link->channels[ask->program];

    if (ask->is_out) {
        return true;
    }
    /* A process that ringcastd has not missed yet may be connected once more: that it is dead is known already. */
    bool same = ask->process == channel->process && channel->watch.watched;
    if (ask->sent >= SENDS_MAX && !same) {
        return false;
    }
    if (!channel->watch.watched) {
        tell_wanted(link, channel);
        return true;
    }
    int result = channel_send(channel->watch.fd, ask->message, NULL, 0);
    if (result == 0) {
        ask->is_out = true;
        ask->sent += !same;
        ask->process = channel->process;
    }
    return result != -EMSGSIZE && result != -ENOMEM;
}

static void put_all(struct program_link *link)
{
    struct program_ask *ask = TAILQ_FIRST(&link->asks), *next;

    for (unsigned i = link->count; i > 0 && ask;
         i--, ask = next) { /* without those that are asked meanwhile */
        next = TAILQ_NEXT(ask, link);
        if (!put(link, ask)) {
            answer(link, ask, NULL);
        }
    }
}

static void look(void *context)
{
    struct program_link *link = context;
    int64_t now_ns = clock_now_ns();
    struct program_ask *ask = TAILQ_FIRST(&link->asks), *next;

    link->armed = false;
    for (unsigned i = link->count; i > 0 && ask; i--, ask = next) {
        next = TAILQ_NEXT(ask, link);
        if (now_ns >= ask->until_ns || ask->is_abandoned(ask)) {
            struct program_channel *channel = &link->channels[ask->program];
            json_t *message = message_pack("cancel", "{s:I}", "number", (json_int_t)ask->number);
            if (message && ask->is_out && channel->watch.watched) {
                channel_send(channel->watch.fd, message, NULL, 0); /* or its answer is thrown away */
            }
            json_decref(message);
            answer(link, ask, NULL);
        }
    }
    put_all(link);
    if (link->count > 0) {
        arm(link, LOOK_MS);
    }
}

/* ---- Channels ---- */

static void on_answer(struct program_channel *channel, struct channel_message *message)
{
    json_int_t number = message_integer(message->body, "number", 0);
    struct program_ask *ask = number > 0 ? find(channel->link, channel->program, (uint64_t)number) : NULL;
    struct program_reply reply;

    if (!ask) {
        return; /* its asker has gone */
    }
    int result = program_reply_read(message, &reply);
    if (result < 0) {
        log_warning("ringcast-%s: an answer that cannot be used: %s", program_link_name(channel->program),
                    strerror(-result));
    }
    answer(channel->link, ask, result < 0 ? NULL : &reply);
}

/* What is not answered is asked again, over the next channel. */
static void hang_up(struct program_channel *channel)
{
    struct program_ask *ask;

    watch_end(&channel->watch);
    TAILQ_FOREACH(ask, &channel->link->asks, link) {
        if (ask->program == channel->program) {
            ask->is_out = false;
        }
    }
}

static void channel_ready(void *context)
{
    struct program_channel *channel = context;

    for (int i = 0; i < RECEIVE_TURN && channel->watch.watched; i++) {
        struct channel_message message;
        int result = channel_receive(channel->watch.fd, &message);
        if (result == 1) {
            if (message_is(message.body, "answer")) {
                on_answer(channel, &message);
            }
            channel_message_clear(&message);
        } else if (result == -EAGAIN) {
            return;
        } else if (result != -EBADMSG) {
            log_debug("ringcast-%s has ended", program_link_name(channel->program));
            hang_up(channel);
            put_all(channel->link);
            return;
        }
    }
}

int program_link_connect(struct program_link *link, const char *name, int64_t process, int socket)
{
    for (size_t i = 0; i < PROGRAM_KINDS; i++) {
        struct program_channel *channel = &link->channels[i];
        if (strcmp(program_link_name(channel->program), name) != 0) {
            continue;
        }
        hang_up(channel);
        channel->wanted = false;
        channel->process = process;
        int result = watch_begin(&channel->watch, link->loop, socket, channel_ready, channel);
        put_all(link);
        return result;
    }
    return -ENOENT;
}

void program_link_report_again(struct program_link *link)
{
    for (size_t i = 0; i < PROGRAM_KINDS; i++) {
        link->channels[i].wanted = false;
    }
    put_all(link);
}

/* ---- Asking ---- */

static unsigned count_of(const struct program_link *link, const uint8_t client[16])
{
    const struct program_ask *ask;
    unsigned count = 0;

    TAILQ_FOREACH(ask, &link->asks, link) {
        count += memcmp(ask->client, client, sizeof(ask->client)) == 0;
    }
    return count;
}

static int check_room(const struct program_link *link, const struct program_ask *ask)
{
    if (link->count >= PROGRAM_LINK_MAX) {
        return -EAGAIN;
    }
    return count_of(link, ask->client) >= PROGRAM_LINK_PER_CLIENT ? -EBUSY : 0;
}

int program_link_ask(struct program_link *link, struct program_ask *ask, const struct in6_addr *address,
                     const char *stream, const char *what, json_t *query, const char *prefix,
                     long patience_ms)
{
    uint64_t number = link->numbers + 1;

    connections_client_address(address, ask->client);
    json_t *message = message_pack("ask", "{s:I, s:s, s:s, s:o, s:s}", "number", (json_int_t)number, "stream",
                                   stream, "what", what, "query", query, "prefix", prefix);
    int result = message ? check_room(link, ask) : -ENOMEM;
    if (result < 0) {
        json_decref(message);
        return result;
    }
    link->numbers = number;
    ask->number = number;
    ask->message = message;
    ask->until_ns = clock_now_ns() + patience_ms * NS_PER_MS;
    ask->sent = 0;
    ask->is_out = false;
    TAILQ_INSERT_TAIL(&link->asks, ask, link);
    link->count++;
    if (!put(link, ask)) {
        leave(link, ask);
        return -ENOMEM;
    }
    arm(link, LOOK_MS);
    return 0;
}

void program_link_cancel(struct program_link *link, struct program_ask *ask)
{
    const struct program_channel *channel = &link->channels[ask->program];

    if (ask->number == 0) {
        return;
    }
    json_t *message = message_pack("cancel", "{s:I}", "number", (json_int_t)ask->number);
    if (message && ask->is_out && channel->watch.watched) {
        channel_send(channel->watch.fd, message, NULL, 0); /* or its answer is thrown away */
    }
    json_decref(message);
    leave(link, ask);
}

int program_link_begin(struct program_link *link, struct loop *loop)
{
    link->loop = loop;
    TAILQ_INIT(&link->asks);
    for (size_t i = 0; i < PROGRAM_KINDS; i++) {
        link->channels[i] = (struct program_channel){.link = link, .program = (enum program_kind)i};
    }
    return watch_timer_begin(&link->timer, loop, look, link);
}

void program_link_end(struct program_link *link)
{
    if (!link->loop) {
        return; /* it was never begun */
    }
    watch_end(&link->timer.watch);
    for (size_t i = 0; i < PROGRAM_KINDS; i++) {
        watch_end(&link->channels[i].watch);
    }
    while (!TAILQ_EMPTY(&link->asks)) {
        leave(link, TAILQ_FIRST(&link->asks));
    }
}
