/*
 * A list: a process has one camera, or has one of a few hundred to write a line about now and then.
 */
#include <stdlib.h>
#include <string.h>

#include "common/log/log_private.h"

static struct log_subject *subjects;

struct log_subject *log_subject_first(void)
{
    return subjects;
}

struct log_subject *log_subject_find(const char *camera, uint64_t now_ms)
{
    for (struct log_subject *subject = subjects; subject != NULL; subject = subject->next) {
        if (strcmp(subject->camera, camera) == 0) {
            return subject;
        }
    }
    struct log_subject *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return NULL;
    }
    made->camera = strdup(camera);
    if (made->camera == NULL) {
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
    for (struct log_subject **at = &subjects; *at != NULL;) {
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
    for (struct log_subject *next; subjects != NULL; subjects = next) {
        next = subjects->next;
        destroy(subjects);
    }
}
