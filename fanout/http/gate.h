/* SPDX-License-Identifier: MIT */
/*
 * The one place that decides what a request may have. Whoever wants something asks here and gets a permit or a
 * refusal. What sends content or joins a viewer takes a permit, and only gate.c can make one: a path that does
 * not ask does not compile. ringcast-fanout's only thread.
 *
 * Who makes a request is judged by common/visitor at once, but for a user's password, which ringcast-password checks: then
 * the verdict is GATE_WAIT, the gate calls `answered` when there is an answer, and the same question to it then gets the
 * verdict. libwebsockets cannot wait with a WebSocket, so the password of such a request is asked for before libwebsockets reads
 * it (gate_ask_early); if it was not, the verdict is GATE_BUSY, and the password is asked for nevertheless, for the next try.
 */
#ifndef FANOUT_HTTP_GATE_H
#define FANOUT_HTTP_GATE_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/visitor/access.h"
#include "common/visitor/credentials.h"
#include "fanout/http/http_request.h"
#include "fanout/http/password_link.h"
#include "fanout/loop/connections.h"

/* What is asked for. Each one includes those before it. */
enum gate_right {
    GATE_PUBLIC,  /* what everybody may have: the player's files */
    GATE_VISITOR, /* what every visitor may have: the wall, the list of his cameras */
    GATE_CAMERA,  /* one camera */
};

enum gate_verdict {
    GATE_OPEN,   /* here is the permit */
    GATE_HIDDEN, /* answered as what does not exist: 404 */
    GATE_LOG_IN, /* who it is was not shown, or is wrong: 401 */
    GATE_WAIT,   /* ringcast-password is asked */
    GATE_SLOW,   /* too many guesses: 429 */
    GATE_BUSY,   /* it cannot be found out now: 503 */
};

/* Close codes of a stream that ends for want of a permit (docs/reference/http.md). */
#define GATE_CLOSE_LOG_IN 4401
#define GATE_CLOSE_HIDDEN 4404
#define GATE_CLOSE_BUSY 1013

/* The same for what is refused after the WebSocket was accepted, because a browser does not tell its page of anything else. */
#define GATE_CLOSE_FOREIGN 4403
#define GATE_CLOSE_NO_STREAM 4410
#define GATE_HIDDEN_REASON "no such camera"
#define GATE_NO_STREAM_REASON "no such stream of this camera"
#define GATE_FOREIGN_REASON "this page may not show the cameras: its origin is not one that the server allows"

/* Questions for nobody who waits: at most so many at a time. */
#define GATE_UNATTENDED_MAX 16u

LIST_HEAD(asking_list, asking);

/* That somebody may have something. Counted: a stream keeps its permit. */
struct permit;

/* What the gate has to tell ringcastd. */
struct gate_reports {
    void *context;
    void (*refused)(void *context, const char *address,
                    const char *what);                 /* credentials were wrong: static text */
    void (*token_used)(void *context, const char *id); /* a token that may be used once was used */
    /* A session of USER was ended that would have lasted until then (Unix seconds). False: ringcastd cannot be told. */
    bool (*session_ended)(void *context, const char *id, int64_t until, const char *user);
};

struct gate {
    struct access *access;
    struct visitor *anybody; /* while nobody has to log in */
    struct loop *loop;
    struct password_link passwords;
    struct gate_reports reports;
    void (*answered)(void *context,
                     struct connection *connection); /* never from within a question to the gate */
    void *context;
    struct credentials credentials; /* those of the present question; wiped after it */
    struct asking_list unattended;  /* passwords that are asked for, for a next try */
    unsigned unattended_count;
    int retry_s; /* after GATE_SLOW and GATE_BUSY: when to ask again */
};

/* Then `answered` and `context` are to be set. 0 or negative errno. */
int gate_init(struct gate *gate, struct loop *loop, const struct gate_reports *reports);
/* Lets go of what the loop has; before the loop ends. Then gate_finish, when no connection is left. */
void gate_end(struct gate *gate);
void gate_finish(struct gate *gate);

/* Takes a new access document (access_take). The streams are to be looked through afterwards (gate_end_of). */
int gate_take_access(struct gate *gate, int document, int once);

/* ringcast-password is asked over CHANNEL from now on, which the loop owns. 0 or negative errno. */
int gate_take_passwords(struct gate *gate, int channel);

/* True if visitors must show who they are; also before there is a document. */
bool gate_is_on(const struct gate *gate);

/*
 * Asks for RIGHT on behalf of REQUEST, which came in WSI. CAMERA: its name, which may be that of no camera, for GATE_CAMERA;
 * otherwise NULL. With GATE_OPEN *PERMIT is a reference for the caller; otherwise it is NULL. GATE_WAIT is never for a
 * WebSocket. The steps are the same whether the camera is there or not.
 */
enum gate_verdict gate_ask(struct gate *gate, struct lws *wsi, const struct http_request *request,
                           enum gate_right right, const char *camera, struct permit **permit);

/*
 * HEAD, a head of LENGTH bytes, has come on CONNECTION and is not read by libwebsockets yet. True: it is for a WebSocket, and
 * ringcast-password is asked for its password; it is to be read when the gate has called `answered`, and is then not to wait
 * again. What HEAD shows is not believed: the credentials that libwebsockets reads must be the same.
 */
bool gate_ask_early(struct gate *gate, struct connection *connection, const struct policy *policy,
                    const char *head, size_t length);

/* Whether CONNECTION waits for what gate_ask_early has asked. */
bool gate_is_asking_early(const struct connection *connection);

/* Whether the word of a proxy on who the visitor is counts for what comes from PEER: then all heads must have been shown. */
bool gate_believes_proxy(const struct gate *gate, const struct policy *policy, const struct in6_addr *peer);

/* A permit for CAMERA for whom PERMIT stands, who is a visitor; a reference. NULL: he may not watch it, or no memory. */
struct permit *gate_narrow(const struct permit *permit, const char *camera);

/* True if PERMIT, of a visitor, still stands: what he may watch is asked with gate_narrow. */
bool gate_is_valid(struct gate *gate, const struct permit *permit);

/* Before a stream with PERMIT begins. False: its token may be used once, and another stream has used it meanwhile. */
bool gate_begin_stream(struct gate *gate, struct permit *permit);

/*
 * Why the stream that PERMIT is for must end now, a static text, with the close code in *CODE. NULL: it may go on.
 */
const char *gate_end_of(struct gate *gate, const struct permit *permit, uint16_t *code);

/* ---- Log-in ---- */

/* Whether CONNECTION waits for an answer from ringcast-password or has one that was not asked for yet. */
bool gate_is_asking(const struct connection *connection);
bool gate_has_answer(const struct connection *connection);

/* The request on CONNECTION needs no answer any more. */
void gate_forget(struct connection *connection);

/* The same for one that has not been read, and its answer: CONNECTION has ended. */
void gate_forget_early(struct connection *connection);

/* Begins a log-in: GATE_WAIT, after which gate_logged_in has the verdict; or why it cannot be. */
enum gate_verdict gate_log_in(struct gate *gate, struct lws *wsi, const struct http_request *request,
                              const char *user, const char *password);

/* With GATE_OPEN COOKIE is the session's and *PERMIT, a reference, is that of its visitor. */
enum gate_verdict gate_logged_in(struct gate *gate, struct lws *wsi, char cookie[SESSION_COOKIE_SIZE],
                                 struct permit **permit);

/*
 * Ends the session whose cookie the request in WSI has, if there is one, here and by ringcastd everywhere. False: ringcastd
 * cannot be told now, so try again. The streams are to be looked through afterwards.
 */
bool gate_log_out(struct gate *gate, struct lws *wsi);

/* ---- Permits ---- */

struct permit *permit_ref(struct permit *permit);

/* NULL is allowed. */
void permit_unref(struct permit *permit);

/* True if PERMIT, which may be NULL, is for RIGHT, and with GATE_CAMERA for that CAMERA. */
bool permit_covers(const struct permit *permit, enum gate_right right, const char *camera);

/* Whose it is. NULL: a public one, or no permit. */
const struct visitor *permit_visitor(const struct permit *permit);

#endif
