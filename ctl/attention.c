/* SPDX-License-Identifier: MIT */
#include "ctl/attention.h"

#include <stdlib.h>
#include <string.h>

#include "common/ipc/attention.h"
#include "common/ipc/message.h"
#include "ctl/request.h"

/* "20", "20s", "2m", "1h": seconds. False: none of these. */
static bool parse_time(const char *text, double *seconds)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}};
    char *end = NULL;
    double value = strtod(text, &end);

    for (size_t i = 0; end != text && i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].name) == 0) {
            *seconds = value * units[i].seconds;
            return value >= 0 && *seconds <= ATTENTION_SECONDS_MAX;
        }
    }
    return false;
}

enum exit_code attention_raise(struct client *client, const struct options *options)
{
    char why[ATTENTION_WHY_SIZE];
    double seconds = ATTENTION_SECONDS_USUAL;

    if (options->time && !parse_time(options->time, &seconds)) {
        client_complain("--for %s: write a number and s, m or h, such as 20s, at most %d s; 0 ends an event",
                        options->time, ATTENTION_SECONDS_MAX);
        return EXIT_CODE_USAGE;
    }
    json_t *given =
        json_pack("{s:s, s:s, s:f, s:b, s:b, s:b}", "camera", options->arguments[0], "text",
                  options->text ? options->text : "", "for", seconds, "large", (int)options->large, "first",
                  (int)options->first, "sound", (int)options->sound);
    json_t *event = given ? attention_read(given, why) : NULL;
    json_decref(given);
    if (!event) {
        client_complain("event: %s", given ? why : "the name and the text must be UTF-8");
        return EXIT_CODE_USAGE;
    }
    return request_ok(client, options, message_pack("attention", "{s:o}", "event", event));
}
