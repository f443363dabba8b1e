/* SPDX-License-Identifier: MIT */
#include "discover/device.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "common/base/clock.h"
#include "common/ipc/message.h"
#include "discover/answer.h"
#include "discover/place.h"
#include "discover/question.h"
#include "discover/report.h"

/* The most time for one question. */
#define QUESTION_MS 6000

/* How credentials are shown. The device decides, at the first question that needs them. */
enum login { LOGIN_NONE, LOGIN_TOKEN, LOGIN_DIGEST };

struct device {
    const struct device_task *task;
    struct http *http;
    struct http_answer answer; /* to the last question */
    enum login login;
    int64_t clock_offset; /* seconds by which the device's clock is ahead */
    bool clock_known;
    char url[ANSWER_URL_SIZE]; /* of the device service */
    char why[2 * ANSWER_TEXT_SIZE];
    struct answer_reason reason;
    struct answer_identity identity;
    struct answer_services services;
    struct answer_profile profiles[ANSWER_PROFILES_MAX];
    size_t profile_count;
    const char *media; /* namespace of the service that has the profiles */
};

static const char *const web_schemes[] = {"http", "https", NULL};
static const char *const stream_schemes[] = {"rtsp", "rtsps", NULL};

static void explain(struct device *device, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void explain(struct device *device, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(device->why, sizeof(device->why), format, arguments);
    va_end(arguments);
}

/* --- Asking ---------------------------------------------------------------------------------------------- */

static uint64_t time_left(const struct device *device)
{
    uint64_t now = clock_now_ms(), deadline = device->task->deadline;
    uint64_t left = now < deadline ? deadline - now : 0;

    return left < QUESTION_MS ? left : QUESTION_MS;
}

static int send(struct device *device, const char *url, enum question_kind kind, const char *profile)
{
    char message[QUESTION_SIZE];
    struct question_token token = {.username = device->task->username,
                                   .password = device->task->password,
                                   .time = clock_wall_ns() / NS_PER_SECOND + device->clock_offset};
    struct http_login login = {device->task->username, device->task->password};

    if (time_left(device) == 0) {
        return -ETIMEDOUT;
    }
    if (device->login == LOGIN_TOKEN &&
        getrandom(token.nonce, sizeof(token.nonce), 0) != sizeof(token.nonce)) {
        return -EIO;
    }
    int length = question_write(kind, device->login == LOGIN_TOKEN ? &token : NULL, profile, message);
    return length < 0
               ? length
               : http_ask(device->http, url, message, (size_t)length,
                          device->login == LOGIN_DIGEST ? &login : NULL, time_left(device), &device->answer);
}

/* The status means that these credentials do not do. Faults come with 400 or 500, and say it themselves. */
static bool is_refused(const struct device *device)
{
    return device->answer.status == 401 || device->answer.status == 403;
}

/*
 * Asks for what needs credentials. With HTTP Digest only after the device has asked for it: it then has not looked at
 * the token, so that no wrong password is counted twice.
 */
static int ask(struct device *device, const char *url, enum question_kind kind, const char *profile)
{
    int result = send(device, url, kind, profile);

    if (result == 0 && device->answer.status == 401 && device->answer.offers_digest &&
        device->login == LOGIN_TOKEN) {
        device->login = LOGIN_DIGEST;
        result = send(device, url, kind, profile);
    }
    return result == 0 && is_refused(device) ? -EACCES : result;
}

static const char *words_of(const struct device *device, int error)
{
    switch (error) {
    case -EACCES:
        return device->login == LOGIN_NONE ? "wants a username and password"
                                           : "refuses the username or password";
    case -ECONNREFUSED:
        return "connection refused";
    case -EHOSTUNREACH:
        return "no route to host";
    case -ETIMEDOUT:
        return "no answer in time";
    case -EMSGSIZE:
        return "its answer is too long";
    case -EBADMSG:
        return "its answer is not ONVIF";
    case -EPROTO:
        return "it refuses";
    case -EINVAL:
    case -ENAMETOOLONG:
        return "it names a stream by what is no address of one";
    default:
        return "the connection failed";
    }
}

static void explain_error(struct device *device, int error)
{
    bool says = (error == -EPROTO || error == -EACCES) && device->reason.text[0] != '\0';

    explain(device, "%s%s%s", words_of(device, error), says ? ": " : "", says ? device->reason.text : "");
}

/* --- The steps ------------------------------------------------------------------------------------------- */

/* Where the device service is. GetSystemDateAndTime needs no credentials, so it is the first question, and what is no device sees none. */
static int find_service(struct device *device)
{
    size_t index;
    const json_t *given;
    int result = -EINVAL;

    json_array_foreach(device->task->urls, index, given) {
        int64_t seconds = 0;
        if (!json_is_string(given) || place_own(json_string_value(given), device->task->address, web_schemes,
                                                device->url, sizeof(device->url), NULL) < 0) {
            continue;
        }
        int sent = send(device, device->url, QUESTION_TIME, NULL);
        int read = sent < 0
                       ? sent
                       : answer_time(device->answer.data, device->answer.length, &seconds, &device->reason);
        if (read == 0) {
            device->clock_offset = seconds - clock_wall_ns() / NS_PER_SECOND;
            device->clock_known = true;
        }
        /* Some devices do not tell the time, or not to strangers; but what answers in SOAP is a device. */
        if (read == 0 || read == -ENODATA || read == -EACCES || read == -EPROTO ||
            (sent == 0 && is_refused(device))) {
            return 0;
        }
        /* The most telling: something answered; or else that it is slow, not that nothing is at another port. */
        result = result == -EBADMSG || (result == -ETIMEDOUT && read != -EBADMSG) ? result : read;
    }
    return result;
}

static int ask_identity(struct device *device)
{
    int result = ask(device, device->url, QUESTION_IDENTITY, NULL);

    return result < 0 ? result
                      : answer_identity(device->answer.data, device->answer.length, &device->identity,
                                        &device->reason);
}

static int ask_services_by(struct device *device, enum question_kind kind)
{
    int result = ask(device, device->url, kind, NULL);

    return result < 0 ? result
                      : answer_services(device->answer.data, device->answer.length, &device->services,
                                        &device->reason);
}

/* Devices before ONVIF 2.0 do not know GetServices. */
static int ask_services(struct device *device)
{
    int result = ask_services_by(device, QUESTION_SERVICES);
    bool empty = device->services.media[0] == '\0' && device->services.media2[0] == '\0';

    if (result == -EPROTO || result == -EBADMSG || (result == 0 && empty)) {
        result = ask_services_by(device, QUESTION_CAPABILITIES);
    }
    return result;
}

/*
 * Asks a service, which may be at the door of the device service and not where the device says. SERVICE then becomes the address that
 * answers.
 */
static int ask_at(struct device *device, char service[ANSWER_URL_SIZE], enum question_kind kind,
                  const char *profile)
{
    char url[ANSWER_URL_SIZE], door[ANSWER_URL_SIZE];

    if (place_own(service, device->task->address, web_schemes, url, sizeof(url), NULL) < 0) {
        return -EBADMSG;
    }
    int result = ask(device, url, kind, profile);
    if ((result == -ECONNREFUSED || result == -EIO) &&
        place_at_door(url, device->url, door, sizeof(door)) == 0 && strcmp(door, url) != 0) {
        memcpy(url, door, sizeof(url));
        result = ask(device, url, kind, profile);
    }
    if (result == 0) {
        memcpy(service, url, sizeof(url));
    }
    return result;
}

static int ask_profiles_of(struct device *device, char service[ANSWER_URL_SIZE], const char *namespace,
                           enum question_kind kind)
{
    int result = ask_at(device, service, kind, NULL);

    if (result == 0) {
        result = answer_profiles(device->answer.data, device->answer.length, namespace, device->profiles,
                                 &device->profile_count, &device->reason);
    }
    if (result == 0) {
        device->media = namespace;
    }
    return result;
}

/* Only Media2 tells of H.265; only Media is known to older devices. */
static int ask_profiles(struct device *device)
{
    int result = -ENOENT;

    if (device->services.media2[0] != '\0') {
        result = ask_profiles_of(device, device->services.media2, ANSWER_MEDIA2, QUESTION_PROFILES2);
    }
    if (result != -EACCES && device->profile_count == 0 && device->services.media[0] != '\0') {
        result = ask_profiles_of(device, device->services.media, ANSWER_MEDIA, QUESTION_PROFILES);
    }
    if (result == -ENOENT || (result == 0 && device->profile_count == 0)) {
        explain(device, "it has no profile with video");
        return -ENOENT;
    }
    return result;
}

static int ask_uri(struct device *device, const struct answer_profile *profile, char uri[ANSWER_URL_SIZE],
                   bool *moved)
{
    bool second = strcmp(device->media, ANSWER_MEDIA2) == 0;
    char *service = second ? device->services.media2 : device->services.media;
    char given[ANSWER_URL_SIZE];

    int result = ask_at(device, service, second ? QUESTION_URI2 : QUESTION_URI, profile->token);
    if (result == 0) {
        result =
            answer_uri(device->answer.data, device->answer.length, device->media, given, &device->reason);
    }
    return result < 0 ? result
                      : place_own(given, device->task->address, stream_schemes, uri, ANSWER_URL_SIZE, moved);
}

/* --- Telling --------------------------------------------------------------------------------------------- */

static int tell_device(const struct device *device, int channel)
{
    return report_send(
        channel,
        message_pack("device", "{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "address", device->task->address,
                     "url", device->url, "manufacturer", message_text(device->identity.manufacturer), "model",
                     message_text(device->identity.model), "firmware",
                     message_text(device->identity.firmware), "serial", message_text(device->identity.serial),
                     "clock_offset_s", device->clock_known ? json_integer(device->clock_offset) : json_null(),
                     "error", device->why[0] != '\0' ? message_text(device->why) : json_null()));
}

static int tell_profile(const struct answer_profile *profile, const char *uri, bool moved, int channel)
{
    return report_send(
        channel, message_pack("profile", "{s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:i, s:i, s:s, s:b}",
                              "token", message_text(profile->token), "name", message_text(profile->name),
                              "source", message_text(profile->source), "video", message_text(profile->video),
                              "audio", message_text(profile->audio), "width", profile->width, "height",
                              profile->height, "fps", profile->fps, "bitrate_kbit", profile->bitrate, "gop",
                              profile->gop, "uri", uri, "moved", (int)moved));
}

/* Why no profile has a stream, if none has, is an answer, too. */
static int tell_profiles(struct device *device, int channel)
{
    size_t told = 0;
    int result = 0, problem = 0;

    for (size_t i = 0; i < device->profile_count && result == 0; i++) {
        char uri[ANSWER_URL_SIZE];
        bool moved = false;
        int asked = ask_uri(device, &device->profiles[i], uri, &moved);
        if (asked == 0) {
            result = tell_profile(&device->profiles[i], uri, moved, channel);
            told++;
            continue;
        }
        problem = asked;
        if (asked == -ETIMEDOUT || asked == -EACCES) {
            break; /* so it will be with the others */
        }
    }
    if (result == 0 && told == 0 && problem < 0) {
        explain_error(device, problem);
        result = tell_device(device, channel);
    }
    return result;
}

int device_ask(const struct device_task *task, struct http *http, int channel)
{
    struct device device = {.task = task, .http = http};

    int result = find_service(&device);
    device.login = task->username ? LOGIN_TOKEN : LOGIN_NONE;
    if (result == 0) {
        result = ask_identity(&device);
        /* What it is called is of no importance; whether it lets us in is. */
        result = result == -EACCES || result == -ETIMEDOUT ? result : 0;
    }
    if (result == 0) {
        result = ask_services(&device);
    }
    if (result == 0) {
        result = ask_profiles(&device);
    }
    if (result < 0 && device.why[0] == '\0') {
        explain_error(&device, result);
    }
    result = tell_device(&device, channel);
    return result == 0 ? tell_profiles(&device, channel) : result;
}

/* --- A keyframe ------------------------------------------------------------------------------------------ */

static int synchronize_by(struct device *device, char service[ANSWER_URL_SIZE], const char *namespace,
                          enum question_kind kind, const char *token)
{
    int result = service[0] != '\0' ? ask_at(device, service, kind, token) : -ENOENT;

    return result < 0
               ? result
               : answer_synchronized(device->answer.data, device->answer.length, namespace, &device->reason);
}

/* Media2 and Media have it alike; some devices have profiles in one of them alone. */
static int synchronize(struct device *device, const char *token)
{
    int result = synchronize_by(device, device->services.media2, ANSWER_MEDIA2, QUESTION_SYNC2, token);

    if (result < 0 && result != -EACCES && result != -ETIMEDOUT && device->services.media[0] != '\0') {
        result = synchronize_by(device, device->services.media, ANSWER_MEDIA, QUESTION_SYNC, token);
    }
    return result;
}

/* 0: one at least was asked for. */
static int synchronize_all(struct device *device)
{
    int result = ask_profiles(device), all = result == 0 ? -ENOENT : result;

    for (size_t i = 0; i < device->profile_count && result != -EACCES && result != -ETIMEDOUT; i++) {
        result = synchronize(device, device->profiles[i].token);
        all = all == 0 ? 0 : result;
    }
    return all;
}

int device_synchronize(const struct device_task *task, const char *profile, struct http *http, int channel)
{
    struct device device = {.task = task, .http = http};

    int result = find_service(&device);
    device.login = task->username ? LOGIN_TOKEN : LOGIN_NONE;
    if (result == 0) {
        result = ask_services(&device);
    }
    if (result == 0) {
        result = profile ? synchronize(&device, profile) : synchronize_all(&device);
    }
    if (result < 0 && device.why[0] == '\0') {
        explain_error(&device, result);
    }
    return report_send(channel, message_pack("synchronized", "{s:o, s:b}", "error",
                                             result < 0 ? message_text(device.why) : json_null(), "refused",
                                             (int)(result == -EACCES)));
}
