/* SPDX-License-Identifier: MIT */
#include "ctl/camera_draft.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "common/base/text.h"
#include "common/config/config_check.h"
#include "common/ipc/message.h"
#include "ctl/camera_advice.h"

/* The size that a tile of a wall shows well and every machine decodes many of: a sub stream of about that is taken. */
#define TILE_PIXELS (640.0 * 360.0)

/* A sub stream has at most so much of its main stream's pixels; else it saves nothing. */
#define SUB_SHARE 0.5

/* Seconds by which a camera's clock may be wrong before it is told. */
#define CLOCK_OFF_S 60

#define HOUR_S 3600
#define DAY_S 86400

/* Of a profile's token: what may stand in a URL as it is (RFC 3986, unreserved). */
#define TOKEN_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

#define ONVIF_SIZE 1024

#define NAME_SIZE 48

/* --- Which is which -------------------------------------------------------------------------------------- */

static double pixels(const json_t *profile)
{
    return (double)message_integer(profile, "width", 0) * (double)message_integer(profile, "height", 0);
}

static bool is_video(const json_t *profile, const char *codec)
{
    return strcmp(message_string(profile, "video", ""), codec) == 0;
}

static bool is_playable(const json_t *profile)
{
    return is_video(profile, "H264") || is_video(profile, "H265");
}

static bool is_of(const json_t *profile, const char *source)
{
    return is_playable(profile) && strcmp(message_string(profile, "source", ""), source) == 0;
}

static json_t *find_main(const json_t *profiles, const char *source)
{
    json_t *best = NULL, *profile;
    size_t index;

    json_array_foreach(profiles, index, profile) {
        if (is_of(profile, source) && (!best || pixels(profile) > pixels(best))) {
            best = profile;
        }
    }
    return best;
}

/* How far the profile is from a good sub stream; every browser shows H.264. */
static double distance(const json_t *profile)
{
    double size = pixels(profile);

    return (size > 0 ? fabs(log(size / TILE_PIXELS)) : 0) + (is_video(profile, "H264") ? 0 : 100);
}

static json_t *find_sub(const json_t *profiles, const json_t *main)
{
    json_t *best = NULL, *profile;
    const char *source = message_string(main, "source", ""), *uri = message_string(main, "uri", "");
    size_t index;

    json_array_foreach(profiles, index, profile) {
        bool other = strcmp(message_string(profile, "uri", ""), uri) != 0;
        bool smaller = pixels(main) > 0 ? pixels(profile) <= SUB_SHARE * pixels(main) : true;
        if (is_of(profile, source) && other && smaller && (!best || distance(profile) < distance(best))) {
            best = profile;
        }
    }
    return best;
}

/* True if a profile before INDEX has the same source. */
static bool is_known(const json_t *profiles, size_t index)
{
    const char *source = message_string(json_array_get(profiles, index), "source", "");

    for (size_t i = 0; i < index; i++) {
        if (is_of(json_array_get(profiles, i), source)) {
            return true;
        }
    }
    return false;
}

/* --- Names ----------------------------------------------------------------------------------------------- */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* A name that needs no quotes anywhere, neither in a shell nor in an address: "Front Door" is "front-door". */
static void plain_name(const char *text, char name[NAME_SIZE])
{
    size_t used = 0;

    for (; *text != '\0' && used + 1 < NAME_SIZE; text++) {
        char c = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
        if (is_plain(c)) {
            name[used++] = c;
        } else if (used > 0 && name[used - 1] != '-') {
            name[used++] = '-';
        }
    }
    while (used > 0 && name[used - 1] == '-') {
        used--;
    }
    name[used] = '\0';
}

static bool is_taken(const json_t *cameras, const char *name)
{
    const json_t *camera;
    size_t index;

    json_array_foreach(cameras, index, camera) {
        if (strcmp(message_string(camera, "name", ""), name) == 0) {
            return true;
        }
    }
    return false;
}

static void choose_name(const json_t *cameras, const json_t *device, char name[NAME_SIZE + 16])
{
    static const char *const members[] = {"name", "model", "manufacturer"};
    char base[NAME_SIZE] = "";

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]) && base[0] == '\0'; i++) {
        plain_name(message_string(device, members[i], ""), base);
    }
    if (base[0] == '\0') {
        memcpy(base, "camera", sizeof("camera"));
    }
    snprintf(name, NAME_SIZE + 16, "%s", base);
    for (unsigned number = 2; is_taken(cameras, name); number++) {
        snprintf(name, NAME_SIZE + 16, "%s-%u", base, number);
    }
}

/* --- Cameras --------------------------------------------------------------------------------------------- */

static void add_cameras(json_t *cameras, const json_t *device, size_t number)
{
    const json_t *profiles = json_object_get(device, "profiles"), *profile;
    char name[NAME_SIZE + 16];
    size_t index;

    json_array_foreach(profiles, index, profile) {
        if (!is_playable(profile) || is_known(profiles, index)) {
            continue;
        }
        json_t *main = find_main(profiles, message_string(profile, "source", ""));
        json_t *sub = find_sub(profiles, main);
        choose_name(cameras, device, name);
        json_array_append_new(cameras,
                              json_pack("{s:s, s:I, s:s, s:O, s:o}", "name", name, "index",
                                        (json_int_t)number, "device", message_string(device, "address", ""),
                                        "main", main, "sub", sub ? json_incref(sub) : json_null()));
    }
}

json_t *camera_draft(const json_t *devices)
{
    json_t *cameras = json_array();
    const json_t *device;
    size_t index;

    json_array_foreach(devices, index, device) {
        add_cameras(cameras, device, index);
    }
    return cameras;
}

/* --- The configuration ----------------------------------------------------------------------------------- */

/* A string of libconfig's. */
static void print_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            fputc('\\', out);
        }
        fputc(*text, out);
    }
    fputc('"', out);
}

/* Text of a device in a comment, which it cannot end. */
static void print_text(FILE *out, const char *text)
{
    char safe[1024];

    text_escape(safe, sizeof(safe), text);
    fputs(safe, out);
}

static void print_profile(FILE *out, const char *mark, const json_t *profile)
{
    fprintf(out, "  #   %-5s", mark);
    print_text(out, message_string(profile, "video", ""));
    if (pixels(profile) > 0) {
        fprintf(out, " %dx%d", (int)message_integer(profile, "width", 0),
                (int)message_integer(profile, "height", 0));
    }
    if (message_integer(profile, "fps", 0) > 0) {
        fprintf(out, ", %d pictures a second", (int)message_integer(profile, "fps", 0));
    }
    if (message_integer(profile, "bitrate_kbit", 0) > 0) {
        fprintf(out, ", %d kbit/s", (int)message_integer(profile, "bitrate_kbit", 0));
    }
    if (message_integer(profile, "gop", 0) > 0) {
        fprintf(out, ", a keyframe every %d pictures", (int)message_integer(profile, "gop", 0));
    }
    const char *audio = message_string(profile, "audio", "");
    fprintf(out, ", %s", audio[0] != '\0' ? "sound " : "no sound");
    print_text(out, audio);
    fputs(" (", out);
    print_text(out, message_string(profile, "name", ""));
    fputs(message_boolean(profile, "moved", false) ? "; it names another host)\n" : ")\n", out);
}

static void print_profiles(FILE *out, const json_t *cameras, const json_t *device)
{
    const json_t *profile, *camera;
    size_t index, number;

    json_array_foreach(json_object_get(device, "profiles"), index, profile) {
        const char *mark = is_playable(profile) ? "" : "--";
        json_array_foreach(cameras, number, camera) {
            mark = json_object_get(camera, "main") == profile  ? "main"
                   : json_object_get(camera, "sub") == profile ? "sub"
                                                               : mark;
        }
        print_profile(out, mark, profile);
    }
}

static void print_clock(FILE *out, const json_t *device)
{
    const json_t *offset = json_object_get(device, "clock_offset_s");
    json_int_t seconds = json_integer_value(offset), size = seconds < 0 ? -seconds : seconds;

    if (!json_is_integer(offset) || size <= CLOCK_OFF_S) {
        return;
    }
    bool days = size >= 2 * DAY_S, hours = size >= 2 * HOUR_S;
    fprintf(out, "  #   its clock is %" JSON_INTEGER_FORMAT " %s %s; give it a time server\n",
            days    ? size / DAY_S
            : hours ? size / HOUR_S
                    : size,
            days    ? "days"
            : hours ? "hours"
                    : "s",
            seconds < 0 ? "behind" : "ahead");
}

/* Whether one of CAMERAS is of device NUMBER. */
static bool has_camera(const json_t *cameras, size_t number)
{
    const json_t *camera;
    size_t index;

    json_array_foreach(cameras, index, camera) {
        if (message_integer(camera, "index", -1) == (json_int_t)number) {
            return true;
        }
    }
    return false;
}

static void print_device(FILE *out, const json_t *cameras, const json_t *device, size_t number)
{
    static const char *const members[] = {"manufacturer", "model", "firmware", "name"};
    const char *error = message_string(device, "error", NULL),
               *advice = error ? camera_advice_of_device(error) : NULL;

    fprintf(out, "  # %s", message_string(device, "address", ""));
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const char *text = message_string(device, members[i], "");
        if (text[0] != '\0') {
            fputs(i == 0 ? ": " : ", ", out);
            print_text(out, text);
        }
    }
    fputc('\n', out);
    print_clock(out, device);
    print_profiles(out, cameras, device);
    if (error) {
        fputs("  #   no streams: ", out);
        print_text(out, error);
        fprintf(out, "\n%s%s%s", advice ? "  #   -> " : "", advice ? advice : "", advice ? "\n" : "");
    } else if (!has_camera(cameras, number)) {
        fputs("  #   no camera: none of its streams is H.264 or H.265\n"
              "  #   -> Choose H.264 for one of them in its settings.\n",
              out);
    }
}

/* Where the camera can be asked for a keyframe in the stream of PROFILE: the setting `onvif`. A token that is not plain is left away: then all are meant. */
static void print_onvif(FILE *out, const json_t *device, const json_t *profile)
{
    const char *url = message_string(device, "url", ""), *token = message_string(profile, "token", "");
    bool plain = token[0] != '\0' && token[strspn(token, TOKEN_BYTES)] == '\0';
    char text[ONVIF_SIZE];
    char problem[CONFIG_PROBLEM_SIZE];

    snprintf(text, sizeof(text), "%s%s%s", url, plain ? "#" : "", plain ? token : "");
    if (config_check_onvif(text, problem)) {
        fputs(" onvif = ", out);
        print_string(out, text);
        fputc(';', out);
    }
}

static void print_camera(FILE *out, const json_t *camera, const json_t *device, const char *username,
                         const char *password)
{
    const json_t *sub = json_object_get(camera, "sub");

    fputs("  { name = ", out);
    print_string(out, message_string(camera, "name", ""));
    fputs("; url = ", out);
    print_string(out, message_string(json_object_get(camera, "main"), "uri", ""));
    fputc(';', out);
    if (username) {
        fputs(" username = ", out);
        print_string(out, username);
        fputs("; password = ", out);
        print_string(out, password ? password : "");
        fputc(';', out);
    }
    fputs("\n   ", out);
    print_onvif(out, device, json_object_get(camera, "main"));
    if (json_is_object(sub)) {
        fputs("\n    sub = { url = ", out);
        print_string(out, message_string(sub, "uri", ""));
        fputc(';', out);
        print_onvif(out, device, sub);
        fputs(" };", out);
    }
    fputs(" }", out);
}

void camera_draft_print(const json_t *cameras, const json_t *devices, const char *username,
                        const char *password, FILE *out)
{
    const json_t *device, *camera;
    size_t index, number, printed = 0;

    fputs("cameras = (\n", out);
    json_array_foreach(devices, index, device) {
        print_device(out, cameras, device, index);
        json_array_foreach(cameras, number, camera) {
            if (message_integer(camera, "index", -1) == (json_int_t)index) {
                print_camera(out, camera, device, username, password);
                fputs(++printed < json_array_size(cameras) ? ",\n" : "\n", out);
            }
        }
    }
    fputs(");\n", out);
}
