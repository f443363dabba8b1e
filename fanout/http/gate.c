/* SPDX-License-Identifier: MIT */
#include "fanout/http/gate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/access/access_value.h"
#include "common/base/clock.h"
#include "common/base/secret.h"
#include "fanout/http/http_request.h"
#include "fanout/http/request_credentials.h"

/* Seconds for which a connection waits for an answer, and after which a client may try again when there is none. */
#define ANSWER_PATIENCE_S 30
#define BUSY_RETRY_S 2

/* How often the same question is put when the users change while it is answered. */
#define TRIES_MAX 3

struct permit {
    unsigned references;
    enum gate_right right;
    struct visitor *visitor; /* NULL for GATE_PUBLIC */
    char camera[];           /* "" unless it is for a camera */
};

/* What a connection waits for. */
struct asking {
    struct password_question question;
    struct gate *gate;
    struct connection *connection;
    struct visitor *visitor; /* of a right password */
    uint64_t generation;     /* of the users when it was asked */
    unsigned tries;
    int retry_s;
    enum password_answer answer;
    bool log_in, answered;
    char cookie[SESSION_COOKIE_SIZE]; /* of a log-in */
    char user[CREDENTIALS_USER_MAX + 1], password[CREDENTIALS_PASSWORD_MAX + 1];
    char camera[HTTP_REQUEST_PATH_SIZE];
};

static int64_t wall_s(void)
{
    return clock_wall_ns() / NS_PER_SECOND;
}

/* ---- Permits ---- */

/* VISITOR becomes the permit's, also without memory. NULL: no memory. */
static struct permit *permit_new(enum gate_right right, struct visitor *visitor, const char *camera)
{
    size_t length = strlen(camera);
    struct permit *permit = malloc(sizeof(*permit) + length + 1);

    if (!permit) {
        visitor_unref(visitor);
        return NULL;
    }
    *permit = (struct permit){.references = 1, .right = right, .visitor = visitor};
    memcpy(permit->camera, camera, length + 1);
    return permit;
}

struct permit *permit_ref(struct permit *permit)
{
    permit->references++;
    return permit;
}

void permit_unref(struct permit *permit)
{
    if (permit && --permit->references == 0) {
        visitor_unref(permit->visitor);
        free(permit);
    }
}

bool permit_covers(const struct permit *permit, enum gate_right right, const char *camera)
{
    return permit && permit->right >= right && (right != GATE_CAMERA || strcmp(permit->camera, camera) == 0);
}

const struct visitor *permit_visitor(const struct permit *permit)
{
    return permit ? permit->visitor : NULL;
}

/* ---- The gate ---- */

int gate_init(struct gate *gate, struct loop *loop, const struct gate_reports *reports)
{
    *gate = (struct gate){.loop = loop, .reports = *reports};
    password_link_init(&gate->passwords);
    gate->access = access_new();
    gate->anybody = visitor_new(VISITOR_ANONYMOUS);
    return gate->access && gate->anybody ? 0 : -ENOMEM;
}

void gate_end(struct gate *gate)
{
    if (gate->loop) {
        password_link_finish(&gate->passwords);
    }
}

void gate_finish(struct gate *gate)
{
    access_free(gate->access);
    visitor_unref(gate->anybody);
    secret_wipe(gate, sizeof(*gate));
}

int gate_take_access(struct gate *gate, int document, int once)
{
    return access_take(gate->access, document, once);
}

int gate_take_passwords(struct gate *gate, int channel)
{
    return password_link_connect(&gate->passwords, gate->loop, channel);
}

bool gate_is_on(const struct gate *gate)
{
    return access_is_on(gate->access);
}

/* ---- Asking ringcast-password ---- */

static enum gate_verdict busy(struct gate *gate, int retry_s)
{
    gate->retry_s = retry_s > 0 ? retry_s : BUSY_RETRY_S;
    return GATE_BUSY;
}

static enum gate_verdict slow(struct gate *gate, int retry_s)
{
    gate->retry_s = retry_s > 0 ? retry_s : BUSY_RETRY_S;
    return GATE_SLOW;
}

static int put_question(struct asking *asking)
{
    struct gate *gate = asking->gate;

    asking->tries++;
    asking->generation = access_generation(gate->access);
    return password_link_ask(&gate->passwords, &asking->question, asking->user, asking->password);
}

/* A password that was right: who that is. 0 or negative errno. */
static int take_visitor(struct asking *asking)
{
    struct access *access = asking->gate->access;

    return asking->log_in
               ? access_begin_session(access, asking->user, asking->generation, wall_s(), asking->cookie,
                                      &asking->visitor)
               : access_password_right(access, asking->question.address, asking->user, asking->password,
                                       asking->generation, wall_s(), &asking->visitor);
}

static void on_answer(struct password_question *question, enum password_answer answer, int retry_s)
{
    struct asking *asking = (struct asking *)question; /* its first member */
    int result = answer == PASSWORD_RIGHT ? take_visitor(asking) : 0;

    if (result == -ESTALE && asking->tries < TRIES_MAX && put_question(asking) == 0) {
        return; /* the users have changed since it was asked */
    }
    if (result < 0) {
        answer = result == -ENOENT ? PASSWORD_WRONG : PASSWORD_NOBODY;
    }
    asking->answer = answer;
    asking->retry_s = retry_s;
    asking->answered = true;
    secret_wipe(asking->password, sizeof(asking->password));
    asking->gate->answered(asking->gate->context, asking->connection);
}

/* Has the connection of WSI wait until it is known whether PASSWORD is USER's. */
static enum gate_verdict ask_password(struct gate *gate, struct lws *wsi, const struct http_request *request,
                                      const char *user, const char *password, bool log_in, const char *camera)
{
    struct connection *connection = lws_get_opaque_user_data(wsi);
    struct asking *asking = connection && !connection->asking ? calloc(1, sizeof(*asking)) : NULL;

    if (!asking) {
        return busy(gate, 0);
    }
    *asking = (struct asking){.gate = gate, .connection = connection, .log_in = log_in};
    asking->question.answered = on_answer;
    client_address_format(&request->client.address, asking->question.address);
    snprintf(asking->user, sizeof(asking->user), "%s", user);
    snprintf(asking->password, sizeof(asking->password), "%s", password);
    snprintf(asking->camera, sizeof(asking->camera), "%s", camera ? camera : "");
    connection->asking = asking;
    int result = put_question(asking);
    if (result < 0) {
        gate_forget(connection);
        return result == -EBUSY ? slow(gate, 1) : busy(gate, 0);
    }
    lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, ANSWER_PATIENCE_S);
    return GATE_WAIT;
}

bool gate_is_asking(const struct connection *connection)
{
    return connection && connection->asking;
}

bool gate_has_answer(const struct connection *connection)
{
    return gate_is_asking(connection) && connection->asking->answered;
}

const char *gate_asked_camera(const struct connection *connection)
{
    return connection->asking->camera;
}

void gate_forget(struct connection *connection)
{
    struct asking *asking = connection->asking;

    if (asking) {
        connection->asking = NULL;
        password_link_cancel(&asking->gate->passwords, &asking->question);
        visitor_unref(asking->visitor);
        secret_wipe(asking, sizeof(*asking));
        free(asking);
    }
}

/* The verdict that CONNECTION has waited for. With GATE_OPEN *VISITOR is a reference, and COOKIE, unless NULL, is set. */
static enum gate_verdict take_answer(struct connection *connection, struct visitor **visitor, char *cookie)
{
    struct asking *asking = connection->asking;
    struct gate *gate = asking->gate;

    if (!asking->answered) {
        return GATE_WAIT;
    }
    enum password_answer answer = asking->answer;
    int retry_s = asking->retry_s;
    *visitor = answer == PASSWORD_RIGHT ? visitor_ref(asking->visitor) : NULL;
    if (cookie && *visitor) {
        memcpy(cookie, asking->cookie, SESSION_COOKIE_SIZE);
    }
    gate_forget(connection);
    switch (answer) {
    case PASSWORD_RIGHT:
        return GATE_OPEN;
    case PASSWORD_WRONG:
        return GATE_LOG_IN; /* ringcast-password tells of it */
    case PASSWORD_SLOW:
        return slow(gate, retry_s);
    case PASSWORD_NOBODY:
        break;
    }
    return busy(gate, retry_s);
}

/* ---- Questions ---- */

static void report_refused(struct gate *gate, const struct http_request *request, const char *what)
{
    char address[INET6_ADDRSTRLEN];

    client_address_format(&request->client.address, address);
    gate->reports.refused(gate->reports.context, address, what);
}

/* Who has made the request in WSI. With GATE_OPEN *VISITOR is a reference. */
static enum gate_verdict identify(struct gate *gate, struct lws *wsi, const struct http_request *request,
                                  const char *camera, struct visitor **visitor)
{
    struct connection *connection = lws_get_opaque_user_data(wsi);
    const char *why = "";

    if (gate_is_asking(connection)) {
        return take_answer(connection, visitor, NULL);
    }
    if (!gate_is_on(gate)) {
        *visitor = visitor_ref(gate->anybody);
        return GATE_OPEN;
    }
    request_credentials_read(wsi, request, gate->access, &gate->credentials);
    enum access_verdict judged = access_judge(gate->access, &gate->credentials, wall_s(), visitor, &why);
    enum gate_verdict verdict = judged == ACCESS_GRANTED ? GATE_OPEN : GATE_LOG_IN;
    if (judged == ACCESS_ASK_PASSWORD) {
        verdict = ask_password(gate, wsi, request, gate->credentials.user, gate->credentials.password, false,
                               camera);
    } else if (judged == ACCESS_REFUSED) {
        report_refused(gate, request, why);
    }
    credentials_wipe(&gate->credentials);
    return verdict;
}

enum gate_verdict gate_ask(struct gate *gate, struct lws *wsi, const struct http_request *request,
                           enum gate_right right, const char *camera, struct permit **permit)
{
    struct visitor *visitor = NULL;

    *permit = NULL;
    if (right != GATE_PUBLIC) {
        enum gate_verdict verdict = identify(gate, wsi, request, camera, &visitor);
        if (verdict != GATE_OPEN) {
            return verdict;
        }
    }
    if (right == GATE_CAMERA && !visitor_may_watch(visitor, camera)) {
        visitor_unref(visitor);
        return GATE_HIDDEN;
    }
    *permit = permit_new(right, visitor, right == GATE_CAMERA ? camera : "");
    return *permit ? GATE_OPEN : busy(gate, 0);
}

bool gate_begin_stream(struct gate *gate, struct permit *permit)
{
    bool used = false;
    int result = access_use_once(gate->access, permit->visitor, &used);

    if (used) {
        gate->reports.token_used(gate->reports.context, permit->visitor->token);
    }
    return result == 0;
}

const char *gate_end_of(struct gate *gate, const struct permit *permit, uint16_t *code)
{
    enum visitor_state state = access_still_valid(gate->access, permit->visitor, wall_s());
    if (state != VISITOR_VALID) {
        *code = GATE_CLOSE_LOG_IN;
        return visitor_state_reason(state);
    }
    *code = GATE_CLOSE_HIDDEN;
    return visitor_may_watch(permit->visitor, permit->camera) ? NULL : "no such camera";
}

/* ---- Log-in and log-out ---- */

enum gate_verdict gate_log_in(struct gate *gate, struct lws *wsi, const struct http_request *request,
                              const char *user, const char *password)
{
    char why[ACCESS_WHY_SIZE];

    if (!access_check_user(user, why) || strlen(password) > CREDENTIALS_PASSWORD_MAX) {
        return GATE_LOG_IN; /* nobody is called so, or has such a password */
    }
    return ask_password(gate, wsi, request, user, password, true, NULL);
}

enum gate_verdict gate_logged_in(struct gate *gate, struct lws *wsi, char cookie[SESSION_COOKIE_SIZE],
                                 struct permit **permit)
{
    struct connection *connection = lws_get_opaque_user_data(wsi);
    struct visitor *visitor = NULL;

    *permit = NULL;
    enum gate_verdict verdict = take_answer(connection, &visitor, cookie);
    if (verdict == GATE_OPEN) {
        *permit = permit_new(GATE_VISITOR, visitor, "");
        return *permit ? GATE_OPEN : busy(gate, 0);
    }
    return verdict;
}

bool gate_log_out(struct gate *gate, struct lws *wsi)
{
    char id[2 * TABLE_SESSION_ID_SIZE + 1];
    struct visitor *visitor = NULL;
    bool told = true;

    request_credentials_read_session(wsi, &gate->credentials);
    enum access_verdict judged = access_judge(gate->access, &gate->credentials, wall_s(), &visitor, NULL);
    credentials_wipe(&gate->credentials);
    if (judged == ACCESS_GRANTED && access_end_session(gate->access, visitor, id) == 0) {
        told = gate->reports.session_ended(gate->reports.context, id, visitor->expires, visitor->name);
    }
    visitor_unref(visitor);
    return told;
}
