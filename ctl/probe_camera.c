/* SPDX-License-Identifier: MIT */
#include "ctl/probe_camera.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/config/camera_remote.h"
#include "common/ipc/message.h"
#include "ctl/camera_findings.h"
#include "ctl/client.h"
#include "ctl/finding.h"
#include "ctl/interrupt.h"
#include "ctl/measure.h"
#include "ctl/private_daemon.h"
#include "ctl/request.h"
#include "ctl/settings.h"

/* What the camera is called in the ringcastd that looks at it. */
#define CAMERA "camera"

/* Seconds that are measured, and seconds to wait for the first picture, unless --seconds and --timeout say otherwise. */
#define MEASURE_SECONDS 60
#define FIRST_SECONDS 30

/* The same where pictures come and only a keyframe is missing: some cameras send one in a minute. */
#define KEYFRAME_SECONDS 90

/* Seconds without a picture after which the measuring ends. */
#define SILENCE_SECONDS 20

/* An error that stays so long is the answer. */
#define ERROR_MS 4000

/* Milliseconds after which it is said what is waited for. */
#define SAID_MS 5000

/* Seconds to the first picture above which it is told what can be done. */
#define FIRST_LATE_S 5.0

/* Milliseconds between two looks at the status. */
#define LOOK_MS 100

#define LINE_SIZE 8192

struct probe {
    const struct options *options;
    struct private_daemon daemon;
    struct client *client;
    FILE *log; /* what the worker says, read as it grows */
    double announced_fps;
    double first_s; /* until the first picture; below 0: none came */
    json_t *camera; /* of the last status */
};

/* --- What is said with the camera ------------------------------------------------------------------------ */

/* The frame rate of a description: `a=framerate:25` (RFC 8866, section 6.11). */
static void note_frame_rate(struct probe *probe, const char *line)
{
    const char *found = strstr(line, "a=framerate:");

    if (found) {
        probe->announced_fps = strtod(found + strlen("a=framerate:"), NULL);
    }
}

/* One line of the worker's, for people: an exchange line by line, anything else as it is. TEXT is changed. */
static void show(char *text)
{
    char escaped[TEXT_ESCAPE_MAX * LINE_SIZE];
    bool exchange = strncmp(text, "> ", 2) == 0 || strncmp(text, "< ", 2) == 0;

    for (char *part = text; part;) {
        char *next = exchange ? strstr(part, " | ") : NULL;
        if (next) {
            *next = '\0';
        }
        text_escape(escaped, sizeof(escaped), part);
        fprintf(stderr, "%s%s\n", part == text ? "" : "    ", escaped);
        part = next ? next + 3 : NULL;
    }
}

/* Reads what the log has got since the last call. Lines have the form "TIME LEVEL ingest[camera] PID: TEXT". */
static void read_log(struct probe *probe)
{
    char line[LINE_SIZE];

    if (!probe->log) {
        probe->log = fopen(probe->daemon.log, "re");
    }
    while (probe->log) {
        long place = ftell(probe->log);
        if (!fgets(line, sizeof(line), probe->log) || !strchr(line, '\n')) {
            fseek(probe->log, place, SEEK_SET); /* the rest of the line has not been written yet */
            return;
        }
        line[strcspn(line, "\n")] = '\0';
        char *worker = strstr(line, " ingest[" CAMERA "] ");
        char *text = worker ? strstr(worker, ": ") : NULL;
        if (text) {
            note_frame_rate(probe, text);
            if (probe->options->verbose) {
                show(text + 2);
            }
        }
    }
}

/* --- The camera ------------------------------------------------------------------------------------------ */

/* The settings from the command line, with the URL; NULL: wrong usage, reported. */
static json_t *camera_settings(const struct options *options)
{
    char *words[OPTIONS_WORDS_MAX];
    int count = options->argument_count < OPTIONS_WORDS_MAX ? options->argument_count : OPTIONS_WORDS_MAX;
    const char *url = options->arguments[0];
    size_t size = strlen(url) + sizeof("url=");
    char *first = malloc(size);

    if (!first) {
        return NULL;
    }
    snprintf(first, size, "url=%s", url);
    words[0] = first;
    for (int i = 1; i < count; i++) {
        words[i] = options->arguments[i];
    }
    json_t *settings = settings_parse(count, words);
    explicit_bzero(first, size);
    free(first);
    explicit_bzero(options->arguments[0], strlen(options->arguments[0]));
    if (settings) {
        json_object_set_new(settings, "on_demand", json_false());
        json_object_del(settings, "sub");
    }
    return settings;
}

static enum exit_code add_camera(struct probe *probe)
{
    json_t *settings = camera_settings(probe->options), *reply = NULL;
    json_t *request = settings ? request_for_camera("camera-add", CAMERA) : NULL;

    if (settings && camera_is_remote(message_string(settings, "url", NULL))) {
        client_complain("a camera of another node of a cluster: probe it there, by its own address");
        json_decref(request);
        request = NULL;
    }
    if (!request) {
        json_decref(settings);
        return EXIT_CODE_USAGE;
    }
    json_object_set_new(request, "settings", settings);
    enum exit_code code = request_ask(probe->client, probe->options, request, "ok", &reply);
    json_decref(reply);
    return code == EXIT_CODE_FAILED ? EXIT_CODE_USAGE : code; /* a setting is refused */
}

static enum exit_code look(struct probe *probe)
{
    json_t *status = NULL;
    enum exit_code code = request_status(probe->client, probe->options, &status);
    const json_t *camera = code == EXIT_CODE_OK ? request_find_camera(status, CAMERA) : NULL;

    if (camera) {
        json_decref(probe->camera);
        probe->camera = json_deep_copy(camera);
    }
    json_decref(status);
    return code;
}

/* How a wait for pictures goes. */
struct wait {
    uint64_t began, wrong_since; /* the latter 0: nothing is wrong */
    bool said;
};

/* Pictures come, or came: what is missing may come yet. */
static bool is_hopeful(const char *error)
{
    return strstr(error, "no video for") || (strstr(error, "keyframe") && !strstr(error, "parameter sets"));
}

/* Whether there is nothing more to wait for. */
static bool is_over(const struct probe *probe, struct wait *wait)
{
    const char *error = message_string(probe->camera, "error", NULL);
    bool hopeful = error && is_hopeful(error);
    double limit = probe->options->timeout > 0 ? probe->options->timeout
                   : hopeful                   ? KEYFRAME_SECONDS
                                               : FIRST_SECONDS;
    uint64_t now = clock_now_ms();

    wait->wrong_since = !error || hopeful ? 0 : wait->wrong_since > 0 ? wait->wrong_since : now;
    if (hopeful && !wait->said && !probe->options->json && now - wait->began >= SAID_MS) {
        wait->said = true;
        fprintf(stderr, "Pictures come, but no keyframe to begin with; waiting for one for at most %.4g s\n",
                limit);
    }
    return strcmp(message_string(probe->camera, "state", ""), "failed") == 0 ||
           (wait->wrong_since > 0 && now - wait->wrong_since >= ERROR_MS) ||
           (double)(now - wait->began) >= limit * MS_PER_SECOND;
}

/* Waits until the camera streams, an error stays, or the time is over; probe->first_s says which. */
static enum exit_code await_pictures(struct probe *probe)
{
    struct wait wait = {.began = clock_now_ms()};

    while (!interrupt_came()) {
        enum exit_code code = look(probe);
        read_log(probe);
        if (code != EXIT_CODE_OK) {
            return code;
        }
        if (strcmp(message_string(probe->camera, "state", ""), "streaming") == 0) {
            probe->first_s = (double)(clock_now_ms() - wait.began) / MS_PER_SECOND;
            return EXIT_CODE_OK;
        }
        if (is_over(probe, &wait)) {
            return EXIT_CODE_OK;
        }
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * NS_PER_MS}, NULL);
    }
    return EXIT_CODE_FAILED;
}

static enum exit_code measure(struct probe *probe, json_t **measured)
{
    double seconds = probe->options->seconds > 0 ? probe->options->seconds : MEASURE_SECONDS;

    if (!probe->options->json) {
        fprintf(stderr, "Pictures after %.1f s; measuring for %.4g s\n", probe->first_s, seconds);
    }
    enum exit_code code =
        measure_stream(probe->daemon.url, probe->options, CAMERA, seconds, SILENCE_SECONDS, measured);
    if (code == EXIT_CODE_OK || code == EXIT_CODE_TIMEOUT) {
        code = look(probe);
        read_log(probe);
    }
    return code;
}

/* --- The result ------------------------------------------------------------------------------------------ */

static void judge_wait(json_t *findings, const struct probe *probe, const json_t *measured)
{
    const char *error = message_string(probe->camera, "error", NULL);

    if (probe->first_s < 0 && !error) {
        finding_add(findings, FINDING_ERROR, CAMERA,
                    "Look at what is said with it: -v. A longer wait is --timeout.",
                    "no picture came in time");
    } else if (probe->first_s < 0) {
        if (is_hopeful(error)) {
            finding_add(findings, FINDING_NOTE, CAMERA, "Wait longer for one: --timeout SECONDS.",
                        "the camera may show pictures with its next keyframe");
        }
    } else {
        bool late = probe->first_s > FIRST_LATE_S;
        finding_add(findings, late ? FINDING_NOTE : FINDING_GOOD, CAMERA,
                    late ? "Viewers wait as long after each interruption. What the time is spent on: -v."
                         : NULL,
                    "the first picture came %.1f s after the start of the connection", probe->first_s);
        if (!measured && !error) {
            finding_add(findings, FINDING_ERROR, CAMERA,
                        "See whether the camera is overloaded or restarts, and what is said with it: -v.",
                        "the pictures stopped at once");
        }
    }
}

static enum exit_code report(const struct probe *probe, json_t *measured)
{
    json_t *findings = json_array();

    camera_findings(findings, probe->camera, measured, probe->announced_fps);
    judge_wait(findings, probe, measured);
    enum exit_code code = finding_exit_code(findings), printed = EXIT_CODE_OK;
    if (probe->options->json) {
        json_t *result = json_pack(
            "{s:i, s:s, s:O, s:o, s:o, s:o, s:O}", "v", 1, "type", "probe", "camera", probe->camera,
            "first_s", probe->first_s >= 0 ? json_real(probe->first_s) : json_null(), "announced_fps",
            probe->announced_fps > 0 ? json_real(probe->announced_fps) : json_null(), "measured",
            measured ? json_incref(measured) : json_null(), "findings", findings);
        printed = request_print_json(result, JSON_INDENT(1));
        json_decref(result);
    } else {
        finding_print(findings);
    }
    json_decref(findings);
    return printed != EXIT_CODE_OK ? printed : code;
}

static enum exit_code run(struct probe *probe)
{
    json_t *measured = NULL;
    enum exit_code code = private_daemon_start(&probe->daemon);

    if (code == EXIT_CODE_OK) {
        code = client_open(probe->daemon.url, CLIENT_OF_ONE, &probe->client);
    }
    if (code == EXIT_CODE_OK) {
        code = add_camera(probe);
    }
    if (code == EXIT_CODE_OK) {
        code = await_pictures(probe);
    }
    if (code == EXIT_CODE_OK && probe->first_s >= 0) {
        code = measure(probe, &measured);
    }
    if (code == EXIT_CODE_OK && !probe->camera) {
        code = request_malformed("the camera is missing");
    }
    if (code == EXIT_CODE_OK) {
        code = report(probe, measured);
    }
    json_decref(measured);
    return code;
}

enum exit_code probe_camera_run(const struct options *options)
{
    struct probe probe = {.options = options, .first_s = -1};

    interrupt_catch();
    enum exit_code code = run(&probe);
    client_free(probe.client);
    private_daemon_end(&probe.daemon);
    if (probe.log) {
        fclose(probe.log);
    }
    json_decref(probe.camera);
    return code;
}
