/* SPDX-License-Identifier: MIT */
/*
 * The order of the layers: each one must still be able to do what the next one forbids. no-new-privs first,
 * because Landlock and seccomp want it from ordinary users; the user before the capabilities, which a change
 * of user needs; not-dumpable after the user, because changing it resets that; seccomp last.
 */
#include "common/sandbox/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/own_usage.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox_parts.h"

#define MODE_VARIABLE "RINGCAST_SANDBOX"
#define USER_VARIABLE "RINGCAST_RUN_AS"

/* The user to run as if the configuration names none. */
#define DEFAULT_USER "ringcast"

/* "landlock:" and a version number. */
#define LAYER_NAME_SIZE 24

enum layer {
    LAYER_NO_NEW_PRIVS,
    LAYER_USER,
    LAYER_CAPABILITIES,
    LAYER_LIMITS,
    LAYER_NOT_DUMPABLE,
    LAYER_LANDLOCK,
    LAYER_SECCOMP,
    LAYERS
};

static const char *const layer_names[LAYERS] = {"no-new-privs", "user",     "capabilities", "limits",
                                                "not-dumpable", "landlock", "seccomp"};
static const char *const mode_names[] = {"off", "on", "required"};

static bool active[LAYERS];
static int landlock_version;

static enum sandbox_mode mode_now(void)
{
    const char *given = getenv(MODE_VARIABLE);

    for (size_t i = 0; given && i < sizeof(mode_names) / sizeof(mode_names[0]); i++) {
        if (strcmp(given, mode_names[i]) == 0) {
            return (enum sandbox_mode)i;
        }
    }
    return SANDBOX_ON;
}

/* False: the process keeps its user. */
static bool user_now(uid_t *uid, gid_t *gid)
{
    const char *given = getenv(USER_VARIABLE);
    unsigned user, group;

    if (!given || sscanf(given, "%u:%u", &user, &group) != 2) {
        return false;
    }
    *uid = user;
    *gid = group;
    return true;
}

static bool is_confined(enum sandbox_role role)
{
    return role == SANDBOX_FORK_SERVER || role == SANDBOX_INGEST || role == SANDBOX_FANOUT ||
           role == SANDBOX_EXPORTER || role == SANDBOX_PASSWORD || role == SANDBOX_SNAPSHOT ||
           role == SANDBOX_HLS || role == SANDBOX_RTSP || role == SANDBOX_RELAY || role == SANDBOX_DISCOVER;
}

/* 0: the process is not root. */
static int enter_user(enum sandbox_role role)
{
    uid_t uid;
    gid_t gid;

    if (geteuid() == 0 && is_confined(role) && user_now(&uid, &gid)) {
        int error = sandbox_become(uid, gid);
        if (error < 0) {
            return error;
        }
    }
    return geteuid() == 0 ? -ENOENT : 0;
}

static int enter_layer(enum layer layer, enum sandbox_role role, const struct sandbox_needs *needs)
{
    switch (layer) {
    case LAYER_NO_NEW_PRIVS:
        return sandbox_no_new_privileges();
    case LAYER_USER:
        return enter_user(role);
    case LAYER_CAPABILITIES:
        return sandbox_drop_capabilities(role);
    case LAYER_LIMITS:
        return sandbox_limit(role, needs);
    case LAYER_NOT_DUMPABLE:
        return sandbox_hide_memory();
    case LAYER_LANDLOCK:
        return sandbox_close_files(role, needs, &landlock_version);
    case LAYER_SECCOMP:
        return sandbox_filter_calls(role, needs);
    case LAYERS:
        break;
    }
    return -EINVAL;
}

static bool has_layer(enum sandbox_role role, enum layer layer)
{
    if (layer == LAYER_USER) {
        return is_confined(role) || geteuid() != 0;
    }
    return (layer != LAYER_LANDLOCK && layer != LAYER_SECCOMP) || is_confined(role);
}

/* ringcastd has logged this already, so its children need not. */
static bool is_known(enum layer layer, int error)
{
    return layer == LAYER_USER || error == -ENOSYS || error == -EOPNOTSUPP;
}

/* NATS servers have names and certificates, and come and go while it runs; its library has threads. */
static const struct sandbox_needs relay_needs = {.names = true, .certificates = true, .threads = true};

int sandbox_enter(enum sandbox_role role, const struct sandbox_needs *needs)
{
    enum sandbox_mode mode = mode_now();

    needs = role == SANDBOX_RELAY ? &relay_needs : needs;
    own_usage_open();
    memset(active, 0, sizeof(active));
    for (enum layer layer = 0; mode != SANDBOX_OFF && layer < LAYERS; layer++) {
        int error = has_layer(role, layer) ? enter_layer(layer, role, needs) : 0;
        active[layer] = error == 0 && has_layer(role, layer);
        if (error < 0 && mode == SANDBOX_REQUIRED) {
            log_error("no sandbox: %s: %s", layer_names[layer], strerror(-error));
            return -EPERM;
        }
        if (error < 0) {
            log_write(is_known(layer, error) ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING, "sandbox: no %s: %s",
                      layer_names[layer], strerror(-error));
        }
    }
    return 0;
}

json_t *sandbox_layers(void)
{
    json_t *names = json_array();
    char name[LAYER_NAME_SIZE];

    for (enum layer layer = 0; layer < LAYERS; layer++) {
        if (!active[layer]) {
            continue;
        }
        if (layer == LAYER_LANDLOCK) {
            snprintf(name, sizeof(name), "%s:%d", layer_names[layer], landlock_version);
        } else {
            snprintf(name, sizeof(name), "%s", layer_names[layer]);
        }
        json_array_append_new(names, json_string(name));
    }
    return names;
}

json_t *sandbox_read(const json_t *given)
{
    size_t index;
    const json_t *name;
    bool plain = json_is_array(given) && json_array_size(given) <= LAYERS;

    if (plain) {
        json_array_foreach(given, index, name) {
            plain = plain && json_is_string(name) && json_string_length(name) < LAYER_NAME_SIZE;
        }
    }
    return plain ? json_deep_copy(given) : json_array();
}

/* --- ringcastd ------------------------------------------------------------------------------------------ */

/* Only root can become another user; for everyone else there is nothing to do. */
static int find_user(const char *name, char *text, size_t size)
{
    const struct passwd *user = getpwnam(name ? name : DEFAULT_USER);

    text[0] = '\0';
    if (!user) {
        return name ? -ENOENT : 0;
    }
    if (geteuid() == 0) {
        snprintf(text, size, "%u:%u", (unsigned)user->pw_uid, (unsigned)user->pw_gid);
    }
    return 0;
}

int sandbox_configure(enum sandbox_mode mode, const char *user)
{
    char ids[32];
    int error = find_user(user, ids, sizeof(ids));

    if (error < 0) {
        return error;
    }
    if (setenv(MODE_VARIABLE, mode_names[mode], 1) < 0 || setenv(USER_VARIABLE, ids, 1) < 0) {
        return -errno;
    }
    return 0;
}

int sandbox_probe(void)
{
    enum sandbox_mode mode = mode_now();
    enum log_level level = mode == SANDBOX_REQUIRED ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING;
    uid_t uid;
    gid_t gid;
    int missing = 0;

    if (mode == SANDBOX_OFF) {
        log_warning("sandbox: off by configuration");
        return 0;
    }
    if (sandbox_files_version() < 0 && ++missing) {
        log_write(level, "sandbox: no landlock here (%s): files are closed by the system call filter alone",
                  strerror(-sandbox_files_version()));
    }
    if (sandbox_calls_available() < 0 && ++missing) {
        log_write(level, "sandbox: no seccomp here (%s): no system call is refused",
                  strerror(-sandbox_calls_available()));
    }
    if (geteuid() == 0 && (!user_now(&uid, &gid) || uid == 0) && ++missing) {
        log_write(level, "sandbox: everything runs as root; make a user \"" DEFAULT_USER
                         "\", or name another in `user`");
    }
    return missing > 0 && mode == SANDBOX_REQUIRED ? -EPERM : 0;
}
