/* SPDX-License-Identifier: MIT */
#include "supervisor/camera/login_ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config.h"
#include "common/ipc/message.h"

/* Refusals of a host that are remembered: as many as L1 needs, and some that were not asked for. */
#define REFUSALS_KEPT 16

/* Rounds at one host at a time. */
#define ROUNDS_MAX 8

/* Refusals in one round: a camera has no more kinds of challenges. */
#define ROUND_REFUSALS_MAX 8

/* When a second stream was refused, it is known that credentials do not work any more. */
#define PLAYING_ROUNDS_MAX 1

/* Longest texts that are believed in a file. */
#define HOST_SIZE_MAX 4096
#define USER_SIZE_MAX 4096

/* Times in a file lie within this distance, about 30 years. */
#define AGE_MAX_MS INT64_C(1000000000000)

#define NO_HOLD INT64_MIN

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)

/* After the first, second … refusal; the last one goes on. What has never worked is most likely wrong. */
static const int64_t wrong_holds_ms[] = {30 * SECOND_MS, 5 * MINUTE_MS,  10 * MINUTE_MS,
                                         20 * MINUTE_MS, 40 * MINUTE_MS, 60 * MINUTE_MS};

/* What has worked may work again in a moment: cameras refuse log-ins while they start. */
static const int64_t lost_holds_ms[] = {SECOND_MS,      10 * SECOND_MS, MINUTE_MS,      5 * MINUTE_MS,
                                        10 * MINUTE_MS, 20 * MINUTE_MS, 40 * MINUTE_MS, 60 * MINUTE_MS};

struct credentials {
    char *user;
    uint16_t fingerprint;
    json_t *streams;    /* an object whose names are the streams for which they have worked */
    bool lost;          /* they have worked, and were refused then */
    bool forbidden;     /* the last refusal was 403 */
    unsigned refused;   /* since they last worked */
    int64_t refused_ms; /* when the first of them was */
    unsigned rounds;    /* that were refused, since then */
    unsigned holds;     /* how many there were */
    int64_t hold_ms;    /* until when; NO_HOLD */
    int64_t used_ms;
};

/* One stream's log-ins in a row. */
struct round {
    char stream[CONFIG_STREAM_NAME_MAX + 1];
    struct credentials *credentials;
    bool pending; /* a log-in is under way */
    bool
        playing; /* login_ledger_ask_playing: the file counts it as refused, because L1 has nothing to spare for it */
    int64_t since_ms;
    unsigned refused;
    int64_t refused_ms[ROUND_REFUSALS_MAX];
};

struct host {
    char *name;
    struct credentials *credentials[LOGIN_CREDENTIALS_MAX];
    size_t credentials_count;
    struct round rounds[ROUNDS_MAX];
    size_t round_count;
    int64_t refusals[REFUSALS_KEPT]; /* when, oldest first */
    size_t refusal_count;
    int64_t used_ms;
};

struct login_ledger {
    struct host **hosts;
    size_t count;
    bool changed;
};

/* --- Finding and making --------------------------------------------------------------------------------- */

static void free_credentials(struct credentials *credentials)
{
    if (!credentials) {
        return;
    }
    json_decref(credentials->streams);
    free(credentials->user);
    free(credentials);
}

static void free_host(struct host *host)
{
    if (!host) {
        return;
    }
    for (size_t i = 0; i < host->credentials_count; i++) {
        free_credentials(host->credentials[i]);
    }
    free(host->name);
    free(host);
}

static struct host *find_host(const struct login_ledger *ledger, const char *name)
{
    for (size_t i = 0; i < ledger->count; i++) {
        if (strcmp(ledger->hosts[i]->name, name) == 0) {
            return ledger->hosts[i];
        }
    }
    return NULL;
}

static struct credentials *find_credentials(const struct host *host, const struct login_key *key)
{
    for (size_t i = 0; host && i < host->credentials_count; i++) {
        struct credentials *credentials = host->credentials[i];
        if (credentials->fingerprint == key->fingerprint && strcmp(credentials->user, key->user) == 0) {
            return credentials;
        }
    }
    return NULL;
}

static struct round *find_round(struct host *host, const char *stream)
{
    for (size_t i = 0; host && i < host->round_count; i++) {
        if (strcmp(host->rounds[i].stream, stream) == 0) {
            return &host->rounds[i];
        }
    }
    return NULL;
}

static bool works_for(const struct credentials *credentials, const char *stream)
{
    return credentials && json_object_get(credentials->streams, stream);
}

static bool have_worked(const struct credentials *credentials)
{
    return json_object_size(credentials->streams) > 0;
}

/* Makes room for another host: the one that was used longest ago and has nothing under way goes. */
static void forget_host(struct login_ledger *ledger)
{
    size_t oldest = ledger->count;

    for (size_t i = 0; i < ledger->count; i++) {
        if (ledger->hosts[i]->round_count == 0 &&
            (oldest == ledger->count || ledger->hosts[i]->used_ms < ledger->hosts[oldest]->used_ms)) {
            oldest = i;
        }
    }
    if (oldest < ledger->count) {
        free_host(ledger->hosts[oldest]);
        ledger->hosts[oldest] = ledger->hosts[--ledger->count];
    }
}

static struct host *make_host(struct login_ledger *ledger, const char *name)
{
    struct host *host = find_host(ledger, name);

    if (host) {
        return host;
    }
    if (ledger->count >= LOGIN_HOSTS_MAX) {
        forget_host(ledger);
    }
    struct host **hosts = reallocarray(ledger->hosts, ledger->count + 1, sizeof(struct host *));
    if (!hosts) {
        return NULL;
    }
    ledger->hosts = hosts;
    host = calloc(1, sizeof(*host));
    if (!host || !(host->name = strdup(name))) {
        free(host);
        return NULL;
    }
    ledger->hosts[ledger->count++] = host;
    return host;
}

static bool is_under_way(const struct host *host, const struct credentials *credentials)
{
    for (size_t i = 0; i < host->round_count; i++) {
        if (host->rounds[i].credentials == credentials) {
            return true;
        }
    }
    return false;
}

static void forget_credentials(struct host *host)
{
    size_t oldest = host->credentials_count;

    for (size_t i = 0; i < host->credentials_count; i++) {
        if (!is_under_way(host, host->credentials[i]) &&
            (oldest == host->credentials_count ||
             host->credentials[i]->used_ms < host->credentials[oldest]->used_ms)) {
            oldest = i;
        }
    }
    if (oldest < host->credentials_count) {
        free_credentials(host->credentials[oldest]);
        host->credentials[oldest] = host->credentials[--host->credentials_count];
    }
}

static struct credentials *make_credentials(struct host *host, const struct login_key *key)
{
    struct credentials *credentials = find_credentials(host, key);

    if (credentials) {
        return credentials;
    }
    if (host->credentials_count == LOGIN_CREDENTIALS_MAX) {
        forget_credentials(host);
    }
    credentials = host->credentials_count < LOGIN_CREDENTIALS_MAX ? calloc(1, sizeof(*credentials)) : NULL;
    if (!credentials) {
        return NULL;
    }
    *credentials = (struct credentials){.user = strdup(key->user),
                                        .fingerprint = key->fingerprint,
                                        .streams = json_object(),
                                        .hold_ms = NO_HOLD};
    if (!credentials->user || !credentials->streams) {
        free_credentials(credentials);
        return NULL;
    }
    host->credentials[host->credentials_count++] = credentials;
    return credentials;
}

/* A stream's place: all that there is of it, made if need be. */
struct place {
    struct host *host;
    struct credentials *credentials; /* NULL: out of memory */
    struct round *round;             /* NULL: none */
};

static struct place find_place(struct login_ledger *ledger, const struct login_key *key, const char *stream,
                               int64_t now)
{
    struct place place = {.host = make_host(ledger, key->host)};

    if (!place.host) {
        return place;
    }
    place.credentials = make_credentials(place.host, key);
    place.round = find_round(place.host, stream);
    place.host->used_ms = now;
    if (place.credentials) {
        place.credentials->used_ms = now;
    }
    return place;
}

/* --- Refusals ------------------------------------------------------------------------------------------- */

/* Refusals at HOST that count for L1, now. *FIRST: the index of the oldest of them. */
static size_t count_refusals(const struct host *host, int64_t now, size_t *first)
{
    *first = 0;
    while (*first < host->refusal_count && now - host->refusals[*first] >= LOGIN_WINDOW_MS) {
        (*first)++;
    }
    return host->refusal_count - *first;
}

static void add_refusal(struct login_ledger *ledger, struct host *host, int64_t at)
{
    if (host->refusal_count == REFUSALS_KEPT) {
        memmove(host->refusals, host->refusals + 1, (REFUSALS_KEPT - 1) * sizeof(host->refusals[0]));
        host->refusal_count--;
    }
    size_t place = host->refusal_count++;
    while (place > 0 && host->refusals[place - 1] > at) {
        host->refusals[place] = host->refusals[place - 1];
        place--;
    }
    host->refusals[place] = at;
    ledger->changed = true;
}

static void take_back(struct login_ledger *ledger, struct host *host, int64_t at)
{
    for (size_t i = host->refusal_count; i-- > 0;) {
        if (host->refusals[i] == at) {
            host->refusal_count--;
            memmove(host->refusals + i, host->refusals + i + 1,
                    (host->refusal_count - i) * sizeof(host->refusals[0]));
            ledger->changed = true;
            return;
        }
    }
}

static size_t count_pending(const struct host *host)
{
    size_t pending = 0;

    for (size_t i = 0; i < host->round_count; i++) {
        pending += host->rounds[i].pending;
    }
    return pending;
}

/* --- Rounds --------------------------------------------------------------------------------------------- */

static void remove_round(struct host *host, struct round *round)
{
    size_t index = (size_t)(round - host->rounds);

    host->round_count--;
    memmove(host->rounds + index, host->rounds + index + 1,
            (host->round_count - index) * sizeof(host->rounds[0]));
}

/* The hold after a round that was refused. One that another stream's refusal has begun is not made longer. */
static void hold(struct login_ledger *ledger, struct credentials *credentials, const char *stream,
                 int64_t now)
{
    credentials->rounds++;
    if (works_for(credentials, stream)) {
        json_object_clear(credentials->streams);
        credentials->lost = true;
        credentials->holds = 0;
    }
    if (credentials->hold_ms == NO_HOLD || credentials->hold_ms <= now) {
        const int64_t *holds = credentials->lost ? lost_holds_ms : wrong_holds_ms;
        size_t count = credentials->lost ? sizeof(lost_holds_ms) / sizeof(lost_holds_ms[0])
                                         : sizeof(wrong_holds_ms) / sizeof(wrong_holds_ms[0]);
        size_t step = credentials->holds < count ? credentials->holds : count - 1;
        credentials->hold_ms = now + holds[step];
        credentials->holds = (unsigned)step + 1;
    }
    ledger->changed = true;
}

static void end_round(struct login_ledger *ledger, struct host *host, struct round *round, int64_t now)
{
    struct round ended = *round;

    remove_round(host, round);
    if (ended.refused > 0) {
        hold(ledger, ended.credentials, ended.stream, now);
    }
}

/* The outcome of the log-in under way will not be reported: for L1 it counts as refused. */
static void lose_round(struct login_ledger *ledger, struct host *host, struct round *round, int64_t now)
{
    if (round->pending) {
        add_refusal(ledger, host, now);
    }
    end_round(ledger, host, round, now);
}

static void lose_old_rounds(struct login_ledger *ledger, struct host *host, int64_t now)
{
    for (size_t i = host->round_count; i-- > 0;) {
        if (now - host->rounds[i].since_ms >= LOGIN_ROUND_MAX_MS) {
            lose_round(ledger, host, &host->rounds[i], now);
        }
    }
}

/* L2: another stream is trying credentials that have not worked yet. */
static bool must_wait(const struct host *host, const struct credentials *credentials, const struct round *own)
{
    for (size_t i = 0; i < host->round_count; i++) {
        const struct round *round = &host->rounds[i];
        if (round != own && !have_worked(round->credentials) && !have_worked(credentials)) {
            return true;
        }
    }
    return false;
}

/* --- Asking --------------------------------------------------------------------------------------------- */

static struct login_answer describe(const struct host *host, const struct credentials *credentials,
                                    int64_t now)
{
    size_t first;
    struct login_answer answer = {.verdict = LOGIN_GRANTED,
                                  .host_count = (unsigned)count_refusals(host, now, &first)};

    if (credentials && credentials->refused > 0) {
        answer.refused = credentials->refused;
        answer.refused_ms = now - credentials->refused_ms;
        answer.forbidden = credentials->forbidden;
    }
    return answer;
}

/* What is known of the stream that asks. */
struct asker {
    const char *stream;
    bool in_round; /* its round began before the hold */
    bool playing;
};

/* Whether the credentials have worked for it, or its session shows that they did until now. */
static bool is_proven(const struct credentials *credentials, const struct asker *asker)
{
    return works_for(credentials, asker->stream) ||
           (asker->playing && credentials && credentials->rounds <= PLAYING_ROUNDS_MAX);
}

/* HELD or GRANTED, by holds and by refusals alone. */
static struct login_answer judge(const struct host *host, const struct credentials *credentials,
                                 const struct asker *asker, int64_t now)
{
    struct login_answer answer = describe(host, credentials, now);
    bool proven = is_proven(credentials, asker);
    size_t limit = proven ? LOGIN_REFUSALS_MAX : LOGIN_REFUSALS_UNPROVEN_MAX;
    size_t first;
    size_t count = count_refusals(host, now, &first);

    if (count >= limit) {
        answer.verdict = LOGIN_HELD;
        answer.capped = true;
        answer.wait_ms = host->refusals[first + count - limit] + LOGIN_WINDOW_MS - now;
    }
    if (credentials && !proven && !asker->in_round && credentials->hold_ms != NO_HOLD &&
        credentials->hold_ms > now) {
        int64_t wait_ms = credentials->hold_ms - now;
        answer.capped = answer.capped && answer.wait_ms > wait_ms;
        answer.verdict = LOGIN_HELD;
        answer.wait_ms = answer.capped ? answer.wait_ms : wait_ms;
    }
    return answer;
}

/* PLACE has a round from now on, if there is room for one more. */
static void begin_round(struct place *place, const char *stream)
{
    struct host *host = place->host;

    if (!place->round && host->round_count < ROUNDS_MAX) {
        place->round = &host->rounds[host->round_count++];
        *place->round = (struct round){.credentials = place->credentials};
        strncpy(place->round->stream, stream, sizeof(place->round->stream) - 1);
    }
}

static struct login_answer grant(struct login_ledger *ledger, struct place *place, const char *stream,
                                 struct login_answer answer, bool playing, int64_t now)
{
    begin_round(place, stream);
    place->round->pending = true;
    place->round->playing = playing;
    place->round->since_ms = now;
    ledger->changed = ledger->changed || playing || !have_worked(place->credentials);
    answer.verdict = LOGIN_GRANTED;
    return answer;
}

static struct login_answer ask(struct login_ledger *ledger, const struct login_key *key, const char *stream,
                               bool playing, int64_t now)
{
    struct place place = find_place(ledger, key, stream, now);

    if (!place.credentials) { /* what cannot be counted is not tried */
        return (struct login_answer){.verdict = LOGIN_HELD, .wait_ms = MINUTE_MS};
    }
    lose_old_rounds(ledger, place.host, now);
    place.round = find_round(place.host, stream);
    if (place.round && (place.round->pending || place.round->credentials != place.credentials)) {
        lose_round(ledger, place.host, place.round, now);
        place.round = NULL;
    }
    const struct asker asker = {stream, place.round != NULL, playing};
    struct login_answer answer = judge(place.host, place.credentials, &asker, now);
    if (answer.verdict == LOGIN_HELD) {
        if (place.round) {
            end_round(ledger, place.host, place.round, now);
            return login_ledger_look(ledger, key, stream, now);
        }
        return answer;
    }
    size_t limit = is_proven(place.credentials, &asker) ? LOGIN_REFUSALS_MAX : LOGIN_REFUSALS_UNPROVEN_MAX;
    bool full = place.host->round_count == ROUNDS_MAX && !place.round;
    if (full || answer.host_count + count_pending(place.host) >= limit ||
        must_wait(place.host, place.credentials, place.round) ||
        (playing && is_under_way(place.host, place.credentials) && !place.round)) {
        answer.verdict = LOGIN_QUEUED;
        return answer;
    }
    return grant(ledger, &place, stream, answer, playing, now);
}

struct login_answer login_ledger_ask(struct login_ledger *ledger, const struct login_key *key,
                                     const char *stream, int64_t now)
{
    return ask(ledger, key, stream, false, now);
}

struct login_answer login_ledger_ask_playing(struct login_ledger *ledger, const struct login_key *key,
                                             const char *stream, int64_t now)
{
    return ask(ledger, key, stream, true, now);
}

struct login_answer login_ledger_look(const struct login_ledger *ledger, const struct login_key *key,
                                      const char *stream, int64_t now)
{
    const struct host *host = find_host(ledger, key->host);

    if (!host) {
        return (struct login_answer){.verdict = LOGIN_GRANTED};
    }
    return judge(host, find_credentials(host, key), &(struct asker){.stream = stream}, now);
}

bool login_ledger_pending(const struct login_ledger *ledger, const struct login_key *key, const char *stream)
{
    const struct round *round = find_round(find_host(ledger, key->host), stream);

    return round && round->pending;
}

void login_ledger_resume(struct login_ledger *ledger, const struct login_key *key, const char *stream,
                         int64_t now)
{
    struct place place = find_place(ledger, key, stream, now);

    if (!place.credentials) {
        return;
    }
    begin_round(&place, stream);
    if (place.round) {
        place.round->pending = true;
        place.round->since_ms = now;
    }
}

bool login_ledger_proven(const struct login_ledger *ledger, const struct login_key *key, const char *stream)
{
    return works_for(find_credentials(find_host(ledger, key->host), key), stream);
}

/* --- Outcomes ------------------------------------------------------------------------------------------- */

void login_ledger_accepted(struct login_ledger *ledger, const struct login_key *key, const char *stream,
                           int64_t now)
{
    struct place place = find_place(ledger, key, stream, now);
    struct credentials *credentials = place.credentials;

    if (!credentials) {
        return;
    }
    if (place.round) {
        credentials = place.round->credentials;
        for (unsigned i = 0; i < place.round->refused; i++) {
            take_back(ledger, place.host, place.round->refused_ms[i]);
            credentials->refused -= credentials->refused > 0;
        }
        ledger->changed = ledger->changed || !have_worked(credentials);
        remove_round(place.host, place.round);
    }
    /* A stream for which they worked all along says nothing of those that are refused. */
    if (works_for(credentials, stream)) {
        return;
    }
    credentials->lost = false;
    credentials->refused = credentials->rounds = 0;
    credentials->holds = 0;
    credentials->hold_ms = NO_HOLD;
    if (json_object_size(credentials->streams) >= LOGIN_STREAMS_MAX) {
        json_object_clear(credentials->streams);
    }
    json_object_set_new(credentials->streams, stream, json_true());
    ledger->changed = true;
}

static void refuse(struct login_ledger *ledger, const struct login_key *key, const char *stream,
                   bool forbidden, bool more, int64_t now)
{
    struct place place = find_place(ledger, key, stream, now);
    struct credentials *credentials = place.round ? place.round->credentials : place.credentials;

    if (!credentials) {
        return;
    }
    add_refusal(ledger, place.host, now);
    credentials->forbidden = forbidden;
    if (credentials->refused == 0) {
        credentials->refused_ms = now;
    }
    credentials->refused++;
    if (more) {
        begin_round(&place, stream);
    }
    if (!place.round) {
        hold(ledger, credentials, stream, now);
        return;
    }
    place.round->pending = false;
    place.round->since_ms = now;
    if (place.round->refused < ROUND_REFUSALS_MAX) {
        place.round->refused_ms[place.round->refused++] = now;
    }
    if (!more) {
        end_round(ledger, place.host, place.round, now);
    }
}

void login_ledger_refused(struct login_ledger *ledger, const struct login_key *key, const char *stream,
                          bool more, int64_t now)
{
    refuse(ledger, key, stream, false, more, now);
}

void login_ledger_forbidden(struct login_ledger *ledger, const struct login_key *key, const char *stream,
                            int64_t now)
{
    const struct credentials *credentials = find_credentials(find_host(ledger, key->host), key);

    if (credentials && have_worked(credentials)) {
        login_ledger_unanswered(ledger, key, stream, now);
    } else {
        refuse(ledger, key, stream, true, false, now);
    }
}

void login_ledger_unanswered(struct login_ledger *ledger, const struct login_key *key, const char *stream,
                             int64_t now)
{
    struct host *host = find_host(ledger, key->host);
    struct round *round = find_round(host, stream);

    if (round) {
        ledger->changed = ledger->changed || !have_worked(round->credentials);
        end_round(ledger, host, round, now);
    }
}

void login_ledger_lost(struct login_ledger *ledger, const struct login_key *key, const char *stream,
                       int64_t now)
{
    struct host *host = find_host(ledger, key->host);
    struct round *round = find_round(host, stream);

    if (round) {
        lose_round(ledger, host, round, now);
    }
}

void login_ledger_lift(struct login_ledger *ledger, const struct login_key *key)
{
    struct credentials *credentials = find_credentials(find_host(ledger, key->host), key);

    if (credentials && credentials->hold_ms != NO_HOLD) {
        credentials->hold_ms = NO_HOLD;
        credentials->holds = 0;
        ledger->changed = true;
    }
}

bool login_ledger_changed(struct login_ledger *ledger)
{
    bool changed = ledger->changed;

    ledger->changed = false;
    return changed;
}

/* --- As JSON -------------------------------------------------------------------------------------------- */

static json_t *credentials_to_json(const struct credentials *credentials, int64_t now)
{
    json_t *streams = json_array(), *value;
    const char *name;
    int64_t hold_ms =
        credentials->hold_ms == NO_HOLD || credentials->hold_ms <= now ? 0 : credentials->hold_ms - now;

    json_object_foreach(credentials->streams, name, value) {
        json_array_append_new(streams, json_string(name));
    }
    return json_pack("{s:s, s:i, s:o, s:b, s:b, s:I, s:I, s:I, s:I}", "user", credentials->user,
                     "fingerprint", (int)credentials->fingerprint, "streams", streams, "lost",
                     credentials->lost, "forbidden", credentials->forbidden, "refused",
                     (json_int_t)credentials->refused, "refused_ms",
                     (json_int_t)(credentials->refused > 0 ? now - credentials->refused_ms : 0), "holds",
                     (json_int_t)credentials->holds, "hold_ms", (json_int_t)hold_ms);
}

static json_t *host_to_json(const struct host *host, int64_t now)
{
    json_t *refusals = json_array(), *credentials = json_array();
    size_t first;

    count_refusals(host, now, &first);
    for (size_t i = first; i < host->refusal_count; i++) {
        json_array_append_new(refusals, json_integer(now - host->refusals[i]));
    }
    for (size_t i = 0; i < host->round_count; i++) {
        if (host->rounds[i].pending &&
            (host->rounds[i].playing || !have_worked(host->rounds[i].credentials))) {
            json_array_append_new(refusals, json_integer(now - host->rounds[i].since_ms));
        }
    }
    for (size_t i = 0; i < host->credentials_count; i++) {
        json_array_append_new(credentials, credentials_to_json(host->credentials[i], now));
    }
    return json_pack("{s:s, s:o, s:o}", "host", host->name, "refusals", refusals, "credentials", credentials);
}

json_t *login_ledger_to_json(const struct login_ledger *ledger, int64_t now)
{
    json_t *hosts = json_array();

    for (size_t i = 0; i < ledger->count; i++) {
        json_array_append_new(hosts, host_to_json(ledger->hosts[i], now));
    }
    return json_pack("{s:I, s:o}", "at_ms", (json_int_t)now, "hosts", hosts);
}

/* A number of 0 to MAX in *VALUE. False: it is not one. */
static bool take_number(const json_t *object, const char *name, int64_t max, int64_t *value)
{
    const json_t *member = json_object_get(object, name);

    *value = (int64_t)json_integer_value(member);
    return json_is_integer(member) && *value >= 0 && *value <= max;
}

static bool take_text(const json_t *object, const char *name, size_t max, const char **value)
{
    *value = json_string_value(json_object_get(object, name));
    return *value && strlen(*value) < max;
}

/* Times are shifted by ELAPSED: so long ago it was written. */
static int read_credentials(struct host *host, const json_t *json, int64_t now, int64_t elapsed)
{
    const json_t *streams = json_object_get(json, "streams"), *stream;
    struct login_key key = {.host = host->name};
    int64_t fingerprint, refused, refused_ms, holds, hold_ms;
    size_t index;

    if (!take_text(json, "user", USER_SIZE_MAX, &key.user) ||
        !take_number(json, "fingerprint", UINT16_MAX, &fingerprint) ||
        !take_number(json, "refused", UINT32_MAX, &refused) ||
        !take_number(json, "refused_ms", AGE_MAX_MS, &refused_ms) ||
        !take_number(json, "holds", 64, &holds) || !take_number(json, "hold_ms", 60 * MINUTE_MS, &hold_ms) ||
        !json_is_array(streams) || json_array_size(streams) > LOGIN_STREAMS_MAX ||
        host->credentials_count == LOGIN_CREDENTIALS_MAX) {
        return -EBADMSG;
    }
    key.fingerprint = (uint16_t)fingerprint;
    if (find_credentials(host, &key)) {
        return -EBADMSG;
    }
    struct credentials *credentials = make_credentials(host, &key);
    if (!credentials) {
        return -ENOMEM;
    }
    json_array_foreach(streams, index, stream) {
        if (!json_is_string(stream) || json_string_length(stream) > CONFIG_STREAM_NAME_MAX) {
            return -EBADMSG;
        }
        json_object_set_new(credentials->streams, json_string_value(stream), json_true());
    }
    credentials->lost = message_boolean(json, "lost", false);
    credentials->forbidden = message_boolean(json, "forbidden", false);
    credentials->refused = (unsigned)refused;
    credentials->refused_ms = now - elapsed - refused_ms;
    credentials->holds = (unsigned)holds;
    credentials->hold_ms = hold_ms > elapsed ? now + hold_ms - elapsed : NO_HOLD;
    credentials->used_ms = now;
    return 0;
}

static int read_host(struct login_ledger *ledger, const json_t *json, int64_t now, int64_t elapsed)
{
    const json_t *refusals = json_object_get(json, "refusals"), *list = json_object_get(json, "credentials"),
                 *item;
    const char *name;
    size_t index;

    if (!take_text(json, "host", HOST_SIZE_MAX, &name) || !json_is_array(refusals) || !json_is_array(list) ||
        find_host(ledger, name) || ledger->count == LOGIN_HOSTS_MAX) {
        return -EBADMSG;
    }
    struct host *host = make_host(ledger, name);
    if (!host) {
        return -ENOMEM;
    }
    host->used_ms = now;
    json_array_foreach(refusals, index, item) {
        int64_t age = (int64_t)json_integer_value(item);
        if (!json_is_integer(item) || age < 0 || age > AGE_MAX_MS) {
            return -EBADMSG;
        }
        add_refusal(ledger, host, now - elapsed - age);
    }
    json_array_foreach(list, index, item) {
        int result = read_credentials(host, item, now, elapsed);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static void forget_all(struct login_ledger *ledger)
{
    for (size_t i = 0; i < ledger->count; i++) {
        free_host(ledger->hosts[i]);
    }
    free(ledger->hosts);
    *ledger = (struct login_ledger){0};
}

int login_ledger_from_json(struct login_ledger *ledger, const json_t *json, int64_t now)
{
    const json_t *hosts = json_object_get(json, "hosts"), *host;
    int64_t at;
    size_t index;
    int result = 0;

    if (!take_number(json, "at_ms", INT64_MAX / 4, &at) || !json_is_array(hosts)) {
        return -EBADMSG;
    }
    /*
     * CLOCK_MONOTONIC begins again when the machine does. Then at least as much time has passed as the
     * machine is up, and if its clock is already beyond the old one, at least their difference.
     */
    int64_t elapsed = now >= at ? now - at : now;
    json_array_foreach(hosts, index, host) {
        result = read_host(ledger, host, now, elapsed);
        if (result < 0) {
            break;
        }
    }
    if (result < 0) {
        forget_all(ledger);
    }
    ledger->changed = false;
    return result;
}

/* --- Making and unmaking -------------------------------------------------------------------------------- */

struct login_ledger *login_ledger_create(void)
{
    return calloc(1, sizeof(struct login_ledger));
}

void login_ledger_destroy(struct login_ledger *ledger)
{
    if (ledger) {
        forget_all(ledger);
        free(ledger);
    }
}
