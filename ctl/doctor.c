/* SPDX-License-Identifier: MIT */
#include "ctl/doctor.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config.h"
#include "common/ipc/message.h"
#include "ctl/bundle.h"
#include "ctl/camera_findings.h"
#include "ctl/client.h"
#include "ctl/finding.h"
#include "ctl/interrupt.h"
#include "ctl/library_findings.h"
#include "ctl/machine_findings.h"
#include "ctl/measure.h"
#include "ctl/probe.h"
#include "ctl/request.h"

/* Milliseconds in which a ringcastd that runs takes a connection. */
#define HANDSHAKE_MS 5000

struct doctor {
    const struct options *options;
    json_t *findings;
    const char *config_path; /* NULL: none */
    struct config *config;   /* NULL: none, or it has errors */
    char *url;               /* of the control socket */
    struct client *client;   /* NULL: no ringcastd answers */
    json_t *status;          /* NULL: the same */
};

/* Each line of TEXT is an error, "FILE:LINE: FIELD: what is wrong; what to do". */
static void add_errors(json_t *findings, char *text)
{
    char *rest = NULL;

    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *advice = strstr(line, "; ");
        if (advice) {
            *advice = '\0';
            advice += strlen("; ");
        }
        finding_add(findings, FINDING_ERROR, "configuration", advice, "%s", line);
    }
}

static void add_warnings(json_t *findings, const struct config *config)
{
    struct config_list warnings = config_warnings(config);

    for (size_t i = 0; i < warnings.count; i++) {
        finding_add(findings, FINDING_WARNING, "configuration", NULL, "%s", warnings.items[i]);
    }
    config_list_finish(&warnings);
}

static void judge_configuration(struct doctor *doctor)
{
    char *errors = NULL;
    size_t size = 0;

    doctor->config_path = options_config_path(doctor->options);
    if (!doctor->config_path) {
        finding_add(doctor->findings, FINDING_NOTE, "configuration",
                    "Give it with --config FILE, or look as root.",
                    "there is none, or this user cannot read it");
        return;
    }
    FILE *stream = open_memstream(&errors, &size);
    if (stream) {
        doctor->config = config_load(doctor->config_path, stream);
        fclose(stream);
    }
    if (!doctor->config) {
        add_errors(doctor->findings, errors ? errors : strdup(""));
    } else {
        finding_add(doctor->findings, FINDING_GOOD, "configuration", NULL,
                    "%s is without errors and has %zu streams", doctor->config_path,
                    doctor->config->camera_count);
        add_warnings(doctor->findings, doctor->config);
    }
    free(errors);
}

/* Asks the running ringcastd, if there is one. */
static void ask(struct doctor *doctor)
{
    const char *socket = doctor->options->socket;
    char *given = NULL;

    if (socket && asprintf(&given, "%s%s", strncmp(socket, "ipc://", 6) == 0 ? "" : "ipc://", socket) < 0) {
        given = NULL;
    }
    doctor->url = given            ? given
                  : doctor->config ? config_control_url(doctor->config)
                                   : config_default_control_url();
    int result =
        doctor->url ? probe_socket(doctor->url + strlen("ipc://"), PROBE_REQUESTER, HANDSHAKE_MS) : -1;
    if (result == 0 && client_open(doctor->url, CLIENT_OF_ONE, &doctor->client) == EXIT_CODE_OK &&
        request_status(doctor->client, doctor->options, &doctor->status) == EXIT_CODE_OK) {
        finding_add(doctor->findings, FINDING_GOOD, "ringcastd", NULL, "version %s runs",
                    message_string(doctor->status, "version", "?"));
        return;
    }
    json_decref(doctor->status);
    doctor->status = NULL;
    finding_add(
        doctor->findings, FINDING_ERROR, "ringcastd",
        "Start it (systemctl start ringcast), see why it ended (journalctl -u ringcast), or look as root.",
        "none answers at %s: %s", doctor->url ? doctor->url : "its socket",
        result < 0 ? strerror(-result) : "no status came");
}

static bool streams(const json_t *camera)
{
    return strcmp(message_string(camera, "state", ""), "streaming") == 0;
}

/*
 * What can be measured of each of CAMERAS, an array as long; NULL: nothing. Without --seconds it is what the rings hold already. The caller
 * frees it.
 */
static json_t **measure(const struct doctor *doctor, const json_t *cameras)
{
    size_t count = json_array_size(cameras);
    const char **rings = calloc(count + 1, sizeof(*rings));
    json_t **measured = calloc(count + 1, sizeof(*measured));

    for (size_t i = 0; rings && measured && i < count; i++) {
        const json_t *camera = json_array_get(cameras, i);
        rings[i] = streams(camera) ? message_string(camera, "ring", "") : "";
        if (doctor->options->seconds <= 0) {
            measured[i] = measure_ring(rings[i]);
        }
    }
    if (rings && measured && doctor->options->seconds > 0) {
        if (!doctor->options->json) {
            fprintf(stderr, "Measuring all cameras for %.4g s\n", doctor->options->seconds);
        }
        measure_rings(rings, count, doctor->options->seconds, measured);
    }
    free(rings);
    return measured;
}

static void judge_cameras(struct doctor *doctor)
{
    const json_t *cameras = json_object_get(doctor->status, "cameras"), *camera;
    json_t **measured = measure(doctor, cameras);
    size_t index;

    json_array_foreach(cameras, index, camera) {
        const char *name = message_string(camera, "name", "");
        camera_findings(doctor->findings, camera, measured ? measured[index] : NULL, 0);
        json_decref(measured ? measured[index] : NULL);
        const json_t *next = json_array_get(cameras, index + 1);
        const char *next_name = message_string(next, "name", "");
        size_t length = strlen(name);
        if (strncmp(next_name, name, length) == 0 && strcmp(next_name + length, CONFIG_SUB_SUFFIX) == 0) {
            camera_findings_of_pair(doctor->findings, camera, next);
        }
    }
    free(measured);
}

/* The first stream before stream INDEX of the configuration that asks for the same; NULL: none does. */
static const char *find_twin(const struct config *config, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(config->cameras[i].task.url, config->cameras[index].task.url) == 0) {
            return config->cameras[i].name;
        }
    }
    return NULL;
}

static void judge_settings(struct doctor *doctor)
{
    for (size_t i = 0; doctor->config && i < doctor->config->camera_count; i++) {
        const struct config_camera *camera = &doctor->config->cameras[i];
        const char *twin = find_twin(doctor->config, i);
        camera_findings_of_settings(doctor->findings, camera->name, &camera->task);
        if (twin) {
            finding_add(doctor->findings, FINDING_NOTE, camera->name,
                        "One of them is enough for any number of viewers; a sub stream has another URL.",
                        "it has the same URL as %s, so the camera sends this stream twice", twin);
        }
    }
}

static enum exit_code report(const struct doctor *doctor)
{
    enum exit_code code = finding_exit_code(doctor->findings), printed = EXIT_CODE_OK;

    if (doctor->options->json) {
        json_t *result = json_pack("{s:i, s:s, s:O}", "v", 1, "type", "doctor", "findings", doctor->findings);
        printed = request_print_json(result, JSON_INDENT(1));
        json_decref(result);
    } else {
        finding_print(doctor->findings);
    }
    return printed != EXIT_CODE_OK ? printed : code;
}

enum exit_code doctor_run(const struct options *options)
{
    struct doctor doctor = {.options = options, .findings = json_array()};

    if (options->seconds > 0) {
        interrupt_catch();
    }
    judge_configuration(&doctor);
    ask(&doctor);
    machine_findings(doctor.findings, doctor.config, doctor.config_path, doctor.status);
    library_findings(doctor.findings, doctor.status);
    judge_cameras(&doctor);
    judge_settings(&doctor);
    enum exit_code code = report(&doctor);
    if (options->bundle) {
        enum exit_code written = bundle_write(options->bundle, doctor.findings, doctor.config_path,
                                              doctor.status, doctor.status ? doctor.client : NULL, options);
        code = written != EXIT_CODE_OK ? written : code;
    }
    client_free(doctor.client);
    free(doctor.url);
    json_decref(doctor.status);
    json_decref(doctor.findings);
    config_free(doctor.config);
    return code;
}
