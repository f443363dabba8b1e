/* SPDX-License-Identifier: MIT */
/*
 * Requests to ringcastd and what is done with every reply: a refusal or a malformed reply is reported on
 * standard error, a refusal with --json on standard output too. One thread.
 */
#ifndef CTL_REQUEST_H
#define CTL_REQUEST_H

#include <jansson.h>

#include "ctl/client.h"
#include "ctl/options.h"

/*
 * Sends REQUEST (consumed) and waits for the reply. On EXIT_CODE_OK *reply is of type TYPE. The caller frees
 * it with json_decref in any case.
 */
enum exit_code request_ask(struct client *client, const struct options *options, json_t *request,
                           const char *type, json_t **reply);

/* Sends REQUEST (consumed), whose reply is a plain "ok", and prints that reply with --json. */
enum exit_code request_ok(struct client *client, const struct options *options, json_t *request);

/* Asks for the status, with CAMERA and its sub stream alone unless CAMERA is NULL. The rest is as with request_status. */
enum exit_code request_status_of(struct client *client, const struct options *options, const char *camera,
                                 json_t **status);

/* Asks for the whole status. On EXIT_CODE_OK *status is well-formed. The caller frees it in any case. */
enum exit_code request_status(struct client *client, const struct options *options, json_t **status);

/* Reports ERROR, a reply of type "error". EXIT_CODE_FAILED. */
enum exit_code request_refused(const struct options *options, const json_t *error);

/* Reports a malformed reply: PROBLEM says what is wrong with it. EXIT_CODE_FAILED. */
enum exit_code request_malformed(const char *problem);

/*
 * A new request of TYPE for CAMERA, a name from the command line. NULL: the name is not UTF-8, which was
 * reported.
 */
json_t *request_for_camera(const char *type, const char *camera);

/* The camera called NAME in a well-formed status, or NULL. */
const json_t *request_find_camera(const json_t *status, const char *name);

/* Prints JSON as text that is safe on a terminal: ASCII only, DEL escaped too. FLAGS: those of json_dumps. */
enum exit_code request_print_json(const json_t *message, size_t flags);

/* Prints REPLY: as JSON with --json, otherwise with PRINT (NULL: not at all). */
enum exit_code request_print(const struct options *options, const json_t *reply,
                             void (*print)(const json_t *reply));

/* Prints each string of LIST, an array, on a line of its own behind PREFIX, control characters escaped. */
void request_print_strings(const char *prefix, const json_t *list);

#endif
