/* SPDX-License-Identifier: MIT */
#include "ingest/login.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/ipc/message.h"
#include "common/log/log.h"

/* ringcastd answers in less than a millisecond. One that has not after this time is away; pictures wait less. */
#define ANSWER_NS NS_PER_SECOND
#define ANSWER_BRIEF_NS (100 * NS_PER_MS)

/* Another stream's log-in takes as long as the camera does; the connection is open meanwhile. */
#define QUEUE_NS (5 * NS_PER_SECOND)

/* After a refusal that ringcastd does not answer. */
#define AWAY_HOLD_NS (30 * NS_PER_SECOND)

/* Longest hold that is believed. */
#define HOLD_MAX_MS 3600000

static void hold(struct login *login, int64_t wait_ms, const char *error)
{
    int64_t ms = wait_ms < 0 || wait_ms > HOLD_MAX_MS ? HOLD_MAX_MS : wait_ms;

    login->held_ns = clock_now_ns() + ms * NS_PER_MS;
    text_copy(login->error, sizeof(login->error), error);
}

void login_init(struct login *login, const struct login_callbacks *callbacks, const json_t *task)
{
    int64_t wait_ms = (int64_t)message_integer(task, "wait_ms", 0);

    *login = (struct login){.callbacks = *callbacks, .proven = message_boolean(task, "proven", false)};
    if (wait_ms != 0) {
        hold(login, wait_ms, message_string(task, "error", ""));
    }
}

/* --- Questions and answers ------------------------------------------------------------------------------ */

static void send_result(struct login *login, const char *result, bool more)
{
    login->callbacks.send(login->callbacks.context, message_pack("login-result", "{s:I, s:s, s:b}", "id",
                                                                 login->id, "result", result, "more", more));
}

/* Handles the answer to an older question, for which the worker no longer waits. */
static void decline(struct login *login, json_int_t id)
{
    login->callbacks.send(login->callbacks.context,
                          message_pack("login-result", "{s:I, s:s}", "id", id, "result", "unanswered"));
}

static void take_doubt(struct login *login, const char *doubt)
{
    static const char *const names[] = {
        [LOGIN_NO_DOUBT] = "none", [LOGIN_DOUBTED] = "open", [LOGIN_DENIED_ELSEWHERE] = "refused"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        login->doubt = strcmp(names[i], doubt) == 0 ? (enum login_doubt)i : login->doubt;
    }
}

bool login_take(struct login *login, const json_t *message)
{
    const char *verdict = message_string(message, "verdict", "");
    json_int_t id = message_integer(message, "id", 0);
    bool expected =
        id != 0 && id == login->id && (login->phase == LOGIN_ASKED || login->phase == LOGIN_WAITING);

    if (message_is(message, "login-doubt")) {
        take_doubt(login, message_string(message, "doubt", ""));
        return true;
    }
    if (!message_is(message, "login-answer")) {
        return false;
    }
    login->held_ns = 0;
    if (strcmp(verdict, "held") == 0) {
        hold(login, (int64_t)message_integer(message, "wait_ms", -1), message_string(message, "error", ""));
        login->phase = expected ? LOGIN_DENIED : login->phase;
    } else if (strcmp(verdict, "queued") == 0) {
        login->phase = expected ? LOGIN_WAITING : login->phase;
    } else if (strcmp(verdict, "granted") == 0 && expected) {
        login->phase = LOGIN_ALLOWED;
    } else if (strcmp(verdict, "granted") == 0 && id != 0) {
        decline(login, id);
    }
    login->news_due = login->news_due && id != 0;
    return true;
}

static bool is_open(const struct login *login)
{
    return login->phase == LOGIN_ASKED || login->phase == LOGIN_WAITING;
}

/* Waits for an answer, as long as each phase may take. */
static void await_answer(struct login *login, int64_t answer_ns, int64_t queue_ns)
{
    const struct login_callbacks *callbacks = &login->callbacks;
    int64_t asked_ns = clock_now_ns();

    while (is_open(login) && !callbacks->ending(callbacks->context)) {
        int64_t until_ns = asked_ns + (login->phase == LOGIN_WAITING ? queue_ns : answer_ns);
        int64_t left_ns = until_ns - clock_now_ns();
        if (left_ns <= 0) {
            break;
        }
        callbacks->wait(callbacks->context, left_ns / NS_PER_MS + 1);
    }
}

static int ask(void *context, bool briefly, char error[LOGIN_ERROR_SIZE])
{
    struct login *login = context;
    bool doubted = briefly && login->doubt != LOGIN_NO_DOUBT; /* a session plays, and has time */

    login->phase = LOGIN_ASKED;
    login->id++;
    json_t *question = message_pack("login-ask", "{s:I, s:b}", "id", login->id, "playing", doubted);
    if (login->callbacks.send(login->callbacks.context, question) == 0) {
        await_answer(login, briefly ? ANSWER_BRIEF_NS : ANSWER_NS, doubted ? ANSWER_BRIEF_NS : QUEUE_NS);
    }
    if (login->callbacks.ending(login->callbacks.context)) {
        snprintf(error, LOGIN_ERROR_SIZE, "interrupted");
        return -ECANCELED;
    }
    switch (login->phase) {
    case LOGIN_ALLOWED:
        return 0;
    case LOGIN_DENIED:
        snprintf(error, LOGIN_ERROR_SIZE, "%s", login->error);
        return -EACCES;
    case LOGIN_WAITING:
        decline(login, login->id);
        login->phase = LOGIN_IDLE;
        snprintf(error, LOGIN_ERROR_SIZE, "another stream of this camera is still logging in");
        return -EBUSY;
    case LOGIN_ASKED:
    case LOGIN_IDLE:
        break;
    }
    /* With doubt another stream's refusal is known: no answer does not mean that these still work. */
    if (login->proven && !doubted) {
        log_debug("ringcastd does not say whether to log in; the credentials have worked, so they are tried");
        login->phase = LOGIN_ALLOWED;
        return 0;
    }
    login->phase = LOGIN_IDLE;
    snprintf(error, LOGIN_ERROR_SIZE, "ringcastd does not say whether the log-in may be tried");
    return -EBUSY;
}

/* A worker that is ending does not report an answer that it did not wait for: ringcastd learns that from its end. */
static void tell(void *context, enum login_result result)
{
    static const struct {
        const char *name;
        bool more;
    } results[] = {
        [LOGIN_ACCEPTED] = {"accepted", false},     [LOGIN_REFUSED] = {"refused", false},
        [LOGIN_REFUSED_MORE] = {"refused", true},   [LOGIN_FORBIDDEN] = {"forbidden", false},
        [LOGIN_UNANSWERED] = {"unanswered", false},
    };
    struct login *login = context;

    if (result == LOGIN_UNANSWERED && login->callbacks.ending(login->callbacks.context)) {
        return;
    }
    bool more = results[result].more;
    bool refused = more || result == LOGIN_REFUSED || result == LOGIN_FORBIDDEN;
    login->phase = LOGIN_IDLE;
    login->doubt = result == LOGIN_ACCEPTED ? LOGIN_NO_DOUBT : login->doubt;
    /* The first further challenge may only want a fresh nonce. */
    login->proven = result == LOGIN_ACCEPTED || (login->proven && (!refused || (more && !login->refused)));
    login->news_due = !more && (refused || (result == LOGIN_UNANSWERED && login->refused));
    login->refused = more;
    send_result(login, results[result].name, more);
}

static enum login_doubt doubt(void *context)
{
    const struct login *login = context;

    return login->doubt;
}

struct login_gate login_gate(struct login *login)
{
    return (struct login_gate){.ask = ask, .tell = tell, .doubt = doubt, .context = login};
}

/* --- Holds ---------------------------------------------------------------------------------------------- */

void login_settle(struct login *login)
{
    const struct login_callbacks *callbacks = &login->callbacks;
    int64_t until_ns = clock_now_ns() + ANSWER_NS;
    int64_t left_ns;

    while (login->news_due && !callbacks->ending(callbacks->context) &&
           (left_ns = until_ns - clock_now_ns()) > 0) {
        callbacks->wait(callbacks->context, left_ns / NS_PER_MS + 1);
    }
    if (login->news_due && !login->proven) {
        login->held_ns = clock_now_ns() + AWAY_HOLD_NS;
        login->error[0] = '\0';
    }
    login->news_due = false;
}

int64_t login_held_ns(const struct login *login, int64_t now_ns)
{
    return login->held_ns > now_ns ? login->held_ns - now_ns : 0;
}
