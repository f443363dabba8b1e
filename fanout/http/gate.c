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
#include "fanout/http/raw_head.h"
#include "fanout/http/request_credentials.h"

/* Seconds for which a connection waits for an answer, and after which a client may try again when there is none. */
#define ANSWER_PATIENCE_S 25
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
    struct connection *connection; /* NULL: it is one of `unattended` */
    LIST_ENTRY(asking) link;
    struct visitor *visitor; /* of a right password */
    uint64_t generation;     /* of the users when it was asked */
    unsigned tries;
    int retry_s;
    enum password_answer answer;
    bool log_in, answered;
    char cookie[SESSION_COOKIE_SIZE]; /* of a log-in */
    char user[CREDENTIALS_USER_MAX + 1], password[CREDENTIALS_PASSWORD_MAX + 1];
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

static void free_unattended(struct asking *asking);

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
        while (!LIST_EMPTY(&gate->unattended)) {
            free_unattended(LIST_FIRST(&gate->unattended));
        }
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
    if (!asking->connection) {
        free_unattended(asking);
        return;
    }
    if (asking == asking->connection->asking) {
        secret_wipe(asking->password, sizeof(asking->password)); /* the early one's is still compared */
    }
    asking->gate->answered(asking->gate->context, asking->connection);
}

static void free_asking(struct asking *asking)
{
    password_link_cancel(&asking->gate->passwords, &asking->question);
    visitor_unref(asking->visitor);
    secret_wipe(asking, sizeof(*asking));
    free(asking);
}

static void free_unattended(struct asking *asking)
{
    LIST_REMOVE(asking, link);
    asking->gate->unattended_count--;
    free_asking(asking);
}

/*
 * Asks whether PASSWORD, which ADDRESS has sent, is USER's. 0, and *ASKING has the answer when it comes; or negative errno, and
 * it is NULL.
 */
static int begin_asking(struct gate *gate, struct connection *connection, const char *address,
                        const char *user, const char *password, bool log_in, struct asking **asking)
{
    struct asking *new = calloc(1, sizeof(*new));

    *asking = NULL;
    if (!new) {
        return -ENOMEM;
    }
    *new = (struct asking){.gate = gate, .connection = connection, .log_in = log_in};
    new->question.answered = on_answer;
    snprintf(new->question.address, sizeof(new->question.address), "%s", address);
    snprintf(new->user, sizeof(new->user), "%s", user);
    snprintf(new->password, sizeof(new->password), "%s", password);
    int result = put_question(new);
    if (result < 0) {
        free_asking(new);
    } else {
        *asking = new;
    }
    return result;
}

/* Why it cannot be asked: RESULT is begin_asking's. */
static enum gate_verdict cannot_ask(struct gate *gate, int result)
{
    return result == -EBUSY ? slow(gate, 1) : busy(gate, 0);
}

/* Has the connection of WSI wait until it is known whether PASSWORD is USER's. */
static enum gate_verdict ask_password(struct gate *gate, struct lws *wsi, const struct http_request *request,
                                      const char *user, const char *password, bool log_in)
{
    struct connection *connection = lws_get_opaque_user_data(wsi);
    char address[INET6_ADDRSTRLEN];

    if (!connection || connection->asking) {
        return busy(gate, 0);
    }
    client_address_format(&request->client.address, address);
    int result = begin_asking(gate, connection, address, user, password, log_in, &connection->asking);
    if (result < 0) {
        return cannot_ask(gate, result);
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

bool gate_is_asking_early(const struct connection *connection)
{
    return connection->early && !connection->early->answered;
}

static void forget(struct asking **asking)
{
    if (*asking) {
        free_asking(*asking);
        *asking = NULL;
    }
}

void gate_forget(struct connection *connection)
{
    forget(&connection->asking);
}

void gate_forget_early(struct connection *connection)
{
    forget(&connection->early);
}

/*
 * The verdict that *ASKING has waited for, which is forgotten then. With GATE_OPEN *VISITOR is a reference, and COOKIE, unless
 * NULL, is set.
 */
static enum gate_verdict take_answer(struct asking **asking, struct visitor **visitor, char *cookie)
{
    struct gate *gate = (*asking)->gate;

    if (!(*asking)->answered) {
        return GATE_WAIT;
    }
    enum password_answer answer = (*asking)->answer;
    int retry_s = (*asking)->retry_s;
    *visitor = answer == PASSWORD_RIGHT ? visitor_ref((*asking)->visitor) : NULL;
    if (cookie && *visitor) {
        memcpy(cookie, (*asking)->cookie, SESSION_COOKIE_SIZE);
    }
    forget(asking);
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

/* ---- WebSockets ---- */

bool gate_believes_proxy(const struct gate *gate, const struct policy *policy, const struct in6_addr *peer)
{
    return access_proxy_user_header(gate->access) &&
           client_address_is_trusted(peer, &policy->trusted_proxies);
}

/* libwebsockets gives the first of several lines of one header only, and that may be the visitor's own. */
static bool is_doubled(const char *head, size_t length, const char *name)
{
    return name && raw_head_count(head, length, name) > 1;
}

static bool is_about(const struct asking *asking, const struct credentials *credentials)
{
    return asking && strcmp(asking->user, credentials->user) == 0 &&
           strcmp(asking->password, credentials->password) == 0 &&
           strcmp(asking->question.address, credentials->address) == 0;
}

/* Asks for the password in the gate's credentials, if that is what is needed. What has its answer is to be read now. */
static bool begin_early(struct gate *gate, struct connection *connection)
{
    const struct credentials *shown = &gate->credentials;
    struct visitor *visitor = NULL;

    if (shown->kind != CREDENTIAL_BASIC || is_about(connection->early, shown) ||
        access_judge(gate->access, shown, wall_s(), &visitor, NULL) != ACCESS_ASK_PASSWORD) {
        visitor_unref(visitor);
        return false;
    }
    gate_forget_early(connection);
    return begin_asking(gate, connection, shown->address, shown->user, shown->password, false,
                        &connection->early) == 0;
}

bool gate_ask_early(struct gate *gate, struct connection *connection, const struct policy *policy,
                    const char *head, size_t length)
{
    if (gate_believes_proxy(gate, policy, &connection->peer) &&
        (is_doubled(head, length, access_proxy_user_header(gate->access)) ||
         is_doubled(head, length, access_proxy_groups_header(gate->access)))) {
        connection->is_doubted = true;
    }
    if (!gate_is_on(gate) || raw_head_count(head, length, "Upgrade") == 0) {
        return false;
    }
    request_credentials_read_raw(connection, policy, head, length, gate->access, &gate->credentials);
    bool waits = begin_early(gate, connection);
    credentials_wipe(&gate->credentials);
    if (waits) {
        lws_set_timeout(connection->wsi, PENDING_TIMEOUT_USER_REASON_BASE, ANSWER_PATIENCE_S);
    }
    return waits;
}

/* Nobody waits for the answer; but then it is known. */
static enum gate_verdict ask_for_next_try(struct gate *gate)
{
    const struct credentials *shown = &gate->credentials;
    struct asking *asking;

    if (gate->unattended_count >= GATE_UNATTENDED_MAX) {
        return busy(gate, 0);
    }
    int result = begin_asking(gate, NULL, shown->address, shown->user, shown->password, false, &asking);
    if (result < 0) {
        return cannot_ask(gate, result);
    }
    LIST_INSERT_HEAD(&gate->unattended, asking, link);
    gate->unattended_count++;
    return busy(gate, 1);
}

/* The gate's credentials are those of a request for a WebSocket, and their password must be checked. */
static enum gate_verdict judge_early(struct gate *gate, struct connection *connection,
                                     struct visitor **visitor)
{
    struct asking *early = connection ? connection->early : NULL;

    if (!is_about(early, &gate->credentials) || !early->answered) {
        return ask_for_next_try(gate);
    }
    if (early->answer == PASSWORD_RIGHT && early->generation != access_generation(gate->access)) {
        gate_forget_early(connection);
        return ask_for_next_try(gate); /* the users have changed since */
    }
    return take_answer(&connection->early, visitor, NULL);
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
                                  struct visitor **visitor)
{
    struct connection *connection = lws_get_opaque_user_data(wsi);
    const char *why = "";

    if (gate_is_asking(connection)) {
        return take_answer(&connection->asking, visitor, NULL);
    }
    if (!gate_is_on(gate)) {
        *visitor = visitor_ref(gate->anybody);
        return GATE_OPEN;
    }
    request_credentials_read(wsi, request, gate->access, &gate->credentials);
    enum access_verdict judged = access_judge(gate->access, &gate->credentials, wall_s(), visitor, &why);
    enum gate_verdict verdict = judged == ACCESS_GRANTED ? GATE_OPEN : GATE_LOG_IN;
    if (judged == ACCESS_ASK_PASSWORD) {
        verdict = request->is_upgrade ? judge_early(gate, connection, visitor)
                                      : ask_password(gate, wsi, request, gate->credentials.user,
                                                     gate->credentials.password, false);
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
        enum gate_verdict verdict = identify(gate, wsi, request, &visitor);
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

struct permit *gate_narrow(const struct permit *permit, const char *camera)
{
    if (!permit || !permit->visitor || !visitor_may_watch(permit->visitor, camera)) {
        return NULL;
    }
    return permit_new(GATE_CAMERA, visitor_ref(permit->visitor), camera);
}

bool gate_is_valid(struct gate *gate, const struct permit *permit)
{
    return permit && permit->visitor &&
           access_still_valid(gate->access, permit->visitor, wall_s()) == VISITOR_VALID;
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
    return visitor_may_watch(permit->visitor, permit->camera) ? NULL : GATE_HIDDEN_REASON;
}

/* ---- Log-in and log-out ---- */

enum gate_verdict gate_log_in(struct gate *gate, struct lws *wsi, const struct http_request *request,
                              const char *user, const char *password)
{
    char why[ACCESS_WHY_SIZE];

    if (!access_check_user(user, why) || strlen(password) > CREDENTIALS_PASSWORD_MAX) {
        return GATE_LOG_IN; /* nobody is called so, or has such a password */
    }
    return ask_password(gate, wsi, request, user, password, true);
}

enum gate_verdict gate_logged_in(struct gate *gate, struct lws *wsi, char cookie[SESSION_COOKIE_SIZE],
                                 struct permit **permit)
{
    struct connection *connection = lws_get_opaque_user_data(wsi);
    struct visitor *visitor = NULL;

    *permit = NULL;
    enum gate_verdict verdict = take_answer(&connection->asking, &visitor, cookie);
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
