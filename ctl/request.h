/*
 * A request to ringcastd with all that its reply needs: refusals and malformed replies are told on standard
 * error, and as JSON on standard output if so wanted. One thread.
 */
#ifndef CTL_REQUEST_H
#define CTL_REQUEST_H

#include <jansson.h>

#include "ctl/client.h"
#include "ctl/options.h"

/*
 * Asks REQUEST (consumed). *reply, of type TYPE on EXIT_CODE_OK, is to be freed with json_decref in any case.
 */
enum exit_code request_ask(struct client *client, const struct options *options, json_t *request,
                           const char *type, json_t **reply);

/* Asks what a plain "ok" answers, and prints that as JSON if so wanted. */
enum exit_code request_ok(struct client *client, const struct options *options, json_t *request);

/* The status of everything. *status, well-formed on EXIT_CODE_OK, is to be freed in any case. */
enum exit_code request_status(struct client *client, const struct options *options, json_t **status);

/* Tells an error reply. */
enum exit_code request_refused(const struct options *options, const json_t *error);

/* Tells that a reply is not as it should be. */
enum exit_code request_malformed(const char *problem);

/* A new request of TYPE for CAMERA, a name from the command line; NULL: told, it is not UTF-8. */
json_t *request_for_camera(const char *type, const char *camera);

/* The camera called NAME in a well-formed status, or NULL. */
const json_t *request_find_camera(const json_t *status, const char *name);

/* JSON as text that is safe on a terminal: ASCII, and DEL, which JSON does not escape, escaped too. */
enum exit_code request_print_json(const json_t *message, size_t flags);

#endif
