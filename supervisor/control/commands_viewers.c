#include "supervisor/control/commands_viewers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ipc/message.h"
#include "supervisor/control/commands_change.h"

/* Bytes of "<process id>-<number>". */
#define ID_SIZE 40

/* Puts QUESTION (consumed, with CONTEXT) to COUNT fan-outs from FIRST on. */
static json_t *ask(struct supervisor *supervisor, size_t first, size_t count, json_t *question,
                   json_t *context, inquiry_conclude conclude)
{
    struct fanout *fanouts[INQUIRY_FANOUTS_MAX];
    struct control_ticket *ticket = control_defer(supervisor_control(supervisor));

    if (ticket == NULL || question == NULL) {
        if (ticket != NULL) {
            control_reply(ticket, NULL);
        }
        json_decref(question);
        json_decref(context);
        return NULL;
    }
    for (size_t i = first; i < first + count && i < INQUIRY_FANOUTS_MAX; i++) {
        fanouts[i] = supervisor_fanout(supervisor, i);
    }
    const struct inquiry inquiry = {.fanouts = fanouts,
                                    .first = first,
                                    .count = count,
                                    .question = question,
                                    .context = context,
                                    .conclude = conclude};
    inquiries_ask(supervisor_inquiries(supervisor), &inquiry, ticket);
    return NULL;
}

/* --- viewers -------------------------------------------------------------------------------------------- */

/*
 * Gives ENTRY the id that is its own among all fan-outs, in place of its number. The number; 0: it is none.
 */
static json_int_t name_viewer(json_t *entry, json_int_t pid)
{
    json_int_t number = message_integer(entry, "number", 0);
    char id[ID_SIZE];

    if (!json_is_object(entry) || number <= 0) {
        return 0;
    }
    snprintf(id, sizeof(id), "%" JSON_INTEGER_FORMAT "-%" JSON_INTEGER_FORMAT, pid, number);
    json_object_set_new(entry, "id", json_string(id));
    json_object_del(entry, "number");
    return number;
}

/* Where the next page begins; null: this was the last. */
static json_t *next_page(const json_t *context, json_int_t last, bool more)
{
    json_int_t fanout = message_integer(context, "fanout", 0), count = message_integer(context, "count", 0);

    if (more && last > message_integer(context, "after", 0)) {
        return json_pack("{s:I, s:I}", "fanout", fanout, "after", last);
    }
    return fanout + 1 < count ? json_pack("{s:I, s:i}", "fanout", fanout + 1, "after", 0) : json_null();
}

static json_t *conclude_viewers(const struct inquiry_result *result)
{
    const json_t *page = json_array_get(result->answers, 0);
    json_t *viewers = json_array(), *entry;
    json_int_t last = 0;
    size_t index;

    json_array_foreach(json_object_get(page, "viewers"), index, entry) {
        json_int_t number = name_viewer(entry, message_integer(result->context, "pid", 0));
        if (number > 0) {
            json_array_append(viewers, entry);
        }
        last = number > last ? number : last;
    }
    return json_pack("{s:i, s:s, s:o, s:o, s:O}", "v", MESSAGE_VERSION, "type", "viewers", "viewers", viewers,
                     "next", next_page(result->context, last, message_boolean(page, "more", false)),
                     "missing", result->missing);
}

static bool has_camera(const struct supervisor *supervisor, const char *name)
{
    for (size_t i = 0; i < supervisor_camera_count(supervisor); i++) {
        struct camera_view view = camera_view(supervisor_camera(supervisor, i));
        if (strcmp(view.name, name) == 0 && !view.ending) {
            return true;
        }
    }
    return false;
}

json_t *commands_viewers(struct supervisor *supervisor, const json_t *request)
{
    const json_t *from = json_object_get(request, "from");
    const char *camera = message_string(request, "camera", NULL);
    json_int_t fanout = message_integer(from, "fanout", 0), after = message_integer(from, "after", 0);
    size_t count = supervisor_fanout_count(supervisor);

    if (json_object_get(request, "camera") != NULL && camera == NULL) {
        return message_error("malformed", "\"camera\" is the name of a camera");
    }
    if ((from != NULL && !json_is_object(from)) || fanout < 0 || fanout >= (json_int_t)count || after < 0) {
        return message_error("malformed", "\"from\" is what the last reply had as \"next\"");
    }
    if (camera != NULL && !has_camera(supervisor, camera)) {
        return commands_no_such_camera(supervisor, camera);
    }
    pid_t pid = service_pid(fanout_service(supervisor_fanout(supervisor, (size_t)fanout)));
    return ask(supervisor, (size_t)fanout, 1,
               json_pack("{s:i, s:s, s:I, s:s*}", "v", MESSAGE_VERSION, "type", "viewers-list", "after",
                         after, "camera", camera),
               json_pack("{s:I, s:I, s:I, s:I}", "fanout", fanout, "after", after, "count", (json_int_t)count,
                         "pid", (json_int_t)pid),
               conclude_viewers);
}

/* --- kick ----------------------------------------------------------------------------------------------- */

static json_t *conclude_kick(const struct inquiry_result *result)
{
    const char *id = message_string(result->context, "id", NULL);
    json_int_t viewers = 0;
    json_t *answer;
    size_t index;

    json_array_foreach(result->answers, index, answer) {
        json_int_t count = message_integer(answer, "viewers", 0);
        viewers += count > 0 && count <= INT32_MAX ? count : 0;
    }
    if (id != NULL && json_array_size(result->missing) > 0) {
        return message_error("no-answer", "the fan-out of viewer %s does not answer", id);
    }
    if (id != NULL && viewers == 0) {
        return message_error("no-such-viewer", "there is no viewer %s; it may have left", id);
    }
    return json_pack("{s:i, s:s, s:I, s:O}", "v", MESSAGE_VERSION, "type", "kicked", "viewers", viewers,
                     "missing", result->missing);
}

/* Takes "<process id>-<number>" apart. */
static bool parse_id(const char *id, long *pid, long long *number)
{
    char *end = NULL;

    *pid = strtol(id, &end, 10);
    if (*pid <= 0 || *end != '-') {
        return false;
    }
    *number = strtoll(end + 1, &end, 10);
    return *number > 0 && *end == '\0';
}

static json_t *kick_viewer(struct supervisor *supervisor, const char *id)
{
    long pid;
    long long number;

    if (strlen(id) >= ID_SIZE || !parse_id(id, &pid, &number)) {
        return message_error("malformed", "\"viewer\" is the id of a viewer, such as \"813-17\"");
    }
    for (size_t i = 0; i < supervisor_fanout_count(supervisor); i++) {
        if (service_pid(fanout_service(supervisor_fanout(supervisor, i))) == pid) {
            return ask(supervisor, i, 1,
                       json_pack("{s:i, s:s, s:I}", "v", MESSAGE_VERSION, "type", "kick", "viewer",
                                 (json_int_t)number),
                       json_pack("{s:s}", "id", id), conclude_kick);
        }
    }
    return message_error("no-such-viewer", "there is no viewer %s; its fan-out has ended", id);
}

json_t *commands_kick(struct supervisor *supervisor, const json_t *request)
{
    const char *viewer = message_string(request, "viewer", NULL);
    const char *camera = message_string(request, "camera", NULL);

    if ((viewer == NULL) == (camera == NULL)) {
        return message_error("malformed", "kick needs \"viewer\", an id, or \"camera\", a name");
    }
    if (viewer != NULL) {
        return kick_viewer(supervisor, viewer);
    }
    if (!has_camera(supervisor, camera)) {
        return commands_no_such_camera(supervisor, camera);
    }
    return ask(supervisor, 0, supervisor_fanout_count(supervisor),
               json_pack("{s:i, s:s, s:s}", "v", MESSAGE_VERSION, "type", "kick", "camera", camera), NULL,
               conclude_kick);
}
