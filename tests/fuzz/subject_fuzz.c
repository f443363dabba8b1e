/* SPDX-License-Identifier: MIT */
/*
 * Subjects and questions from other nodes, and urls of remote cameras. A stream that is read from a subject is written as that subject again; a question
 * comes back.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/cluster/subject.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void read_subject(const char *text)
{
    char name[SUBJECT_STREAM_MAX + 1], subject[SUBJECT_SIZE];
    const struct subject_stream stream = {"c", "n", name};

    if (subject_read_stream(text, name, sizeof(name)) < 0) {
        return;
    }
    require(name[0] != '\0');
    subject_ask(subject, &stream);
    require(strcmp(strrchr(subject, '.'), strrchr(text, '.')) == 0 &&
            strncmp(subject, "ringcast.c.n.ask.", 17) == 0);
    require(!strpbrk(subject + 17, ".*> \t\r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ask ask;
    uint8_t message[ASK_SIZE];
    char *text = malloc(size + 1);

    require(text != NULL);
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    read_subject(text);
    if (ask_read(&ask, data, size) == 0) {
        require(subject_check_node(ask.node) == 0);
        require(ask_write(message, &ask) == size && memcmp(message, data, size) == 0);
    }
    free(text);
    return 0;
}
