/* SPDX-License-Identifier: MIT */
#include "ctl/discovery.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/base/url.h"
#include "common/config/config_check.h"
#include "common/ipc/message.h"
#include "ctl/client.h"
#include "ctl/discover_process.h"
#include "ctl/interrupt.h"

/* Milliseconds of the search, of a network and of one address, and the most for one device. */
#define SEARCH_MS 4000
#define SEARCH_ONE_MS 1500
#define DEVICE_MS 15000

/* Devices that are asked at the same time. */
#define AT_ONCE 8

#define DEVICES_MAX 256
#define PROFILES_MAX 64

/* Milliseconds between two looks at the clock and for Ctrl-C. */
#define LOOK_MS 100

#define HOST_SIZE 256

/* Where the device service is if the device does not say so: the path is that of ONVIF's core specification, the ports are makers' habits. */
static const char *const usual_ports[] = {"", ":8080", ":8000", ":2020", ":8899"};
static const char service_path[] = "/onvif/device_service";

static const char *const texts[] = {"manufacturer", "model", "firmware", "serial"};

struct slot {
    struct discover_process process;
    json_t *device; /* of the list, which owns it; NULL: the slot is free */
    bool answered;
};

struct run {
    const struct discovery *discovery;
    uint64_t deadline;
    json_t *devices;
};

static void progress(const struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void progress(const struct run *run, const char *format, ...)
{
    char line[1024], safe[TEXT_ESCAPE_MAX * sizeof(line)];
    va_list arguments;

    if (run->discovery->silent) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    text_escape(safe, sizeof(safe), line);
    fprintf(stderr, "%s\n", safe);
}

static uint64_t time_left(const struct run *run)
{
    uint64_t now = clock_now_ms();

    return now < run->deadline ? run->deadline - now : 0;
}

static uint64_t at_most(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* --- Devices --------------------------------------------------------------------------------------------- */

static json_t *device_new(const char *address, const char *name, json_t *urls)
{
    return json_pack("{s:s, s:n, s:o, s:s, s:s, s:s, s:s, s:n, s:n, s:[], s:o}", "address", address, "url",
                     "name", message_text(name), "manufacturer", "", "model", "", "firmware", "", "serial",
                     "", "clock_offset_s", "error", "profiles", "urls", urls);
}

static void add_found(struct run *run, const json_t *message)
{
    const char *address = message_string(message, "address", ""), *name = message_string(message, "name", "");
    const json_t *urls = json_object_get(message, "urls");
    struct in_addr ignored;

    if (inet_pton(AF_INET, address, &ignored) != 1 || !json_is_array(urls) ||
        json_array_size(run->devices) >= DEVICES_MAX) {
        return;
    }
    name = name[0] != '\0' ? name : message_string(message, "hardware", "");
    json_array_append_new(run->devices, device_new(address, name, json_deep_copy(urls)));
    progress(run, "%s: found%s%s", address, name[0] != '\0' ? ", " : "", name);
}

/* Only what has the right kind is taken over. */
static void take_device(json_t *device, const json_t *message)
{
    const json_t *offset = json_object_get(message, "clock_offset_s");
    const char *url = message_string(message, "url", ""), *error = message_string(message, "error", NULL);

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        json_object_set_new(device, texts[i], message_text(message_string(message, texts[i], "")));
    }
    json_object_set_new(device, "url", url[0] != '\0' ? message_text(url) : json_null());
    json_object_set_new(device, "clock_offset_s",
                        json_is_integer(offset) ? json_integer(json_integer_value(offset)) : json_null());
    json_object_set_new(device, "error", error ? message_text(error) : json_null());
}

/* A URI is taken only for the machine that was asked, if the configuration takes it, and without anything that a line or string could end at. */
static bool is_stream(const char *uri, const char *address)
{
    const char *host = strncmp(uri, "rtsp://", 7) == 0    ? uri + 7
                       : strncmp(uri, "rtsps://", 8) == 0 ? uri + 8
                                                          : NULL;
    size_t length = strlen(address);
    bool bracketed = host && host[0] == '[';
    char problem[CONFIG_PROBLEM_SIZE];

    if (!host || strncmp(host + bracketed, address, length) != 0 ||
        strchr(bracketed ? "]" : ":/?", host[bracketed + length]) == NULL) {
        return false;
    }
    for (const char *c = uri; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~' || *c == '"' || *c == '\\') {
            return false;
        }
    }
    return config_check_url(uri, problem);
}

static void take_profile(json_t *device, const json_t *message)
{
    static const char *const names[] = {"token", "name", "source", "video", "audio"};
    static const char *const numbers[] = {"width", "height", "fps", "bitrate_kbit", "gop"};
    json_t *profiles = json_object_get(device, "profiles"), *profile = json_object();
    const char *uri = message_string(message, "uri", "");

    if (json_array_size(profiles) >= PROFILES_MAX || !is_stream(uri, message_string(device, "address", ""))) {
        json_decref(profile);
        return;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        json_object_set_new(profile, names[i], message_text(message_string(message, names[i], "")));
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        json_object_set_new(profile, numbers[i], json_integer(message_integer(message, numbers[i], 0)));
    }
    json_object_set_new(profile, "uri", message_text(uri));
    json_object_set_new(profile, "moved", json_boolean(message_boolean(message, "moved", false)));
    json_array_append_new(profiles, profile);
}

/* --- The search ------------------------------------------------------------------------------------------ */

static void await_one(const struct discover_process *process)
{
    struct pollfd readable = {.fd = process->channel, .events = POLLIN};

    poll(&readable, 1, LOOK_MS);
}

/* ADDRESS: a numeric one, or NULL for the whole network. */
static enum exit_code search(struct run *run, const char *address)
{
    uint64_t ms = at_most(address ? SEARCH_ONE_MS : SEARCH_MS, time_left(run) / 2);
    struct discover_process process;
    const char *problem = NULL;
    json_t *task = message_pack("search", "{s:I, s:s?, s:s?}", "ms", (json_int_t)ms, "address", address,
                                "interface", run->discovery->interface);
    json_t *message = NULL;

    int result = task ? discover_process_start(&process, task) : -ENOMEM;
    json_decref(task);
    if (result < 0) {
        client_complain("ringcast-discover, beside this program: %s", strerror(-result));
        return EXIT_CODE_FAILED;
    }
    while (!interrupt_came() && time_left(run) > 0 &&
           (result = discover_process_read(&process, &message)) != 0) {
        if (result == -EAGAIN) {
            await_one(&process);
            continue;
        }
        if (message_is(message, "found")) {
            add_found(run, message);
        } else if (message_is(message, "error")) {
            problem = "no network can be searched";
            client_complain("%s: %s", run->discovery->interface ? run->discovery->interface : problem,
                            message_string(message, "message", "?"));
        }
        json_decref(message);
    }
    discover_process_end(&process);
    return problem ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}

/* --- Asking ---------------------------------------------------------------------------------------------- */

static void wipe_password(const json_t *task)
{
    const char *password = message_string(task, "password", NULL);

    if (password) {
        secret_wipe((char *)(uintptr_t)password, strlen(password));
    }
}

static bool begin(struct run *run, struct slot *slot, json_t *device)
{
    uint64_t ms = at_most(DEVICE_MS, time_left(run));
    json_t *task =
        message_pack("ask", "{s:I, s:s, s:O, s:s?, s:s?}", "ms", (json_int_t)ms, "address",
                     message_string(device, "address", ""), "urls", json_object_get(device, "urls"),
                     "username", run->discovery->username, "password", run->discovery->password);
    int result = task ? discover_process_start(&slot->process, task) : -ENOMEM;

    wipe_password(task);
    json_decref(task);
    if (result < 0) {
        json_object_set_new(device, "error", json_string(strerror(-result)));
        return false;
    }
    slot->device = device;
    slot->answered = false;
    return true;
}

static void finish(const struct run *run, struct slot *slot)
{
    json_t *device = slot->device;
    const char *address = message_string(device, "address", "");
    size_t streams = json_array_size(json_object_get(device, "profiles"));

    discover_process_end(&slot->process);
    slot->device = NULL;
    if (!slot->answered) {
        json_object_set_new(
            device, "error",
            json_string(time_left(run) == 0 ? "no answer in time" : "the talk with it broke off"));
    } else if (streams == 0 && json_is_null(json_object_get(device, "error"))) {
        json_object_set_new(device, "error", json_string("it names no stream"));
    }
    const char *error = message_string(device, "error", NULL);
    if (error) {
        progress(run, "%s: %s", address, error);
    } else {
        progress(run, "%s: %zu stream%s", address, streams, streams == 1 ? "" : "s");
    }
}

/* Reads what SLOT's process has said, and ends it when it has said all. */
static void attend(const struct run *run, struct slot *slot)
{
    json_t *message = NULL;
    int result;

    while ((result = discover_process_read(&slot->process, &message)) == 1) {
        if (message_is(message, "device")) {
            take_device(slot->device, message);
            slot->answered = true;
        } else if (message_is(message, "profile") && slot->answered) {
            take_profile(slot->device, message);
        }
        json_decref(message);
    }
    if (result == 0) {
        finish(run, slot);
    }
}

static void ask_all(struct run *run)
{
    struct slot slots[AT_ONCE] = {0};
    size_t next = 0, count = json_array_size(run->devices), busy = 1;

    while (busy > 0 && time_left(run) > 0 && !interrupt_came()) {
        struct pollfd readable[AT_ONCE];
        busy = 0;
        for (size_t i = 0; i < AT_ONCE; i++) {
            while (!slots[i].device && next < count &&
                   !begin(run, &slots[i], json_array_get(run->devices, next++))) {
            }
            readable[busy] = (struct pollfd){.fd = slots[i].process.channel, .events = POLLIN};
            busy += slots[i].device != NULL;
        }
        if (busy > 0) {
            poll(readable, busy, LOOK_MS);
        }
        for (size_t i = 0; i < AT_ONCE; i++) {
            if (slots[i].device) {
                attend(run, &slots[i]);
            }
        }
    }
    for (size_t i = 0; i < AT_ONCE; i++) {
        if (slots[i].device) {
            finish(run, &slots[i]);
        }
    }
    for (; next < count; next++) {
        json_object_set_new(json_array_get(run->devices, next), "error",
                            json_string("no time was left to ask it"));
    }
}

/* --- One address ----------------------------------------------------------------------------------------- */

/* The parts of "host", "host:port", "[IPv6]:port" or a URL of these. False: it is none. */
static bool split(const char *given, char host[HOST_SIZE], char rest[HOST_SIZE], const char **scheme)
{
    *scheme = strncmp(given, "https://", 8) == 0 ? "https://" : "http://";
    given += strncmp(given, *scheme, strlen(*scheme)) == 0 ? strlen(*scheme) : 0;
    bool bracketed = given[0] == '[';
    const char *colon = strchr(given, ':');
    bool bare =
        !bracketed && colon && strchr(colon + 1, ':') && !strchr(given, '/'); /* an IPv6 address alone */
    size_t length = bracketed ? strcspn(given + 1, "]") : bare ? strlen(given) : strcspn(given, ":/");
    if (length == 0 || length >= HOST_SIZE || (bracketed && given[1 + length] != ']')) {
        return false;
    }
    snprintf(host, HOST_SIZE, "%.*s", (int)length, given + bracketed);
    const char *behind = given + length + 2 * (size_t)bracketed;
    bool fits = (size_t)snprintf(rest, HOST_SIZE, "%s", behind) < HOST_SIZE;
    return fits && (rest[0] == '\0' || rest[0] == '/' ||
                    (rest[0] == ':' && url_port(rest + 1, strcspn(rest + 1, "/")) > 0));
}

/* HOST as a number; IPv4 before IPv6. */
static bool resolve(const char *host, char address[INET6_ADDRSTRLEN])
{
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *all = NULL, *best;

    int result = getaddrinfo(host, NULL, &wanted, &all);
    if (result != 0) {
        client_complain("%s: %s", host, gai_strerror(result));
        return false;
    }
    best = all;
    for (struct addrinfo *one = all; one; one = one->ai_next) {
        if (one->ai_family == AF_INET) {
            best = one;
            break;
        }
    }
    bool told =
        getnameinfo(best->ai_addr, best->ai_addrlen, address, INET6_ADDRSTRLEN, NULL, 0, NI_NUMERICHOST) == 0;
    freeaddrinfo(all);
    return told;
}

static void add_url(json_t *urls, const char *scheme, const char *address, const char *rest)
{
    char url[3 * HOST_SIZE];
    bool long_form = strchr(address, ':') != NULL, path = strchr(rest, '/') != NULL;

    snprintf(url, sizeof(url), "%s%s%s%s%s%s", scheme, long_form ? "[" : "", address, long_form ? "]" : "",
             rest, path ? "" : service_path);
    json_array_append_new(urls, json_string(url));
}

/* Without a port the device is asked for it, and then the usual ones are tried. */
static enum exit_code find_one(struct run *run)
{
    char host[HOST_SIZE], rest[HOST_SIZE], address[INET6_ADDRSTRLEN];
    const char *scheme = NULL;
    enum exit_code code = EXIT_CODE_OK;

    if (!split(run->discovery->address, host, rest, &scheme)) {
        client_complain("--address %s: not an address; write 192.168.1.20 or 192.168.1.20:8000",
                        run->discovery->address);
        return EXIT_CODE_USAGE;
    }
    if (!resolve(host, address)) {
        return EXIT_CODE_FAILED;
    }
    progress(run, "%s: asking it", address);
    bool open = rest[0] == '\0';
    if (open && !strchr(address, ':')) {
        code = search(run, address);
    }
    if (code == EXIT_CODE_OK && json_array_size(run->devices) == 0) {
        json_array_append_new(run->devices, device_new(address, "", json_array()));
    }
    json_t *urls = json_object_get(json_array_get(run->devices, 0), "urls");
    for (size_t i = 0; urls && i < (open ? sizeof(usual_ports) / sizeof(usual_ports[0]) : 1); i++) {
        add_url(urls, scheme, address, open ? usual_ports[i] : rest);
    }
    return code;
}

enum exit_code discovery_run(const struct discovery *discovery, json_t **devices)
{
    struct run run = {
        .discovery = discovery, .deadline = clock_now_ms() + discovery->ms, .devices = json_array()};
    enum exit_code code;

    if (discovery->address) {
        code = find_one(&run);
    } else {
        progress(&run, "Searching this network for cameras for %.3g s",
                 (double)at_most(SEARCH_MS, discovery->ms / 2) / MS_PER_SECOND);
        code = search(&run, NULL);
    }
    if (code == EXIT_CODE_OK) {
        ask_all(&run);
    }
    size_t index;
    json_t *device;
    json_array_foreach(run.devices, index, device) {
        json_object_del(device, "urls");
    }
    if (code == EXIT_CODE_OK && interrupt_came()) {
        client_complain("interrupted");
        code = EXIT_CODE_FAILED;
    }
    if (code == EXIT_CODE_OK) {
        *devices = run.devices;
    } else {
        json_decref(run.devices);
    }
    return code;
}
