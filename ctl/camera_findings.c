/* SPDX-License-Identifier: MIT */
#include "ctl/camera_findings.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/ipc/message.h"
#include "ctl/camera_advice.h"
#include "ctl/finding.h"

/* Seconds between keyframes above which people notice the wait. */
#define GROUP_LONG_S 4.0

/* Of a thousand packets, lost: above this, pictures break visibly. */
#define LOSS_PER_THOUSAND 1.0

/* Milliseconds without a picture that a viewer sees as a stop. */
#define PAUSE_LONG_MS 1000.0

/* Pictures that would have come in a stop at the usual rate, at least. */
#define STOP_PICTURES 2.5

/* Milliseconds from the opening of a connection to its first keyframe, above which every new connection is seen. */
#define KEYFRAME_LONG_MS 3000.0

/* A good quartz is within 100 millionths; what is more than this is no clock, but a camera that sends too slowly or too fast. */
#define CLOCK_PPM 1000.0

/* A sub stream that is hardly smaller than its main stream saves nothing. */
#define SUB_RATIO 2

static double number(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

static bool is_h265(const char *codecs)
{
    return strncmp(codecs, "hvc1", 4) == 0 || strncmp(codecs, "hev1", 4) == 0;
}

/* MEASURED: what came of it all the same, or NULL. */
static void judge_error(json_t *findings, const char *name, const json_t *camera, const json_t *measured)
{
    const char *state = message_string(camera, "state", ""), *error = message_string(camera, "error", NULL);
    const char *advice = error ? camera_advice(error) : NULL;
    bool shown = measured != NULL;

    finding_add(findings, shown ? FINDING_WARNING : FINDING_ERROR, name,
                advice ? advice
                       : "See what the camera says: ringcastctl probe URL -v, and ringcastctl log CAMERA.",
                "%s: %s%s%s", shown ? "pictures came, but not all the time" : "no pictures", state,
                error ? ": " : "", error ? error : "");
}

static void judge_state(json_t *findings, const char *name, const json_t *camera, const json_t *measured)
{
    const char *state = message_string(camera, "state", "");
    const char *error = message_string(camera, "error", NULL), *codecs = message_string(camera, "codecs", "");

    if (strcmp(state, "streaming") == 0) {
        finding_add(findings, FINDING_GOOD, name, NULL,
                    "pictures come: %s, %" JSON_INTEGER_FORMAT "x%" JSON_INTEGER_FORMAT " (%s)",
                    is_h265(codecs) ? "H.265" : "H.264", message_integer(camera, "width", 0),
                    message_integer(camera, "height", 0), codecs);
        if (error) {
            finding_add(findings, FINDING_WARNING, name, camera_advice(error), "%s", error);
        }
    } else if (strcmp(state, "idle") == 0 || strcmp(state, "disabled") == 0) {
        finding_add(findings, FINDING_NOTE, name, NULL, "it is %s, so nothing is known of it", state);
    } else if (strcmp(state, "starting") == 0 && !error) {
        finding_add(findings, FINDING_NOTE, name, NULL, "it has not connected yet");
    } else {
        judge_error(findings, name, camera, measured);
    }
}

static void judge_sound(json_t *findings, const char *name, const json_t *camera)
{
    const char *audio = message_string(camera, "audio", NULL),
               *error = message_string(camera, "audio_error", NULL);

    if (error) {
        finding_add(findings, FINDING_WARNING, name, camera_advice_of_sound(error), "no sound: %s", error);
    } else if (audio && strcmp(audio, "waiting") == 0) {
        finding_add(findings, FINDING_NOTE, name,
                    "If it stays so: switch the microphone on in the camera, or set audio = false.",
                    "no sound yet: the camera announces it, and it has not begun");
    } else if (audio && strcmp(audio, "none") != 0) {
        finding_add(findings, FINDING_GOOD, name, NULL, "sound comes: %s", audio);
    }
}

static void judge_codecs(json_t *findings, const char *name, const json_t *camera)
{
    if (is_h265(message_string(camera, "codecs", ""))) {
        finding_add(findings, FINDING_NOTE, name,
                    "If a browser that matters to you does not show it, choose H.264 in the camera, or for "
                    "its sub stream.",
                    "H.265: browsers show it only where the machine decodes it in hardware");
    }
    if (strcmp(message_string(camera, "state", ""), "streaming") == 0) {
        judge_sound(findings, name, camera);
    }
}

static void judge_losses(json_t *findings, const char *name, const json_t *camera)
{
    double lost = number(camera, "lost"), fragments = number(camera, "fragments");

    if (lost > 0 && fragments > 0) {
        bool many = 1000 * lost > LOSS_PER_THOUSAND * fragments;
        finding_add(findings, many ? FINDING_WARNING : FINDING_NOTE, name,
                    "Over UDP, networks lose packets; transport = \"tcp\" repeats them. Over TCP, the camera "
                    "itself leaves them out: lower "
                    "its bit rate, or disconnect other viewers.",
                    "%.0f packets of %.0f pictures were lost", lost, fragments);
    }
}

static void judge_beginning(json_t *findings, const char *name, const json_t *camera)
{
    double ms = number(camera, "keyframe_ms");
    bool is_long = ms > KEYFRAME_LONG_MS;

    if (json_is_number(json_object_get(camera, "keyframe_ms"))) {
        finding_add(findings, is_long ? FINDING_WARNING : FINDING_GOOD, name,
                    is_long ? "Set the camera's I-frame interval (GOP) to one or two seconds: it begins no "
                              "connection with a keyframe."
                            : NULL,
                    "the first keyframe came %.1f s after the connection was open", ms / 1000);
    }
}

/* A stop of a stream that else comes more often; a camera that sends a picture every ten seconds makes no stop. */
static bool has_stop(const json_t *measured)
{
    double pause = number(measured, "pause_ms");

    return pause > PAUSE_LONG_MS && pause * number(measured, "fps") > STOP_PICTURES * 1000;
}

static void judge_pauses(json_t *findings, const char *name, const json_t *measured)
{
    double pause = number(measured, "pause_ms") / 1000, fps = number(measured, "fps");

    if (has_stop(measured)) {
        finding_add(findings, FINDING_WARNING, name,
                    "Look at the network between (Wi-Fi, a switch), and at the camera's load.",
                    "for %.1f s no picture came", pause);
    } else if (1000 * pause > PAUSE_LONG_MS && fps > 0) {
        finding_add(findings, FINDING_NOTE, name,
                    "Raise the camera's frame rate, unless it is meant to be so.",
                    "the camera sends a picture only every %.1f s", 1 / fps);
    }
}

static void judge_groups(json_t *findings, const char *name, const json_t *measured)
{
    const json_t *group = json_object_get(measured, "group_s");
    double group_s = json_number_value(group), seconds = number(measured, "seconds"),
           keyframes = number(measured, "keyframes");
    bool is_long = group_s > GROUP_LONG_S;

    if (keyframes > 1 && keyframes == number(measured, "pictures")) {
        finding_add(findings, FINDING_GOOD, name, NULL, "each picture is a keyframe");
    } else if (json_is_number(group) && is_long && has_stop(measured) &&
               group_s - number(measured, "pause_ms") / 1000 <= GROUP_LONG_S) {
        return; /* it is the stop that made it long */
    } else if (!json_is_number(group) && keyframes > 1) {
        return; /* the stream's time broke between any two */
    } else if (json_is_number(group)) {
        finding_add(findings, is_long ? FINDING_WARNING : FINDING_GOOD, name,
                    is_long ? "Set the camera's I-frame interval (GOP) to one or two seconds: after a loss, "
                              "or at the first connection, "
                              "viewers wait that long for a picture."
                            : NULL,
                    "a keyframe at least every %.1f s", group_s);
    } else if (seconds <= GROUP_LONG_S) {
        finding_add(findings, FINDING_NOTE, name, "Ask again when it has run for ten seconds.",
                    "at most one keyframe in %.0f s, which is too short to tell their distance", seconds);
    } else {
        finding_add(findings, FINDING_WARNING, name,
                    "Set the camera's I-frame interval (GOP) to one or two seconds.",
                    "at most one keyframe in %.0f s", seconds);
    }
}

static const char *times(char text[32], double count)
{
    snprintf(text, 32, count == 1 ? "once" : "%.0f times", count);
    return text;
}

static void judge_changes(json_t *findings, const char *name, const json_t *measured)
{
    double breaks = number(measured, "breaks"), changes = number(measured, "changes");
    char text[32];

    if (breaks > 0) {
        finding_add(findings, FINDING_NOTE, name,
                    "Each is a short stop for viewers: the connection began anew, or the camera's time "
                    "stamps jumped.",
                    "the stream's time broke %s", times(text, breaks));
    }
    if (changes > breaks) {
        finding_add(findings, FINDING_NOTE, name, NULL, "its codec, sound or size changed %s",
                    times(text, changes));
    }
}

/* Pictures a second, a stop left out. */
static double steady_rate(const json_t *measured)
{
    double seconds = number(measured, "seconds"), pause = number(measured, "pause_ms") / 1000;

    return number(measured, "fps") *
           (has_stop(measured) && pause < seconds ? seconds / (seconds - pause) : 1);
}

static void judge_pictures(json_t *findings, const char *name, const json_t *measured, double announced_fps)
{
    const json_t *clock = json_object_get(measured, "clock_ppm");
    double rate = steady_rate(measured);

    finding_add(findings, FINDING_GOOD, name, NULL,
                "measured for %.0f s: %.1f pictures a second, %.2f Mbit/s", number(measured, "seconds"),
                number(measured, "fps"), number(measured, "bitrate") / 1e6);
    if (announced_fps > 0 && (rate < 0.9 * announced_fps || rate > 1.1 * announced_fps)) {
        finding_add(findings, FINDING_NOTE, name,
                    "Cameras slow down in the dark; otherwise the camera may be overloaded.",
                    "the camera announces %.4g pictures a second and sends %.1f", announced_fps, rate);
    }
    judge_groups(findings, name, measured);
    judge_pauses(findings, name, measured);
    judge_changes(findings, name, measured);
    if (json_is_number(clock)) {
        double ppm = json_number_value(clock);
        bool off = ppm > CLOCK_PPM || ppm < -CLOCK_PPM;
        finding_add(findings, off ? FINDING_WARNING : FINDING_GOOD, name,
                    off ? "Recordings will run too fast or too slowly. Set the camera's frame rate to one "
                          "that it can keep."
                        : NULL,
                    "the camera's clock runs %+.0f millionths %s", ppm,
                    off ? "beside this machine's" : "beside this machine's, as it should");
    }
}

void camera_findings(json_t *findings, const json_t *camera, const json_t *measured, double announced_fps)
{
    const char *name = message_string(camera, "name", "?");

    judge_state(findings, name, camera, measured);
    judge_codecs(findings, name, camera);
    judge_losses(findings, name, camera);
    judge_beginning(findings, name, camera);
    if (measured) {
        judge_pictures(findings, name, measured,
                       announced_fps > 0 ? announced_fps : number(camera, "announced_fps"));
    }
}

void camera_findings_of_pair(json_t *findings, const json_t *camera, const json_t *sub)
{
    json_int_t main_size = message_integer(camera, "width", 0) * message_integer(camera, "height", 0);
    json_int_t sub_size = message_integer(sub, "width", 0) * message_integer(sub, "height", 0);
    double main_shape =
        number(camera, "width") / (number(camera, "height") > 0 ? number(camera, "height") : 1);
    double sub_shape = number(sub, "width") / (number(sub, "height") > 0 ? number(sub, "height") : 1);
    const char *name = message_string(camera, "name", "?");

    if (main_size == 0 || sub_size == 0) {
        return;
    }
    if (sub_size > main_size) {
        finding_add(findings, FINDING_WARNING, name,
                    "Change the URL of the camera with that of its sub stream.",
                    "its sub stream is larger than its main stream");
    } else if (sub_size * SUB_RATIO > main_size) {
        finding_add(findings, FINDING_WARNING, name,
                    "Give the sub stream a smaller picture in the camera, such as 640x360.",
                    "its sub stream is hardly smaller than its main stream, so it saves nothing");
    }
    if (sub_shape > 1.05 * main_shape || main_shape > 1.05 * sub_shape) {
        finding_add(
            findings, FINDING_NOTE, name,
            "Give both the same shape in the camera, or a tile shows bars when it changes between them.",
            "its sub stream has another shape (%.2f:1 instead of %.2f:1)", sub_shape, main_shape);
    }
}

void camera_findings_of_settings(json_t *findings, const char *name, const struct camera_task *task)
{
    bool secure = strncasecmp(task->url, "rtsps://", strlen("rtsps://")) == 0 ||
                  strncasecmp(task->url, "rtspx://", strlen("rtspx://")) == 0;

    if (secure && !task->tls_verify && !task->tls_fingerprint) {
        finding_add(
            findings, FINDING_WARNING, name,
            "Set tls_fingerprint to that of its certificate: openssl s_client -connect HOST:322 </dev/null | "
            "openssl x509 -noout -fingerprint -sha256",
            "its certificate is not checked (tls_verify = false), so who is on the way can read along");
    } else if (secure) {
        finding_add(findings, FINDING_GOOD, name, NULL,
                    "it is reached over TLS, and its certificate is checked");
    }
}
