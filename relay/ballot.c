/* SPDX-License-Identifier: MIT */
#include "relay/ballot.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/ipc/message.h"
#include "relay/value.h"

/* Longest message that is read, in bytes. */
#define BALLOT_SIZE_MAX 1024

/* The subscription is made anew so often at most. */
#define RENEW_MS 2000

static const char *const matters[] = {[OWNER_HOLD] = "hold", [OWNER_BURIAL] = "burial"};

static void publish(const struct ballot *ballot, const char *to, json_t *body)
{
    char subject[SUBJECT_SIZE];
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

    if (text) {
        subject_vote(subject, ballot->cluster, to);
        link_publish(ballot->link, subject, NULL, text, strlen(text));
    }
    free(text);
    json_decref(body);
}

static json_t *body_of(const struct ballot *ballot, const struct owner_question *question)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "from", ballot->node, "matter",
                     matters[question->matter], "node", question->node, "incarnation",
                     (json_int_t)question->incarnation, "revision", (json_int_t)question->revision, "number",
                     (json_int_t)question->number);
}

/* What is asked follows a fault, in which servers may have lost the way by which answers, and what others ask now, would come. */
static void renew(struct ballot *ballot, uint64_t now_ms)
{
    if (ballot->subscription && now_ms >= ballot->renewed_ms + RENEW_MS) {
        ballot->renewed_ms = now_ms;
        link_renew(ballot->subscription);
    }
}

void ballot_ask(struct ballot *ballot, const char *to, const struct owner_question *question)
{
    renew(ballot, clock_now_ms());
    publish(ballot, to, body_of(ballot, question));
}

/* --- What comes ----------------------------------------------------------------------------------------- */

/* The strings are BODY's. False: no node writes this. */
static bool read_question(const json_t *body, struct owner_question *question)
{
    const char *matter = message_string(body, "matter", "");

    *question = (struct owner_question){.matter = strcmp(matter, matters[OWNER_HOLD]) == 0 ? OWNER_HOLD
                                                                                           : OWNER_BURIAL,
                                        .node = message_string(body, "node", ""),
                                        .incarnation = value_count(body, "incarnation"),
                                        .revision = value_count(body, "revision"),
                                        .number = value_count(body, "number")};
    return strcmp(matter, matters[question->matter]) == 0 && subject_check_node(question->node) == 0 &&
           question->incarnation > 0 && question->revision > 0;
}

static void answer(const struct ballot *ballot, const char *from, const struct owner_question *question)
{
    uint32_t counted;
    bool yes = owner_asked(ballot->owner, from, question, &counted, clock_now_ms());
    json_t *body = body_of(ballot, question);

    json_object_set_new(body, "answer", json_boolean(yes));
    json_object_set_new(body, "counted", json_integer(counted));
    publish(ballot, from, body);
}

static void take(const struct ballot *ballot, const json_t *body)
{
    const char *from = message_string(body, "from", "");
    const json_t *said = json_object_get(body, "answer");
    struct owner_question question;

    if (subject_check_node(from) < 0 || !read_question(body, &question)) {
        return;
    }
    if (said) {
        uint64_t counted = value_count(body, "counted");
        owner_answered(ballot->owner, from, &question, json_is_true(said),
                       counted < OWNER_NODES_MAX ? (uint32_t)counted : OWNER_NODES_MAX, clock_now_ms());
    } else {
        answer(ballot, from, &question);
    }
}

bool ballot_take(const struct ballot *ballot, const struct link_message *message)
{
    if (strcmp(message->subject, ballot->subject) != 0) {
        return false;
    }
    json_t *body = message->size <= BALLOT_SIZE_MAX
                       ? json_loadb((const char *)message->data, message->size, JSON_REJECT_DUPLICATES, NULL)
                       : NULL;
    if (json_is_object(body)) {
        take(ballot, body);
    }
    json_decref(body);
    return true;
}

/* --- Making and unmaking -------------------------------------------------------------------------------- */

void ballot_init(struct ballot *ballot, struct link *link, struct owner *owner, const char *cluster,
                 const char *node)
{
    *ballot = (struct ballot){.link = link, .owner = owner};
    snprintf(ballot->cluster, sizeof(ballot->cluster), "%s", cluster);
    snprintf(ballot->node, sizeof(ballot->node), "%s", node);
    subject_vote(ballot->subject, cluster, node);
}

void ballot_listen(struct ballot *ballot, bool on)
{
    if (on && !ballot->subscription) {
        ballot->subscription = link_subscribe(ballot->link, ballot->subject);
    } else if (!on) {
        link_unsubscribe(ballot->subscription);
        ballot->subscription = NULL;
    }
}
