/* SPDX-License-Identifier: MIT */
#include "supervisor/helpers/sessions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/access/access_value.h"
#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/process/state_file.h"

/* Of the file. */
#define FILE_VERSION 1

#define KEY_BYTES 32
#define KEY_DIGITS (2 * KEY_BYTES)
#define ID_DIGITS 32
#define TOKEN_ID_MAX 16

/* Users that have a time of their own in the file. */
#define SINCE_MAX 1000

/* A log-out may come from a fan-out whose clock was read a moment later. */
#define CLOCK_SLACK_S 60

struct sessions {
    struct state_file *file;
    char key[KEY_DIGITS + 1];
    json_t *ended;  /* {ID: {"until", "user"}}, the oldest first */
    json_t *counts; /* {USER: how many of them} */
    json_t *since;  /* {USER: time} */
    json_t *used;   /* {TOKEN ID: true} */
    bool changed;
};

static bool is_hex(const char *text, size_t digits)
{
    return text && strlen(text) == digits && strspn(text, "0123456789abcdef") == digits;
}

/* --- Ended sessions ------------------------------------------------------------------------------------- */

static json_int_t count_of(const struct sessions *sessions, const char *user)
{
    return json_integer_value(json_object_get(sessions->counts, user));
}

static void count(struct sessions *sessions, const char *user, int step)
{
    json_int_t now = count_of(sessions, user) + step;

    if (now > 0) {
        json_object_set_new(sessions->counts, user, json_integer(now));
    } else {
        json_object_del(sessions->counts, user);
    }
}

static void remember(struct sessions *sessions, const char *id, int64_t until, const char *user)
{
    json_object_set_new(sessions->ended, id,
                        json_pack("{s:I, s:s}", "until", (json_int_t)until, "user", user));
    count(sessions, user, 1);
}

static void forget(struct sessions *sessions, const char *id)
{
    count(sessions, message_string(json_object_get(sessions->ended, id), "user", ""), -1);
    json_object_del(sessions->ended, id);
    sessions->changed = true;
}

/* --- The file ------------------------------------------------------------------------------------------- */

static bool take_ended(struct sessions *sessions, const json_t *list)
{
    size_t index;
    const json_t *entry;

    json_array_foreach(list, index, entry) {
        const char *id = message_string(entry, "id", NULL), *user = message_string(entry, "user", "");
        if (!is_hex(id, ID_DIGITS) || index >= SESSIONS_ENDED_MAX) {
            return false;
        }
        json_object_set_new(
            sessions->ended, id,
            json_pack("{s:I, s:s}", "until", message_integer(entry, "until", 0), "user", user));
    }
    return json_is_array(list);
}

static bool take_since(struct sessions *sessions, json_t *object)
{
    const char *user;
    json_t *since;

    json_object_foreach(object, user, since) {
        if (!json_is_integer(since)) {
            return false;
        }
        json_object_set(sessions->since, user, since);
    }
    return json_is_object(object);
}

static bool take_used(struct sessions *sessions, const json_t *list)
{
    size_t index;
    const json_t *id;

    json_array_foreach(list, index, id) {
        if (!json_is_string(id) || index >= SESSIONS_USED_MAX) {
            return false;
        }
        json_object_set_new(sessions->used, json_string_value(id), json_true());
    }
    return json_is_array(list);
}

/* NULL: all is taken; otherwise what is wrong. */
static const char *take_file(struct sessions *sessions, const json_t *file)
{
    const char *key = message_string(file, "key", NULL);

    if (message_integer(file, "version", 0) != FILE_VERSION) {
        return "it is of another version";
    }
    if (!is_hex(key, KEY_DIGITS)) {
        return "it has no key";
    }
    if (!take_ended(sessions, json_object_get(file, "ended")) ||
        !take_since(sessions, json_object_get(file, "since")) ||
        !take_used(sessions, json_object_get(file, "used"))) {
        return "something in it cannot be understood";
    }
    memcpy(sessions->key, key, KEY_DIGITS + 1);
    return NULL;
}

static json_t *ended_list(const struct sessions *sessions)
{
    json_t *list = json_array(), *entry;
    const char *id;

    json_object_foreach(sessions->ended, id, entry) {
        json_array_append_new(list,
                              json_pack("{s:s, s:O, s:O}", "id", id, "until", json_object_get(entry, "until"),
                                        "user", json_object_get(entry, "user")));
    }
    return list;
}

static json_t *used_list(const struct sessions *sessions)
{
    json_t *list = json_array(), *value;
    const char *id;

    json_object_foreach(sessions->used, id, value) {
        json_array_append_new(list, json_string(id));
    }
    return list;
}

static int write_file(struct sessions *sessions, bool durable)
{
    json_t *file =
        json_pack("{s:i, s:s, s:o, s:O, s:o}", "version", FILE_VERSION, "key", sessions->key, "ended",
                  ended_list(sessions), "since", sessions->since, "used", used_list(sessions));
    int result = file ? state_file_replace(sessions->file, file, durable) : -ENOMEM;

    json_decref(file);
    return result;
}

/* Without a disk behind it, the key lasts as long as this ringcastd. */
static int make_key(struct sessions *sessions)
{
    unsigned char bytes[KEY_BYTES];

    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
        return -EIO;
    }
    for (size_t i = 0; i < KEY_BYTES; i++) {
        snprintf(sessions->key + 2 * i, 3, "%02x", bytes[i]);
    }
    secret_wipe(bytes, sizeof(bytes));
    int result = write_file(sessions, true);
    if (result < 0) {
        log_error(
            "%s cannot be written (%s): viewers will have to log in again when ringcastd is started again",
            state_file_path(sessions->file), strerror(-result));
    }
    return 0;
}

static void empty(struct sessions *sessions)
{
    json_object_clear(sessions->ended);
    json_object_clear(sessions->counts);
    json_object_clear(sessions->since);
    json_object_clear(sessions->used);
}

static int read_file(struct sessions *sessions)
{
    const char *problem = NULL;
    json_t *file = state_file_load(sessions->file, &problem);

    if (file) {
        problem = take_file(sessions, file);
        json_decref(file);
        if (!problem) {
            return 0;
        }
        empty(sessions);
    }
    if (problem) {
        state_file_put_aside(sessions->file, "viewers have to log in again", problem);
    }
    return make_key(sessions);
}

static void drop_over(struct sessions *sessions, int64_t now)
{
    const char *id;
    json_t *entry;
    void *next;

    json_object_foreach_safe(sessions->ended, next, id, entry) {
        if (message_integer(entry, "until", 0) <= now) {
            forget(sessions, id);
        }
    }
}

int sessions_open(const char *state_dir, const char *instance, int64_t now, struct sessions **made)
{
    struct sessions *sessions = calloc(1, sizeof(*sessions));
    char *name = NULL;
    int result = !sessions || asprintf(&name, "%s.sessions.json", instance) < 0 ? -ENOMEM : 0;

    if (result == 0) {
        sessions->ended = json_object();
        sessions->counts = json_object();
        sessions->since = json_object();
        sessions->used = json_object();
        result = !sessions->ended || !sessions->counts || !sessions->since || !sessions->used
                     ? -ENOMEM
                     : state_file_create(state_dir, name, &sessions->file);
    }
    free(name);
    if (result == 0) {
        result = read_file(sessions);
    }
    if (result < 0) {
        sessions_close(sessions);
        return result;
    }
    drop_over(sessions, now);
    *made = sessions;
    return 0;
}

void sessions_close(struct sessions *sessions)
{
    if (!sessions) {
        return;
    }
    json_decref(sessions->ended);
    json_decref(sessions->counts);
    json_decref(sessions->since);
    json_decref(sessions->used);
    state_file_destroy(sessions->file);
    secret_wipe(sessions, sizeof(*sessions));
    free(sessions);
}

bool sessions_write(struct sessions *sessions, int64_t now)
{
    drop_over(sessions, now);
    if (!sessions->changed) {
        return true;
    }
    int result = write_file(sessions, false);
    if (result < 0) {
        log_error("%s cannot be written (%s): a session that was ended may come back when ringcastd is "
                  "started again",
                  state_file_path(sessions->file), strerror(-result));
    }
    sessions->changed = result < 0;
    return result == 0;
}

const char *sessions_key(const struct sessions *sessions)
{
    return sessions->key;
}

/* --- Sessions ------------------------------------------------------------------------------------------- */

json_t *sessions_ended(const struct sessions *sessions, int64_t now)
{
    json_t *list = json_array(), *entry;
    const char *id;

    json_object_foreach(sessions->ended, id, entry) {
        if (message_integer(entry, "until", 0) > now) {
            json_array_append_new(
                list, json_pack("{s:s, s:O}", "id", id, "until", json_object_get(entry, "until")));
        }
    }
    return list;
}

int64_t sessions_since(const struct sessions *sessions, const char *user)
{
    return json_integer_value(json_object_get(sessions->since, user));
}

/* USER's sessions up to NOW are void, in place of the list of those that have ended. */
static void void_all(struct sessions *sessions, const char *user, int64_t now)
{
    const char *id;
    json_t *entry;
    void *next;

    json_object_foreach_safe(sessions->ended, next, id, entry) {
        if (strcmp(message_string(entry, "user", ""), user) == 0) {
            forget(sessions, id);
        }
    }
    json_object_set_new(sessions->since, user, json_integer(now + 1));
    log_warning("user %s: logged out everywhere, after more than %d log-outs", user, SESSIONS_ENDED_OF_USER);
}

static bool is_too_much(const struct sessions *sessions, const char *user)
{
    bool room = json_object_size(sessions->since) < SINCE_MAX || json_object_get(sessions->since, user);

    return user[0] != '\0' && room && count_of(sessions, user) >= SESSIONS_ENDED_OF_USER;
}

bool sessions_end(struct sessions *sessions, const char *id, int64_t until, const char *user, int64_t longest,
                  int64_t now)
{
    int64_t latest = now + longest + CLOCK_SLACK_S;
    const char *of = user && strlen(user) <= ACCESS_USER_MAX ? user : "";

    if (!is_hex(id, ID_DIGITS) || json_object_get(sessions->ended, id) || until <= now) {
        return false;
    }
    sessions->changed = true;
    if (is_too_much(sessions, of)) {
        void_all(sessions, of, now);
        return true;
    }
    if (json_object_size(sessions->ended) >= SESSIONS_ENDED_MAX) {
        drop_over(sessions, now);
    }
    if (json_object_size(sessions->ended) >= SESSIONS_ENDED_MAX) {
        forget(sessions, json_object_iter_key(json_object_iter(sessions->ended)));
    }
    remember(sessions, id, until < latest ? until : latest, of);
    return true;
}

/* --- Tokens --------------------------------------------------------------------------------------------- */

bool sessions_use_token(struct sessions *sessions, const char *id)
{
    if (!id || id[0] == '\0' || strlen(id) > TOKEN_ID_MAX || text_has_control(id) ||
        json_object_get(sessions->used, id)) {
        return false;
    }
    if (json_object_size(sessions->used) >= SESSIONS_USED_MAX) {
        json_object_del(sessions->used, json_object_iter_key(json_object_iter(sessions->used)));
    }
    json_object_set_new(sessions->used, id, json_true());
    sessions->changed = true;
    return true;
}

bool sessions_token_used(const struct sessions *sessions, const char *id)
{
    return json_object_get(sessions->used, id);
}

void sessions_keep_tokens(struct sessions *sessions, const json_t *tokens)
{
    json_t *there = json_object();
    const json_t *token;
    json_t *value;
    const char *id;
    size_t index;
    void *next;

    json_array_foreach(tokens, index, token) {
        json_object_set_new(there, message_string(token, "id", ""), json_true());
    }
    json_object_foreach_safe(sessions->used, next, id, value) {
        if (!json_object_get(there, id)) {
            json_object_del(sessions->used, id);
            sessions->changed = true;
        }
    }
    json_decref(there);
}
