/* SPDX-License-Identifier: MIT */
#include "supervisor/camera/logins.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/text.h"
#include "common/config/camera_url.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/camera/login_ledger.h"
#include "supervisor/process/state_file.h"

/* Of the file, not of the control protocol. */
#define FILE_VERSION 1

/* Random bytes that make fingerprints of this file useless for any other. */
#define SALT_BYTES 16

/* Bytes of an error text, as workers have it. */
#define WORDS_SIZE 256

/* Characters of a host in it. */
#define WORDS_HOST_MAX 60

/* "2026-11-29 11:42:10" */
#define TIME_SIZE 20

#define TIME_OF_DAY (sizeof("2026-11-29 ") - 1)

#define DAY_MS INT64_C(86400000)

struct login_client {
    STAILQ_ENTRY(login_client) next;
    struct logins *logins;
    char *stream;
    void (*send)(void *data, const json_t *message);
    void *data;
    char *host, *user;  /* NULL: no credentials */
    uint64_t hash;      /* of user name and password; the ledger and the file have 16 bits of it */
    json_int_t waiting; /* the question that is queued; 0: none */
    int64_t held_ms;    /* until when the worker knows that it is held; 0: it is not */
    bool asked;         /* the present worker has come to a log-in */
    bool doubted;       /* it knows that another stream was refused */
    bool deaf;          /* the present worker has other credentials */
};

STAILQ_HEAD(client_list, login_client);

struct logins {
    struct login_ledger *ledger;
    struct state_file *file; /* NULL: nothing is kept */
    unsigned char salt[SALT_BYTES];
    bool complained; /* the log knows that the file cannot be written */
    struct client_list clients;
};

static int64_t now_ms(void)
{
    return (int64_t)clock_now_ms();
}

/* --- The file ------------------------------------------------------------------------------------------- */

static json_t *salt_to_json(const struct logins *logins)
{
    char text[SALT_BYTES * 2 + 1];

    for (size_t i = 0; i < SALT_BYTES; i++) {
        snprintf(text + i * 2, 3, "%02x", logins->salt[i]);
    }
    return json_string(text);
}

static int read_salt(struct logins *logins, const char *text)
{
    unsigned char salt[SALT_BYTES];

    if (!text || strlen(text) != sizeof(salt) * 2) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < sizeof(salt); i++) {
        int high = text_hex_digit(text[i * 2]), low = text_hex_digit(text[i * 2 + 1]);
        if (high < 0 || low < 0) {
            return -EBADMSG;
        }
        salt[i] = (unsigned char)(high << 4 | low);
    }
    memcpy(logins->salt, salt, sizeof(salt));
    return 0;
}

static int read_file(struct logins *logins, const char **problem)
{
    json_t *file = state_file_load(logins->file, problem);
    int result = 0;

    if (!file) {
        return *problem ? -EBADMSG : 0;
    }
    *problem = "it is damaged";
    if (message_integer(file, "v", 0) != FILE_VERSION) {
        *problem = "it is of another version";
        result = -EBADMSG;
    }
    if (result == 0) {
        result = read_salt(logins, message_string(file, "salt", NULL));
    }
    if (result == 0) {
        result = login_ledger_from_json(logins->ledger, json_object_get(file, "ledger"), now_ms());
    }
    json_decref(file);
    return result;
}

/* It is written often while cameras are wrong, and need not outlive a power cut. */
static void keep(struct logins *logins)
{
    if (!login_ledger_changed(logins->ledger) || !logins->file) {
        return;
    }
    json_t *file = json_pack("{s:i, s:o, s:o}", "v", FILE_VERSION, "salt", salt_to_json(logins), "ledger",
                             login_ledger_to_json(logins->ledger, now_ms()));
    int result = file ? state_file_replace(logins->file, file, false) : -ENOMEM;
    json_decref(file);
    if (result < 0 && !logins->complained) {
        log_warning(
            "%s cannot be written (%s): a restart of ringcastd forgets which log-ins cameras have refused",
            state_file_path(logins->file), strerror(-result));
    }
    logins->complained = result < 0;
}

int logins_open(const char *state_dir, const char *instance, struct logins **made)
{
    struct logins *logins = calloc(1, sizeof(*logins));
    const char *problem = NULL;
    char *name = NULL;
    int result = !logins || !(logins->ledger = login_ledger_create()) ? -ENOMEM : 0;

    if (logins) {
        STAILQ_INIT(&logins->clients);
    }
    if (result == 0 && getrandom(logins->salt, SALT_BYTES, 0) != SALT_BYTES) {
        result = -EIO;
    }
    if (result == 0 && state_dir) {
        result = asprintf(&name, "%s.logins.json", instance) < 0
                     ? -ENOMEM
                     : state_file_create(state_dir, name, &logins->file);
        free(name);
    }
    if (result == 0 && logins->file) {
        result = read_file(logins, &problem);
    }
    if (result == -EBADMSG) {
        state_file_put_aside(logins->file, "it is not known which log-ins cameras have refused", problem);
        result = 0;
    }
    if (result < 0) {
        logins_close(logins);
        return result;
    }
    tzset();
    *made = logins;
    return 0;
}

void logins_close(struct logins *logins)
{
    if (!logins) {
        return;
    }
    login_ledger_destroy(logins->ledger);
    state_file_destroy(logins->file);
    free(logins);
}

/* --- Words ---------------------------------------------------------------------------------------------- */

/* The time of day AHEAD_MS from now, which may be negative, with its date if that is not of today. */
static void format_time(int64_t ahead_ms, char out[TIME_SIZE])
{
    time_t at = (time_t)((clock_wall_ns() / NS_PER_MS + ahead_ms) / MS_PER_SECOND);
    struct tm local;

    out[0] = '\0';
    if (localtime_r(&at, &local)) {
        strftime(out, TIME_SIZE, "%Y-%m-%d %H:%M:%S", &local);
    }
    if (ahead_ms > -DAY_MS && ahead_ms < DAY_MS) {
        memmove(out, out + TIME_OF_DAY, strlen(out + TIME_OF_DAY) + 1);
    }
}

/* What comes last is what may be cut: a long name. */
static void write_words(const struct login_client *client, const struct login_answer *answer,
                        char out[WORDS_SIZE])
{
    char next[TIME_SIZE], since[TIME_SIZE], count[64] = "", text[WORDS_SIZE * 2];
    const char *what = answer->forbidden ? "the camera forbids this username, password or stream (403)"
                                         : "the camera refuses the username or password (401)";

    format_time(answer->wait_ms, next);
    if (answer->refused > 0) {
        format_time(-answer->refused_ms, since);
        snprintf(count, sizeof(count), ", %u log-in%s since %s", answer->refused,
                 answer->refused == 1 ? "" : "s", since);
    } else {
        what = "log-ins were refused here";
    }
    snprintf(text, sizeof(text),
             "%.*s: %s%s%s; next try at %s. It may have locked the account: check both, then ringcastctl "
             "restart %s",
             WORDS_HOST_MAX, client->host, what, count, answer->capped ? ", 5 in 10 minutes at most" : "",
             next, client->stream);
    text_escape(out, WORDS_SIZE, text); /* the host may be cut within a character */
}

/* --- Answers -------------------------------------------------------------------------------------------- */

static struct login_key key_of(const struct login_client *client)
{
    uint64_t hash = client->hash;

    return (struct login_key){.host = client->host,
                              .user = client->user,
                              .fingerprint = (uint16_t)(hash ^ hash >> 16 ^ hash >> 32 ^ hash >> 48)};
}

/* ID 0: news for a worker that has not asked. */
static void answer(struct login_client *client, json_int_t id, const struct login_answer *answer)
{
    static const char *const verdicts[] = {
        [LOGIN_GRANTED] = "granted", [LOGIN_QUEUED] = "queued", [LOGIN_HELD] = "held"};
    bool held = answer->verdict == LOGIN_HELD;
    char words[WORDS_SIZE];

    client->held_ms = held ? now_ms() + answer->wait_ms : 0;
    if (held) {
        write_words(client, answer, words);
    }
    json_t *message =
        message_pack("login-answer", "{s:I, s:s, s:I, s:s?}", "id", id, "verdict", verdicts[answer->verdict],
                     "wait_ms", (json_int_t)(held ? answer->wait_ms : 0), "error", held ? words : NULL);
    if (message) {
        client->send(client->data, message);
    }
    json_decref(message);
}

static void tell_hold(struct login_client *client)
{
    const struct login_key key = key_of(client);
    struct login_answer now = login_ledger_look(client->logins->ledger, &key, client->stream, now_ms());

    answer(client, 0, &now);
}

/* Sends workers that wait to log in a hold that begins or ends. */
static void tell_changed_hold(struct login_client *client)
{
    const struct login_key key = key_of(client);
    int64_t now = now_ms();
    struct login_answer hold = login_ledger_look(client->logins->ledger, &key, client->stream, now);
    int64_t until = hold.verdict == LOGIN_HELD ? now + hold.wait_ms : 0;

    if (client->asked && !client->deaf && until != client->held_ms) {
        answer(client, 0, &hold);
    }
}

/*
 * The other streams with CLIENT's credentials learn what has become of them. Sessions that play send them without asking, with
 * every keepalive: when a password is changed at the camera, each would be refused once.
 */
static void tell_doubt(struct login_client *client, const char *doubt)
{
    json_t *message = message_pack("login-doubt", "{s:s}", "doubt", doubt);
    bool begins = strcmp(doubt, "none") != 0;
    struct login_client *other;

    STAILQ_FOREACH(other, &client->logins->clients, next) {
        bool same = other->host && other->hash == client->hash && strcmp(other->host, client->host) == 0;
        if (message && other != client && same && !other->deaf && (begins || other->doubted)) {
            other->doubted = begins;
            other->send(other->data, message);
        }
    }
    json_decref(message);
}

/* CLIENT was refused or accepted, and the ledger knows. WORKED: the credentials had worked for it. */
static void spread(struct login_client *client, const char *result, bool more, bool worked)
{
    if (strcmp(result, "refused") == 0 && worked) {
        tell_doubt(client, more ? "open" : "refused");
    } else if (strcmp(result, "accepted") == 0) {
        client->doubted = false;
        tell_doubt(client, "none");
    }
}

static void ask_again(struct login_client *client)
{
    const struct login_key key = key_of(client);
    struct login_answer now = login_ledger_ask(client->logins->ledger, &key, client->stream, now_ms());
    json_int_t id = client->waiting;

    if (now.verdict != LOGIN_QUEUED) {
        client->waiting = 0;
        keep(client->logins);
        answer(client, id, &now);
    }
}

/* Something changed at HOST: those that wait there may go on, or need not wait any more. */
static void review(struct logins *logins, const char *host)
{
    struct login_client *client;

    keep(logins);
    STAILQ_FOREACH(client, &logins->clients, next) {
        if (!client->host || strcmp(client->host, host) != 0) {
            continue;
        }
        if (client->waiting != 0) {
            ask_again(client);
        } else {
            tell_changed_hold(client);
        }
    }
}

/* --- What workers say ----------------------------------------------------------------------------------- */

static void take_question(struct login_client *client, json_int_t id, bool playing)
{
    const struct login_key key = key_of(client);
    struct login_ledger *ledger = client->logins->ledger;
    struct login_answer now = playing ? login_ledger_ask_playing(ledger, &key, client->stream, now_ms())
                                      : login_ledger_ask(ledger, &key, client->stream, now_ms());

    client->asked = true;
    client->waiting = now.verdict == LOGIN_QUEUED ? id : 0;
    keep(client->logins); /* before the camera can know of it */
    answer(client, id, &now);
}

static void take_result(struct login_client *client, const json_t *message)
{
    struct login_ledger *ledger = client->logins->ledger;
    const char *result = message_string(message, "result", "");
    bool more = message_boolean(message, "more", false);
    const struct login_key key = key_of(client);
    int64_t now = now_ms();
    bool worked = login_ledger_proven(ledger, &key, client->stream);

    client->waiting = 0;
    if (strcmp(result, "accepted") == 0) {
        login_ledger_accepted(ledger, &key, client->stream, now);
    } else if (strcmp(result, "refused") == 0) {
        login_ledger_refused(ledger, &key, client->stream, more, now);
    } else if (strcmp(result, "forbidden") == 0) {
        login_ledger_forbidden(ledger, &key, client->stream, now);
    } else {
        login_ledger_unanswered(ledger, &key, client->stream, now);
    }
    if (strcmp(result, "accepted") != 0 && !more) {
        client->asked = true;
        tell_hold(client); /* the worker waits for this */
    }
    spread(client, result, more, worked);
    review(client->logins, client->host);
}

bool logins_said(struct login_client *client, const json_t *message)
{
    json_int_t id = message_integer(message, "id", 0);
    bool question = message_is(message, "login-ask");

    if (!question && !message_is(message, "login-result")) {
        return false;
    }
    if (!client->host || client->deaf) {
        return true;
    }
    if (question) {
        take_question(client, id, message_boolean(message, "playing", false));
    } else {
        take_result(client, message);
    }
    return true;
}

void logins_gone(struct login_client *client)
{
    client->asked = client->deaf = client->doubted = false;
    client->waiting = 0;
    client->held_ms = 0;
    if (client->host) {
        const struct login_key key = key_of(client);
        login_ledger_lost(client->logins->ledger, &key, client->stream, now_ms());
        review(client->logins, client->host);
    }
}

json_t *logins_describe(struct login_client *client)
{
    char words[WORDS_SIZE];

    client->deaf = false;
    if (!client->host) {
        return NULL;
    }
    const struct login_key key = key_of(client);
    struct login_ledger *ledger = client->logins->ledger;
    struct login_answer hold = login_ledger_look(ledger, &key, client->stream, now_ms());
    bool held = hold.verdict == LOGIN_HELD;
    if (held) {
        write_words(client, &hold, words);
    }
    client->asked = held;
    client->held_ms = held ? now_ms() + hold.wait_ms : 0;
    return json_pack("{s:b, s:I, s:s?}", "proven", login_ledger_proven(ledger, &key, client->stream),
                     "wait_ms", (json_int_t)(held ? hold.wait_ms : 0), "error", held ? words : NULL);
}

bool logins_pending(const struct login_client *client)
{
    if (!client->host) {
        return false;
    }
    const struct login_key key = key_of(client);
    return login_ledger_pending(client->logins->ledger, &key, client->stream);
}

void logins_taken_over(struct login_client *client, bool pending)
{
    json_decref(logins_describe(client));
    client->asked = true;
    if (client->host && pending) {
        const struct login_key key = key_of(client);
        login_ledger_resume(client->logins->ledger, &key, client->stream, now_ms());
    }
}

void logins_lift(struct login_client *client)
{
    if (client->host) {
        const struct login_key key = key_of(client);
        login_ledger_lift(client->logins->ledger, &key);
        review(client->logins, client->host);
    }
}

/* --- Clients -------------------------------------------------------------------------------------------- */

/* "Cam.example:554" is "cam.example", "[fe80::1]:554" is "fe80::1". A new string; NULL: out of memory. */
static char *host_alone(const char *authority)
{
    bool bracketed = authority[0] == '[';
    const char *begin = authority + bracketed;
    char *host = strndup(begin, strcspn(begin, bracketed ? "]" : ":"));

    for (char *c = host; c && *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    return host;
}

static uint64_t hash_of(const struct logins *logins, const char *user, const char *password)
{
    uint64_t hash = hash_add(HASH_START, logins->salt, SALT_BYTES);

    hash = hash_add(hash, user, strlen(user) + 1);
    return hash_add(hash, password, strlen(password));
}

/* As the worker takes them (source_rtsp.c): the plain fields, or else those of the URL. */
static int take_credentials(struct login_client *client, const struct camera_task *task)
{
    struct camera_url url;
    int result = camera_url_parse(task->url, &url);

    if (result < 0) {
        return result == -ENOMEM ? result : 0; /* a file, which needs none */
    }
    const char *user = task->username ? task->username : url.username;
    const char *password = task->username ? task->password : url.password;
    if (user) {
        client->host = host_alone(url.host);
        client->user = strdup(user);
        client->hash = hash_of(client->logins, user, password ? password : "");
        result = client->host && client->user ? 0 : -ENOMEM;
    }
    camera_url_finish(&url);
    return result;
}

static void drop_credentials(struct login_client *client)
{
    free(client->host);
    free(client->user);
    client->host = client->user = NULL;
}

struct login_client *logins_join(struct logins *logins, const char *stream, const struct camera_task *task,
                                 void (*send)(void *data, const json_t *message), void *data)
{
    struct login_client *client = calloc(1, sizeof(*client));

    if (!client) {
        return NULL;
    }
    *client = (struct login_client){.logins = logins, .stream = strdup(stream), .send = send, .data = data};
    STAILQ_INSERT_TAIL(&logins->clients, client, next);
    if (!client->stream || take_credentials(client, task) < 0) {
        logins_leave(client);
        return NULL;
    }
    return client;
}

void logins_leave(struct login_client *client)
{
    if (!client) {
        return;
    }
    if (client->host && client->stream) {
        logins_gone(client);
    }
    STAILQ_REMOVE(&client->logins->clients, client, login_client, next);
    drop_credentials(client);
    free(client->stream);
    free(client);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

void logins_set(struct login_client *client, const struct camera_task *task)
{
    struct login_client next = {.logins = client->logins};

    if (take_credentials(&next, task) < 0) {
        log_warning("camera %s: out of memory: its log-in is the one of before", client->stream);
        drop_credentials(&next);
        return;
    }
    if (same_text(next.host, client->host) && same_text(next.user, client->user) &&
        next.hash == client->hash) {
        drop_credentials(&next);
        return;
    }
    logins_gone(client);
    drop_credentials(client);
    client->host = next.host;
    client->user = next.user;
    client->hash = next.hash;
    client->deaf = true;
    logins_lift(client);
}
