/* SPDX-License-Identifier: MIT */
#include "common/config/config_paths.h"

#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/hash.h"
#include "common/config/config_check.h"
#include "common/config/config_memory.h"

#define SYSTEM_RUNTIME_DIR "/run/ringcast"

/* Bytes of the directory's own name within a derived instance; a dash and the hash follow. */
#define INSTANCE_STEM_MAX 21

static char *join(const char *directory, const char *path)
{
    char *joined = NULL;

    if (asprintf(&joined, "%s%s", directory, path) < 0) {
        abort();
    }
    return joined;
}

/* The first of the directories that systemd made for this service, systemd.exec(5); NULL: it made none. */
static char *systemd_directory(const char *variable)
{
    const char *list = getenv(variable);

    return list && list[0] == '/' ? config_need(strndup(list, strcspn(list, ":"))) : NULL;
}

char *config_default_runtime_dir(void)
{
    const char *user_dir = getenv("XDG_RUNTIME_DIR");
    char *path = systemd_directory("RUNTIME_DIRECTORY");

    if (path) {
        return path;
    }
    if (geteuid() == 0) {
        return config_need(strdup(SYSTEM_RUNTIME_DIR));
    }
    if (user_dir && user_dir[0] == '/') {
        return join(user_dir, "/ringcast");
    }
    if (asprintf(&path, "/tmp/ringcast-%u", (unsigned)geteuid()) < 0) {
        abort();
    }
    return path;
}

/* A user without a home directory, such as a service's, keeps its state in the run-time directory. */
char *config_default_state_dir(const char *runtime_dir)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char *made = systemd_directory("STATE_DIRECTORY");

    if (made) {
        return made;
    }
    if (geteuid() == 0) {
        return config_need(strdup("/var/lib/ringcast"));
    }
    if (state && state[0] == '/') {
        return join(state, "/ringcast");
    }
    if (home && home[0] == '/' && home[1] != '\0') {
        return join(home, "/.local/state/ringcast");
    }
    return config_need(strdup(runtime_dir));
}

char *config_tidy_path(const char *path)
{
    char *tidy = config_need(malloc(strlen(path) + 2));
    char *out = tidy;

    while (*path != '\0') {
        size_t length = strcspn(path, "/");
        if (length > 0 && !(length == 1 && path[0] == '.')) {
            *out++ = '/';
            memcpy(out, path, length);
            out += length;
        }
        path += length;
        path += *path == '/';
    }
    *out = '\0';
    return tidy;
}

/* 40 bits, as ten hexadecimal digits have. */
static unsigned long long hash_of(const char *text)
{
    uint64_t hash = hash_add(HASH_START, text, strlen(text));

    return (hash ^ hash >> 40) & 0xffffffffffu;
}

char *config_derive_instance(const char *runtime_dir)
{
    const char *slash = strrchr(runtime_dir, '/');
    const char *base = slash ? slash + 1 : runtime_dir;
    char stem[INSTANCE_STEM_MAX + 1];
    char *instance = NULL;
    size_t length = 0;

    if (strcmp(runtime_dir, SYSTEM_RUNTIME_DIR) == 0) {
        return config_need(strdup("default"));
    }
    snprintf(stem, sizeof(stem), "%s", base);
    while (stem[length = strspn(stem, CONFIG_INSTANCE_BYTES)] != '\0') {
        stem[length] = '_';
    }
    if (asprintf(&instance, "%s-%010llx", stem, hash_of(runtime_dir)) < 0) {
        abort();
    }
    return instance;
}
