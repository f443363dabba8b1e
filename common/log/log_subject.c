/* SPDX-License-Identifier: MIT */
#include "common/log/log_subject.h"

#include <stdlib.h>
#include <string.h>

/* A list: a worker has one camera, and the other processes write a line about one of a few hundred now and then. */

static struct log_subject *subjects;

struct log_subject *log_subject_first(void)
{
    return subjects;
}

struct log_subject *log_subject_find(const char *camera, uint64_t now_ms)
{
    for (struct log_subject *subject = subjects; subject; subject = subject->next) {
        if (strcmp(subject->camera, camera) == 0) {
            return subject;
        }
    }
    struct log_subject *made = calloc(1, sizeof(*made));
    if (!made) {
        return NULL;
    }
    made->camera = strdup(camera);
    if (!made->camera) {
        free(made);
        return NULL;
    }
    log_limit_init(&made->limit, now_ms);
    made->next = subjects;
    subjects = made;
    return made;
}

static void destroy(struct log_subject *subject)
{
    free(subject->camera);
    free(subject);
}

void log_subject_sweep(uint64_t now_ms)
{
    for (struct log_subject **at = &subjects; *at;) {
        struct log_subject *subject = *at;
        if (subject->state[0] != '\0' || !log_limit_is_fresh(&subject->limit, now_ms)) {
            at = &subject->next;
            continue;
        }
        *at = subject->next;
        destroy(subject);
    }
}

void log_subject_forget_all(void)
{
    for (struct log_subject *next; subjects; subjects = next) {
        next = subjects->next;
        destroy(subjects);
    }
}
