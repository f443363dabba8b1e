/* SPDX-License-Identifier: MIT */
#include "ctl/client.h"

#include <errno.h>
#include <limits.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <nng/transport/ipc/ipc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/text.h"
#include "common/ipc/message.h"
#include "ctl/probe.h"

/* Milliseconds for sending and again for receiving. ringcastd answers within one; this bounds a hang. */
#define ANSWER_MS 5000

/* Milliseconds before NNG would connect again: longer than any client lives. */
#define NEVER_MS INT_MAX

/* Milliseconds between attempts to reach the next ringcastd. */
#define AGAIN_MS 1000

/* Bytes of a complaint. */
#define COMPLAINT_MAX 2048

struct client {
    nng_socket socket;
    const char *url;
    pid_t peer;
};

void client_complain(const char *format, ...)
{
    char text[COMPLAINT_MAX];
    char escaped[COMPLAINT_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    text_trim_partial(text);
    text_escape(escaped, sizeof(escaped), text);
    fprintf(stderr, "ringcastctl: %s\n", escaped);
}

enum exit_code client_unreachable(const char *url, int error)
{
    if (error == -EACCES || error == -EPERM) {
        client_complain("not allowed to talk to ringcastd at %s; run as root or as the user that runs it",
                        url);
    } else if (error == -ETIMEDOUT) {
        client_complain("no answer from %s; ringcastd may be hanging: see its log", url);
    } else {
        client_complain(
            "no ringcastd at %s (%s); start it with \"ringcastd --config FILE\", or say with --config "
            "or --socket where it listens",
            url, strerror(-error));
    }
    return EXIT_CODE_UNREACHABLE;
}

static int set_options(nng_socket socket, enum client_life life)
{
    const struct {
        const char *name;
        nng_duration ms;
    } durations[] = {
        {NNG_OPT_SENDTIMEO, ANSWER_MS},
        {NNG_OPT_RECVTIMEO, ANSWER_MS},
        {NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE},
        {NNG_OPT_RECONNMINT, life == CLIENT_OF_EVERY ? AGAIN_MS : NEVER_MS},
    };
    int result = nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, MESSAGE_MAX);

    for (size_t i = 0; result == 0 && i < sizeof(durations) / sizeof(durations[0]); i++) {
        result = nng_socket_set_ms(socket, durations[i].name, durations[i].ms);
    }
    return result;
}

static enum exit_code probe_at(const char *url)
{
    int result = probe_socket(url + strlen("ipc://"), PROBE_REQUESTER, ANSWER_MS);

    return result == 0 ? EXIT_CODE_OK : client_unreachable(url, result);
}

enum exit_code client_probe(const struct client *client)
{
    return probe_at(client->url);
}

enum exit_code client_open(const char *url, enum client_life life, struct client **client)
{
    enum exit_code code = probe_at(url);

    *client = NULL;
    if (code != EXIT_CODE_OK) {
        return code;
    }
    struct client *opened = calloc(1, sizeof(*opened));
    if (!opened || nng_req0_open(&opened->socket) != 0) {
        free(opened);
        client_complain("out of memory");
        return EXIT_CODE_FAILED;
    }
    opened->url = url;
    int result = set_options(opened->socket, life);
    if (result == 0) {
        result = nng_dial(opened->socket, url, NULL, 0);
    }
    if (result != 0) {
        client_complain("cannot use %s: %s", url, nng_strerror(result));
        client_free(opened);
        return EXIT_CODE_UNREACHABLE;
    }
    *client = opened;
    return EXIT_CODE_OK;
}

void client_free(struct client *client)
{
    free(client);
}

static int send_text(struct client *client, const char *text, size_t length)
{
    nng_msg *packet = NULL;
    int result = nng_msg_alloc(&packet, 0);

    if (result == 0) {
        result = nng_msg_append(packet, text, length);
    }
    if (result == 0) {
        result = nng_sendmsg(client->socket, packet, 0);
    }
    if (result != 0) {
        nng_msg_free(packet);
    }
    return result;
}

static enum exit_code explain(const struct client *client, int error)
{
    switch (error) {
    case NNG_ETIMEDOUT:
        client_complain("no answer from %s within %d s; ringcastd may be hanging: see its log", client->url,
                        ANSWER_MS / 1000);
        break;
    case NNG_ECONNRESET:
    case NNG_ECLOSED:
        client_complain("%s closed the connection without a usable answer; see ringcastd's log", client->url);
        break;
    default:
        client_complain("%s: %s", client->url, nng_strerror(error));
        break;
    }
    return EXIT_CODE_UNREACHABLE;
}

pid_t client_peer(const struct client *client)
{
    return client->peer;
}

enum exit_code client_ask(struct client *client, json_t *request, json_t **reply)
{
    const char *problem = NULL;
    nng_msg *packet = NULL;
    size_t length = 0;
    char *text = message_encode(request, &length);

    *reply = NULL;
    json_decref(request);
    if (!text) {
        client_complain("the request is not UTF-8 or is too large");
        return EXIT_CODE_USAGE;
    }
    int result = send_text(client, text, length);
    free(text);
    if (result == 0) {
        result = nng_recvmsg(client->socket, &packet, 0);
    }
    if (result != 0) {
        return explain(client, result);
    }
    uint64_t peer = 0;
    if (nng_pipe_get_uint64(nng_msg_get_pipe(packet), NNG_OPT_IPC_PEER_PID, &peer) == 0 && peer <= INT_MAX) {
        client->peer = (pid_t)peer;
    }
    *reply = message_decode(nng_msg_body(packet), nng_msg_len(packet), &problem);
    nng_msg_free(packet);
    if (!*reply) {
        client_complain("malformed reply from %s: %s", client->url, problem);
        return EXIT_CODE_FAILED;
    }
    return EXIT_CODE_OK;
}
