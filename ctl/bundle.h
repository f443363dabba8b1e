/* SPDX-License-Identifier: MIT */
/*
 * What a report of a fault needs, in one text file without secrets: what doctor has found, versions, the status, the configuration,
 * and the last log lines of each process. Everything goes through the log's redaction, and strings of the configuration that may be
 * secrets are left out whether they are known or not. One thread.
 */
#ifndef CTL_BUNDLE_H
#define CTL_BUNDLE_H

#include <jansson.h>

#include "ctl/client.h"
#include "ctl/options.h"

/*
 * Writes the new file PATH, mode 0600. CONFIG_PATH and STATUS may be NULL; CLIENT, too, without which there are no log lines. Failures are
 * printed.
 */
enum exit_code bundle_write(const char *path, const json_t *findings, const char *config_path,
                            const json_t *status, struct client *client, const struct options *options);

/*
 * Takes out of LINE, a line of a configuration of SIZE bytes, what may be secret: strings of settings that name a user, a password, a key or
 * a token, user information and queries of URLs. In place.
 */
void bundle_hide(char *line, size_t size);

#endif
