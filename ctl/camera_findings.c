/* SPDX-License-Identifier: MIT */
#include "ctl/camera_findings.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/ipc/message.h"
#include "ctl/finding.h"

/* Seconds between keyframes above which people notice the wait. */
#define GROUP_LONG_S 4.0

/* Of a thousand packets, lost: above this, pictures break visibly. */
#define LOSS_PER_THOUSAND 1.0

/* Milliseconds without a picture that a viewer sees as a stop. */
#define PAUSE_LONG_MS 1000.0

/* Milliseconds from the opening of a connection to its first keyframe, above which every new connection is seen. */
#define KEYFRAME_LONG_MS 3000.0

/* A good quartz is within 100 millionths; what is more than this is no clock, but a camera that sends too slowly or too fast. */
#define CLOCK_PPM 1000.0

/* A sub stream that is hardly smaller than its main stream saves nothing. */
#define SUB_RATIO 2

static const struct {
    const char *words, *advice;
} advices[] = {
    {"refuses the username or password", "Check username and password in the camera's own page; many cameras "
                                         "have a user of their own for RTSP or ONVIF. Do not try "
                                         "often: cameras lock users out."},
    {"wants a username and password",
     "Give username=NAME and password=- (which asks for it), or write both into the URL."},
    {"offers Basic authentication only",
     "If you accept that the password crosses the network in the clear, add allow_basic=true; "
     "better, allow Digest in the camera's settings."},
    {"no such stream",
     "The path of the URL is wrong. The camera's manual or its ONVIF profile has it; makers use paths like "
     "/stream1, "
     "/h264Preview_01_main, /Streaming/Channels/101 or /cam/realmonitor?channel=1&subtype=0."},
    {"forbids this stream",
     "The user may log in, but not watch: give it the right to live video in the camera's settings."},
    {"does not offer this transport", "Try the other one: transport=udp or transport=tcp."},
    {"not enough bandwidth",
     "Too many viewers are connected to the camera. End the others, or raise its limit."},
    {"camera is busy", "Too many viewers are connected to the camera. End the others, or raise its limit."},
    {"speaks HTTP", "That is the port of the camera's web page. RTSP is usually at port 554."},
    {"onnection refused", "The machine is there, but nothing listens at this port. RTSP is usually at 554; "
                          "in some cameras it must be "
                          "switched on."},
    {"no route to host",
     "This machine has no way to that address, or nothing has it. Is the camera on, and in this network?"},
    {"network is unreachable", "This machine has no way to that network. Check its address and its gateway."},
    {"timed out", "Nothing answers at that address. Is the camera on? Does a firewall, or another network "
                  "(VLAN), lie between?"},
    {"no answer", "Nothing answers at that address. Is the camera on? Does a firewall, or another network "
                  "(VLAN), lie between?"},
    {"name or service not known",
     "The name in the URL is not known to the name server. Use the camera's address."},
    {"cannot be resolved", "The name in the URL is not known to the name server. Use the camera's address."},
    {"certificate", "The camera's certificate is not one that this machine trusts. Most cameras sign their "
                    "own: see the settings for TLS of a "
                    "camera in the configuration's reference."},
    {"parameter sets", "The camera never says how its pictures are encoded. Look for another profile of "
                       "H.264 or H.265 in its settings."},
    {"keyframe",
     "The camera sends pictures but no keyframe yet. Set its I-frame interval (GOP) to one or two seconds."},
    {"no video", "The stream has no H.264 or H.265. Choose one of them in the camera's settings; MJPEG and "
                 "MPEG-4 cannot be shown."},
    {"not supported", "Choose H.264 or H.265 in the camera's settings."},
};

const char *camera_advice(const char *error)
{
    for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
        if (strcasestr(error, advices[i].words)) {
            return advices[i].advice;
        }
    }
    return NULL;
}

static double number(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

static void judge_state(json_t *findings, const char *name, const json_t *camera)
{
    const char *state = message_string(camera, "state", "");
    const char *error = message_string(camera, "error", NULL);

    if (strcmp(state, "streaming") == 0) {
        finding_add(findings, FINDING_GOOD, name, NULL,
                    "pictures come: %s, %" JSON_INTEGER_FORMAT "x%" JSON_INTEGER_FORMAT,
                    message_string(camera, "codecs", "?"), message_integer(camera, "width", 0),
                    message_integer(camera, "height", 0));
        if (error) {
            finding_add(findings, FINDING_WARNING, name, camera_advice(error), "%s", error);
        }
    } else if (strcmp(state, "idle") == 0 || strcmp(state, "disabled") == 0) {
        finding_add(findings, FINDING_NOTE, name, NULL, "it is %s, so nothing is known of it", state);
    } else if (strcmp(state, "starting") == 0 && !error) {
        finding_add(findings, FINDING_NOTE, name, NULL, "it has not connected yet");
    } else {
        const char *advice = error ? camera_advice(error) : NULL;
        finding_add(findings, FINDING_ERROR, name,
                    advice
                        ? advice
                        : "See what the camera says: ringcastctl probe URL -v, and ringcastctl log CAMERA.",
                    "no pictures: %s%s%s", state, error ? ": " : "", error ? error : "");
    }
}

static void judge_codecs(json_t *findings, const char *name, const json_t *camera)
{
    const char *codecs = message_string(camera, "codecs", "");
    const char *audio_error = message_string(camera, "audio_error", NULL);

    if (strncmp(codecs, "hvc1", 4) == 0 || strncmp(codecs, "hev1", 4) == 0) {
        finding_add(findings, FINDING_NOTE, name,
                    "If a browser that matters to you does not show it, choose H.264 in the camera, or for "
                    "its sub stream.",
                    "H.265: browsers show it only where the machine decodes it in hardware");
    }
    if (audio_error) {
        finding_add(findings, FINDING_WARNING, name,
                    "Choose AAC, Opus or G.711 in the camera, or set audio = false.", "no sound: %s",
                    audio_error);
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

static void judge_pictures(json_t *findings, const char *name, const json_t *measured, double announced_fps)
{
    const json_t *group = json_object_get(measured, "group_s"),
                 *clock = json_object_get(measured, "clock_ppm");
    double fps = number(measured, "fps"), seconds = number(measured, "seconds"),
           pause = number(measured, "pause_ms");

    finding_add(findings, FINDING_GOOD, name, NULL,
                "measured for %.0f s: %.1f pictures a second, %.2f Mbit/s", seconds, fps,
                number(measured, "bitrate") / 1e6);
    if (announced_fps > 0 && (fps < 0.9 * announced_fps || fps > 1.1 * announced_fps)) {
        finding_add(findings, FINDING_NOTE, name,
                    "Cameras slow down in the dark; otherwise the camera may be overloaded.",
                    "the camera announces %.4g pictures a second and sends %.1f", announced_fps, fps);
    }
    if (json_is_number(group)) {
        bool is_long = json_number_value(group) > GROUP_LONG_S;
        finding_add(findings, is_long ? FINDING_WARNING : FINDING_GOOD, name,
                    is_long ? "Set the camera's I-frame interval (GOP) to one or two seconds: after a loss, "
                              "or at the first connection, "
                              "viewers wait that long for a picture."
                            : NULL,
                    "a keyframe at least every %.1f s", json_number_value(group));
    } else if (seconds <= GROUP_LONG_S) {
        finding_add(findings, FINDING_NOTE, name, "Ask again when it has run for ten seconds.",
                    "at most one keyframe in %.0f s, which is too short to tell their distance", seconds);
    } else {
        finding_add(findings, FINDING_WARNING, name,
                    "Set the camera's I-frame interval (GOP) to one or two seconds.",
                    "at most one keyframe in %.0f s", seconds);
    }
    if (pause > PAUSE_LONG_MS) {
        finding_add(findings, FINDING_WARNING, name,
                    "Look at the network between (Wi-Fi, a switch), and at the camera's load.",
                    "for %.1f s no picture came", pause / 1000);
    }
    if (number(measured, "breaks") > 0 || number(measured, "changes") > 0) {
        finding_add(findings, FINDING_NOTE, name, NULL,
                    "the stream's time broke %.0f times, its codec or size changed %.0f times",
                    number(measured, "breaks"), number(measured, "changes"));
    }
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

    judge_state(findings, name, camera);
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
    if (sub_size * SUB_RATIO > main_size) {
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
