/* SPDX-License-Identifier: MIT */
/* What is valid and should be changed all the same (config.h). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config.h"
#include "common/config/config_check.h"

static void add(struct config_list *list, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct config_list *list, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;

    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        abort();
    }
    config_list_add(list, text);
    free(text);
}

static const char *brackets(const struct config_address *address, const char *bracket)
{
    return strchr(address->host, ':') ? bracket : "";
}

/* Everybody who reaches it, or passwords that anybody on the way can read. A proxy that is trusted may have TLS. */
static void warn_of_address(const struct config *config, struct config_list *list)
{
    const struct config_address *listen = &config->listen;

    if (config_host_is_loopback(listen->host)) {
        return;
    }
    if (config->auth.line == 0) {
        add(list,
            "everyone who can reach %s%s%s:%d can watch all cameras: add auth = { }; and a user "
            "(`ringcastctl user add NAME`), "
            "and remove insecure = true;",
            brackets(listen, "["), listen->host, brackets(listen, "]"), listen->port);
    } else if (!config->tls.certificate && config->trusted_proxies.count == 0) {
        add(list,
            "passwords and pictures are sent over %s%s%s:%d without encryption: add tls = { … }; "
            "(`ringcastctl tls self-signed` "
            "makes a certificate), or listen on 127.0.0.1 behind a proxy with TLS",
            brackets(listen, "["), listen->host, brackets(listen, "]"), listen->port);
    }
}

struct config_list config_warnings(const struct config *config)
{
    struct config_list list = {0};

    if (config->exposed) {
        add(&list, "%s has passwords in it and every user of this machine can read it: `chmod o-r %s`",
            config->exposed, config->exposed);
    }
    warn_of_address(config, &list);
    for (size_t i = 0; i < config->removed.count; i++) {
        add(&list,
            "camera \"%s\" is in the file and was removed at run time: `ringcastctl camera reset '%s'` "
            "brings it back, or take "
            "it out of the file",
            config->removed.items[i], config->removed.items[i]);
    }
    return list;
}

static bool matches_any(const struct config *config, const char *pattern)
{
    for (size_t i = 0; i < config->camera_count; i++) {
        if (!config->cameras[i].sub && access_pattern_matches(pattern, config->cameras[i].name)) {
            return true;
        }
    }
    return false;
}

static void warn_of_patterns(const struct config *config, const struct config_list *patterns, const char *of,
                             size_t index, struct config_list *list)
{
    for (size_t i = 0; i < patterns->count; i++) {
        if (!matches_any(config, patterns->items[i])) {
            add(list,
                "%s[%zu].cameras[%zu]: no camera in the file is called \"%s\"; correct it, unless one is "
                "added later",
                of, index, i, patterns->items[i]);
        }
    }
}

struct config_list config_unused_patterns(const struct config *config)
{
    const struct config_auth *auth = &config->auth;
    struct config_list list = {0};

    for (size_t i = 0; i < auth->user_count; i++) {
        warn_of_patterns(config, &auth->users[i].cameras, "auth.users", i, &list);
    }
    for (size_t i = 0; i < auth->user_group_count; i++) {
        warn_of_patterns(config, &auth->user_groups[i].cameras, "auth.user_groups", i, &list);
    }
    for (size_t i = 0; i < config->group_count; i++) {
        warn_of_patterns(config, &config->groups[i].cameras, "groups", i, &list);
    }
    return list;
}
