/* SPDX-License-Identifier: MIT */
#include "relay/central.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/memory_file.h"
#include "common/ipc/message.h"
#include "common/log/log.h"

void central_finish(struct central *central)
{
    free(central->text);
    json_decref(central->answer);
    *central = (struct central){0};
}

static void set(struct central *central, bool there, uint64_t revision, const char *text)
{
    free(central->text);
    central->there = there;
    central->revision = revision;
    central->text = text ? strdup(text) : NULL;
    central->told = false;
}

void central_begin(struct central *central)
{
    set(central, false, 0, NULL);
    central->known = false;
}

void central_shown(struct central *central)
{
    central->known = true;
}

void central_see(struct central *central, const struct bucket_entry *entry)
{
    set(central, entry->value, entry->revision, entry->value);
}

/* `central-shown`, with the text in a file. What is no text at all is an empty one, which ringcastd refuses in words. */
static int tell_shown(const struct central *central, struct program *program)
{
    json_t *text = json_string(central->text ? central->text : "");
    json_t *file = json_pack("{s:o}", "text", text ? text : json_string(""));
    int fd = central->there && file ? memory_file_seal_json("ringcast-cameras", file) : -1;

    json_decref(file);
    int result = central->there && fd < 0
                     ? -ENOMEM
                     : program_tell_with(program,
                                         message_pack("central-shown", "{s:b, s:I}", "there", central->there,
                                                      "revision", (json_int_t)central->revision),
                                         fd);
    if (fd >= 0) {
        close(fd);
    }
    return result;
}

bool central_tell(struct central *central, struct program *program)
{
    if (central->known && !central->told) {
        central->told = tell_shown(central, program) == 0;
    }
    if (central->answer && program_tell(program, json_incref(central->answer)) == 0) {
        json_decref(central->answer);
        central->answer = NULL;
    }
    return (central->told || !central->known) && !central->answer;
}

static void answer(struct central *central, const char *result, uint64_t revision)
{
    json_decref(central->answer);
    central->answer = message_pack("central-written", "{s:I, s:s, s:I}", "ticket", central->writing, "result",
                                   result, "revision", (json_int_t)revision);
    central->writing = 0;
}

void central_write(struct central *central, struct bucket *bucket, const struct channel_message *message)
{
    json_t *file = message->fd_count > 0 ? memory_file_read_json(message->fds[0]) : NULL;
    const char *text = message_string(file, "text", NULL);
    const json_int_t expected = message_integer(message->body, "expected", 0);

    central->writing = message_integer(message->body, "ticket", 0);
    if (!text || expected < 0 ||
        bucket_write(bucket, CENTRAL_TICKET, BUCKET_CAMERAS_KEY, text, (uint64_t)expected) < 0) {
        log_warning("the cluster's cameras cannot be written");
        answer(central, "unknown", 0);
    }
    json_decref(file);
}

void central_written(struct central *central, int result, uint64_t revision)
{
    if (central->writing != 0) {
        answer(central, result == 0 ? "written" : result == -EEXIST ? "conflict" : "unknown", revision);
    }
}
