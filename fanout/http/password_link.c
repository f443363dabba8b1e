/* SPDX-License-Identifier: MIT */
#include "fanout/http/password_link.h"

#include <errno.h>
#include <string.h>

#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "common/log/log.h"

/* Answers taken before others in the loop have their turn. */
#define RECEIVE_TURN 64

/* Seconds until a next try if the answer does not say. */
#define RETRY_S 1

void password_link_init(struct password_link *link)
{
    *link = (struct password_link){0};
    TAILQ_INIT(&link->questions);
}

static void leave(struct password_link *link, struct password_question *question)
{
    TAILQ_REMOVE(&link->questions, question, link);
    question->number = 0;
    link->count--;
}

static void answer(struct password_link *link, struct password_question *question,
                   enum password_answer result, int retry_s)
{
    leave(link, question);
    question->answered(question, result, retry_s);
}

/* Those that wait now; whoever asks again meanwhile is not among them. */
static void answer_all(struct password_link *link)
{
    for (unsigned i = link->count; i > 0 && !TAILQ_EMPTY(&link->questions); i--) {
        answer(link, TAILQ_FIRST(&link->questions), PASSWORD_NOBODY, RETRY_S);
    }
}

static struct password_question *find(const struct password_link *link, uint64_t number)
{
    struct password_question *question;

    TAILQ_FOREACH(question, &link->questions, link) {
        if (question->number == number) {
            return question;
        }
    }
    return NULL;
}

static void on_checked(struct password_link *link, const json_t *body)
{
    json_int_t number = message_integer(body, "number", 0), retry_s = message_integer(body, "retry_s", 0);
    const char *result = message_string(body, "result", "");
    struct password_question *question = number > 0 ? find(link, (uint64_t)number) : NULL;

    if (!question) {
        return; /* its asker has gone */
    }
    if (strcmp(result, "right") == 0) {
        answer(link, question, PASSWORD_RIGHT, 0);
    } else if (strcmp(result, "slow") == 0) {
        answer(link, question, PASSWORD_SLOW, retry_s > 0 && retry_s < INT32_MAX ? (int)retry_s : RETRY_S);
    } else {
        answer(link, question, PASSWORD_WRONG, 0);
    }
}

static void hang_up(struct password_link *link)
{
    watch_end(&link->channel);
    answer_all(link);
}

static void channel_ready(void *context)
{
    struct password_link *link = context;

    for (int i = 0; i < RECEIVE_TURN && link->channel.watched; i++) {
        struct channel_message message;
        int result = channel_receive(link->channel.fd, &message);
        if (result == 1) {
            if (message_is(message.body, "checked")) {
                on_checked(link, message.body);
            }
            channel_message_clear(&message);
        } else if (result == -EAGAIN) {
            return;
        } else if (result != -EBADMSG) {
            log_info("ringcast-password is gone");
            hang_up(link);
            return;
        }
    }
}

int password_link_connect(struct password_link *link, struct loop *loop, int channel)
{
    hang_up(link);
    return watch_begin(&link->channel, loop, channel, channel_ready, link);
}

static unsigned count_of(const struct password_link *link, const char *address)
{
    const struct password_question *question;
    unsigned count = 0;

    TAILQ_FOREACH(question, &link->questions, link) {
        count += strcmp(question->address, address) == 0;
    }
    return count;
}

int password_link_ask(struct password_link *link, struct password_question *question, const char *user,
                      const char *password)
{
    if (!link->channel.watched) {
        return -ENOTCONN;
    }
    if (link->count >= PASSWORD_LINK_MAX) {
        return -EAGAIN;
    }
    if (count_of(link, question->address) >= PASSWORD_LINK_PER_ADDRESS) {
        return -EBUSY;
    }
    uint64_t number = ++link->numbers;
    json_t *message = message_pack("check", "{s:I, s:s, s:s, s:s}", "number", (json_int_t)number, "user",
                                   user, "password", password, "address", question->address);
    int result = message ? channel_send(link->channel.fd, message, NULL, 0) : -ENOMEM;
    json_decref(message);
    if (result == -EPIPE) {
        return -ENOTCONN; /* that the channel has ended is seen in its own turn */
    }
    if (result == 0) {
        question->number = number;
        TAILQ_INSERT_TAIL(&link->questions, question, link);
        link->count++;
    }
    return result;
}

void password_link_cancel(struct password_link *link, struct password_question *question)
{
    if (question->number == 0) {
        return;
    }
    json_t *message = message_pack("cancel", "{s:I}", "number", (json_int_t)question->number);
    leave(link, question);
    if (message && link->channel.watched) {
        channel_send(link->channel.fd, message, NULL, 0); /* or its answer is thrown away */
    }
    json_decref(message);
}

void password_link_finish(struct password_link *link)
{
    watch_end(&link->channel);
    while (!TAILQ_EMPTY(&link->questions)) {
        leave(link, TAILQ_FIRST(&link->questions));
    }
}
