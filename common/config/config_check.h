/* SPDX-License-Identifier: MIT */
/*
 * What single values of a configuration must be like. Each check returns true; or false, with "what is wrong; what to do"
 * in PROBLEM, which never shows any of a URL's user information. Pure functions; part of config.c.
 */
#ifndef COMMON_CONFIG_CONFIG_CHECK_H
#define COMMON_CONFIG_CONFIG_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a problem's text, with the NUL. */
#define CONFIG_PROBLEM_SIZE 512

/* What an instance's name is made of: it is part of the names in /dev/shm. */
#define CONFIG_INSTANCE_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

bool config_check_name(const char *name, char problem[CONFIG_PROBLEM_SIZE]);
bool config_check_url(const char *url, char problem[CONFIG_PROBLEM_SIZE]);
bool config_check_credential(const char *text, char problem[CONFIG_PROBLEM_SIZE]);
bool config_check_aspect(const char *text, char problem[CONFIG_PROBLEM_SIZE]);
bool config_check_onvif(const char *text, char problem[CONFIG_PROBLEM_SIZE]);
bool config_check_crop(const char *text, char problem[CONFIG_PROBLEM_SIZE]);
bool config_check_ports(const char *text, char problem[CONFIG_PROBLEM_SIZE]);
bool config_check_fingerprint(const char *text, char problem[CONFIG_PROBLEM_SIZE]);
bool config_check_node(const char *name, char problem[CONFIG_PROBLEM_SIZE]);
bool config_check_site(const char *name, char problem[CONFIG_PROBLEM_SIZE]);
bool config_check_nats(const char *url, char problem[CONFIG_PROBLEM_SIZE]);
bool config_check_instance(const char *instance, char problem[CONFIG_PROBLEM_SIZE]);
bool config_check_path(const char *path, char problem[CONFIG_PROBLEM_SIZE]);
bool config_check_user(const char *name, char problem[CONFIG_PROBLEM_SIZE]);
bool config_check_runtime_dir(const char *path, char problem[CONFIG_PROBLEM_SIZE]);

/* About the web, config_check_web.c. */
bool config_check_origin(const char *text, char problem[CONFIG_PROBLEM_SIZE]);
bool config_check_frame_ancestor(const char *text, char problem[CONFIG_PROBLEM_SIZE]);
bool config_check_network(const char *text, char problem[CONFIG_PROBLEM_SIZE]);
bool config_check_header(const char *text, char problem[CONFIG_PROBLEM_SIZE]);
bool config_check_title(const char *text, char problem[CONFIG_PROBLEM_SIZE]);
bool config_check_base_path(const char *text, char problem[CONFIG_PROBLEM_SIZE]);
bool config_check_claim(const char *text, char problem[CONFIG_PROBLEM_SIZE]);

/*
 * Splits TEXT, "LEFT,TOP,RIGHT,BOTTOM", into SHARES: per cent of the picture that are not shown at each side, 0 to 95. False: not that, or
 * less than 5 per cent of the width or the height are left.
 */
bool config_parse_crop(const char *text, unsigned shares[4]);

/* Splits TEXT, "FIRST-LAST", into two ports. False: not that. */
bool config_parse_ports(const char *text, unsigned *first, unsigned *last);

/* Splits TEXT, "address:port", into a numeric address without brackets, which is malloc'ed, and a port. */
bool config_parse_listen(const char *text, char **host, int *port, char problem[CONFIG_PROBLEM_SIZE]);

/* HOST is a numeric address. */
bool config_host_is_loopback(const char *host);

/* The user information of URL: *length bytes at the pointer returned; NULL: it has none. */
const char *config_url_userinfo(const char *url, size_t *length);

#endif
