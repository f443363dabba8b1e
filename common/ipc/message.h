/* SPDX-License-Identifier: MIT */
/*
 * Control messages: one JSON object (RFC 8259) each, the same between ringcastctl, ringcastd, ringcast-fanout
 * and ringcast-ingest. Every message has "v" (protocol version) and "type"; docs/reference/control.md
 * describes each type. A message is at most MESSAGE_MAX bytes; a receiver checks size, syntax, version and
 * type before anything else, and a bad message harms only its sender.
 */
#ifndef COMMON_IPC_MESSAGE_H
#define COMMON_IPC_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Version of the protocol. A receiver refuses any other. */
#define MESSAGE_VERSION 1

/* Largest encoded message in bytes. 200 cameras' status is about 100 kB. */
#define MESSAGE_MAX 1048576u

/* Largest message on a process channel (channel.h): a socket buffer has room for several. */
#define MESSAGE_CHANNEL_MAX 49152u

/* A new message {"v":1,"type":TYPE}; add members with jansson. NULL: out of memory. Owned by the caller. */
json_t *message_new(const char *type);

/*
 * A new message of TYPE with the members that FORMAT, an object in the notation of json_pack ("{s:s, s:i}"),
 * and its arguments describe; "v" and "type" come first. As with json_pack, references given as "o" are
 * taken over in any case. NULL: out of memory, or a string that is not UTF-8. Owned by the caller.
 */
json_t *message_pack(const char *type, const char *format, ...);

/* The error of message_decode for a message whose only known fault is its version (compare the pointer). */
extern const char message_wrong_version[];

/*
 * Parses and checks a received message of LENGTH bytes. Returns the message, to be freed with json_decref; or NULL, and
 * *ERROR, unless ERROR is NULL, is a static description of what is wrong.
 */
json_t *message_decode(const void *data, size_t length, const char **error);

/* Encodes compactly. Returned memory is malloc'ed, LENGTH without the NUL. NULL: out of memory or over
 * MESSAGE_MAX. */
char *message_encode(const json_t *message, size_t *length);

/*
 * TEXT, which may come from anywhere, as a JSON string. A TEXT that is not UTF-8 is escaped first, and with that its
 * control characters (text_escape). A new reference; NULL: out of memory.
 */
json_t *message_text(const char *text);

/* The type, never NULL for what message_decode returned. */
const char *message_type(const json_t *message);

/* True if MESSAGE has type TYPE. */
bool message_is(const json_t *message, const char *type);

/* Member NAME as string / integer / boolean, or FALLBACK if it is missing or of another kind. */
const char *message_string(const json_t *message, const char *name, const char *fallback);
json_int_t message_integer(const json_t *message, const char *name, json_int_t fallback);
bool message_boolean(const json_t *message, const char *name, bool fallback);

/* {"v":1,"type":"error","code":CODE,"message":text}. CODE is a stable identifier such as "no-such-camera". */
json_t *message_error(const char *code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
