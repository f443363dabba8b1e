/* SPDX-License-Identifier: MIT */
#include "fanout/http/errand.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/secret.h"
#include "common/ipc/message.h"
#include "fanout/http/http_response.h"
#include "fanout/http/playlist_links.h"

/* Parts of a query that are read, and bytes of each: one may be a token, percent codes decoded. */
#define QUERY_PARTS_MAX 16
#define QUERY_PART_SIZE 4160

#define TOKEN_PART "token="

/* Of HLS. */
#define PLAYLIST_TYPE "application/vnd.apple.mpegurl"

/* Bytes of a body that libwebsockets gets at once, and may have to hold for the connection. */
#define PIECE_BYTES 65536u

/* Seconds after which a client may ask again when nobody answers. */
#define RETRY_S 2

/* Seconds in which a client must take something of a body. */
#define SEND_PATIENCE_S 30

#define IF_NONE_MATCH_SIZE 512

struct errand {
    struct program_ask ask; /* the first member */
    struct errands *errands;
    struct connection *connection;
    struct permit *permit;
    struct program_reply reply;
    char *token;    /* that came in the query, for the links of a playlist; NULL: none */
    char *playlist; /* the body with these links; NULL: it is the reply's own */
    size_t sent;
    bool has_reply, answered;
    bool is_last; /* the request: the connection ends behind the body */
};

static bool is_given(const struct errand *errand)
{
    return errand->has_reply && errand->sent < errand->reply.length;
}

bool errand_is_there(const struct connection *connection)
{
    return connection && connection->errand;
}

bool errand_is_waiting(const struct connection *connection)
{
    return errand_is_there(connection) && !connection->errand->answered;
}

bool errand_has_answer(const struct connection *connection)
{
    return errand_is_there(connection) && connection->errand->answered;
}

void errand_forget(struct connection *connection)
{
    struct errand *errand = connection->errand;

    if (errand) {
        connection->errand = NULL;
        program_link_cancel(&errand->errands->link, &errand->ask);
        if (errand->has_reply) {
            program_reply_finish(&errand->reply);
        }
        permit_unref(errand->permit);
        secret_free(errand->token);
        secret_free(errand->playlist);
        free(errand);
    }
}

/* ---- Asking ---- */

/* The token that shows who asks is no program's business: it is kept in *TOKEN. A name without "=" has an empty value. */
static int add_part(json_t *query, const char *part, char **token)
{
    size_t length = strcspn(part, "=");
    const char *value = part[length] == '=' ? part + length + 1 : "";

    if (strncmp(part, TOKEN_PART, strlen(TOKEN_PART)) == 0) {
        secret_free(*token);
        *token = strdup(value);
        return *token ? 0 : -ENOMEM;
    }
    json_t *text = json_string(value); /* NULL: not UTF-8 */
    char name[QUERY_PART_SIZE];
    snprintf(name, sizeof(name), "%.*s", (int)length, part);
    return text && json_object_set_new(query, name, text) == 0 ? 0 : -EINVAL;
}

/* NULL, and *ERROR: -EINVAL: it is no query for us; -ENOMEM. */
static json_t *read_query(struct lws *wsi, char **token, int *error)
{
    json_t *query = json_object();
    char part[QUERY_PART_SIZE];

    *token = NULL;
    *error = query ? 0 : -ENOMEM;
    for (int i = 0; *error == 0 && lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i) > 0; i++) {
        int length = i < QUERY_PARTS_MAX
                         ? lws_hdr_copy_fragment(wsi, part, sizeof(part), WSI_TOKEN_HTTP_URI_ARGS, i)
                         : -1;
        *error = length < 0 || strlen(part) != (size_t)length ? -EINVAL : add_part(query, part, token);
    }
    secret_wipe(part, sizeof(part));
    if (*error < 0) {
        secret_free(*token);
        json_decref(query);
        return NULL;
    }
    return query;
}

static void on_answered(struct program_ask *ask, struct program_reply *reply)
{
    struct errand *errand = (struct errand *)ask; /* its first member */

    errand->answered = true;
    if (reply) {
        errand->reply = *reply;
        errand->has_reply = true;
    }
    errand->errands->answered(errand->errands->context, errand->connection);
}

/* While nothing is read from the connection, its end is not seen by the loop. */
static bool is_abandoned(const struct program_ask *ask)
{
    const struct errand *errand = (const struct errand *)ask;
    struct tcp_info info;
    socklen_t size = sizeof(info);
    int fd = lws_get_socket_fd(errand->connection->wsi);

    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state != TCP_ESTABLISHED;
}

int errand_begin(struct errands *errands, struct lws *wsi, const struct http_request *request,
                 struct permit *permit, const struct errand_question *question)
{
    struct connection *connection = lws_get_opaque_user_data(wsi);
    char *token;
    int error;
    json_t *query = read_query(wsi, &token, &error);

    if (!query) {
        return error;
    }
    if (question->width) {
        json_object_set_new(query, "width", json_string(question->width));
    }
    struct errand *errand = connection && !connection->errand ? calloc(1, sizeof(*errand)) : NULL;
    if (!errand) {
        secret_free(token);
        json_decref(query);
        return -ENOMEM;
    }
    *errand = (struct errand){.errands = errands, .connection = connection, .token = token};
    errand->ask.program = question->program;
    errand->ask.answered = on_answered;
    errand->ask.is_abandoned = is_abandoned;
    error = program_link_ask(&errands->link, &errand->ask, &request->client.address, question->stream,
                             question->what, query, request->prefix,
                             question->patience_ms > 0 ? question->patience_ms : PROGRAM_LINK_PATIENCE_MS);
    if (error < 0) {
        secret_free(token);
        free(errand);
        return error;
    }
    errand->permit = permit_ref(permit);
    connection->errand = errand;
    lws_rx_flow_control(wsi, 0); /* what comes meanwhile is the next request */
    return 0;
}

int errand_refuse(struct lws *wsi, const struct http_request *request, int error)
{
    char retry[64];

    if (error == -EINVAL) {
        return http_response_explain(wsi, request, 400, "the query cannot be read");
    }
    snprintf(retry, sizeof(retry), "Retry-After: %d\r\n", RETRY_S);
    return http_response_refuse(wsi, request, error == -EBUSY ? 429 : 503, retry);
}

/* ---- Answering ---- */

static bool is_known(struct lws *wsi, const char *etag)
{
    char known[IF_NONE_MATCH_SIZE];

    return etag[0] != '\0' &&
           http_request_header(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, known, sizeof(known), NULL) &&
           (strstr(known, etag) || strcmp(known, "*") == 0);
}

/* The right to it may have ended while it was awaited. */
static int refuse_late(struct lws *wsi, const struct http_request *request, uint16_t code)
{
    return code == GATE_CLOSE_HIDDEN
               ? http_response_refuse(wsi, request, 404, NULL)
               : http_response_refuse(wsi, request, 401, "WWW-Authenticate: Session\r\n");
}

static const void *body_of(const struct errand *errand)
{
    return errand->playlist ? errand->playlist : program_reply_body(&errand->reply);
}

/* False: it is a playlist that leads elsewhere. */
static bool add_links(struct errand *errand)
{
    struct program_reply *reply = &errand->reply;

    if (reply->status != 200 || strcmp(reply->type, PLAYLIST_TYPE) != 0) {
        return true;
    }
    size_t length;
    errand->playlist = playlist_links_add(program_reply_body(reply), reply->length, errand->token, &length);
    if (errand->playlist) {
        program_reply_finish(reply);
        reply->length = length;
    }
    return errand->playlist != NULL;
}

static int begin_reply(struct errand *errand, struct lws *wsi, const struct http_request *request)
{
    const struct program_reply *reply = &errand->reply;
    char headers[PROGRAM_REPLY_HEADERS_SIZE + PROGRAM_REPLY_ETAG_SIZE + 16];
    bool fresh = reply->status == 200 && is_known(wsi, reply->etag);

    snprintf(headers, sizeof(headers), "%s%s%s%s", reply->etag[0] != '\0' ? "ETag: " : "", reply->etag,
             reply->etag[0] != '\0' ? "\r\n" : "", reply->headers);
    const struct http_response response = {
        .status = fresh ? 304 : reply->status,
        .type = fresh ? NULL : reply->type,
        .cache_control = reply->cache_control[0] != '\0' ? reply->cache_control : NULL,
        .headers = headers,
        .body = body_of(errand),
        .length = reply->length,
    };
    if (!reply->map || fresh || request->method == HTTP_METHOD_HEAD) {
        errand->sent = reply->length;
        return http_response_send(wsi, request, errand->permit, &response);
    }
    errand->is_last = request->is_last;
    return http_response_begin(wsi, request, errand->permit, &response);
}

int errand_answer(struct gate *gate, struct lws *wsi, const struct http_request *request)
{
    struct connection *connection = lws_get_opaque_user_data(wsi);
    struct errand *errand = connection->errand;
    uint16_t code = 0;
    int result;

    if (gate_end_of(gate, errand->permit, &code)) {
        result = refuse_late(wsi, request, code);
    } else if (!errand->has_reply) {
        result = errand_refuse(wsi, request, -ENOTCONN);
    } else if (!errand->reply.type) {
        result = http_response_refuse(wsi, request, errand->reply.status, errand->reply.headers);
    } else if (!add_links(errand)) {
        result = errand_refuse(wsi, request, -EBADMSG);
    } else {
        result = begin_reply(errand, wsi, request);
        if (result == 0 && is_given(errand)) {
            return errand_go_on(wsi);
        }
    }
    errand_forget(connection);
    return result;
}

int errand_go_on(struct lws *wsi)
{
    struct connection *connection = lws_get_opaque_user_data(wsi);
    struct errand *errand = connection->errand;
    const char *body = body_of(errand);

    while (is_given(errand) && !lws_partial_buffered(wsi)) {
        size_t left = errand->reply.length - errand->sent, length = left < PIECE_BYTES ? left : PIECE_BYTES;
        if (lws_write(wsi, (unsigned char *)body + errand->sent, length,
                      length == left ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0) {
            return -1;
        }
        errand->sent += length;
    }
    if (is_given(errand)) {
        lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, SEND_PATIENCE_S);
        return lws_callback_on_writable(wsi) < 0 ? -1 : 0;
    }
    bool is_last = errand->is_last;
    errand_forget(connection);
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
    return is_last || lws_http_transaction_completed(wsi) ? -1 : 0;
}
