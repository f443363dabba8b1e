/* SPDX-License-Identifier: MIT */
#include "fanout/http/request_credentials.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/secret.h"
#include "fanout/http/http_request.h"
#include "fanout/http/raw_head.h"

/* Bytes of a header's name as libwebsockets has it: in small letters, and with a colon. */
#define NAME_SIZE (TABLE_NAME_MAX + 2)

/* False: it is too long. */
static bool lower_name(const char *name, char lower[NAME_SIZE])
{
    size_t length = strlen(name);

    if (length + 2 > NAME_SIZE) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        lower[i] = (char)tolower((unsigned char)name[i]);
    }
    strcpy(lower + length, ":");
    return true;
}

/* libwebsockets' own number for the header, or -1: it knows the header only as one of those that it does not know. */
static int known_token(const char *lower)
{
    for (int i = 0; i < WSI_TOKEN_COUNT; i++) {
        const unsigned char *name = lws_token_to_string((enum lws_token_indexes)i);
        if (name && strcmp((const char *)name, lower) == 0) {
            return i;
        }
    }
    return -1;
}

/* The header that the configuration calls NAME, or NULL for no name. malloc'ed; NULL: it is not there. */
static char *named_header(struct lws *wsi, const char *name)
{
    char lower[NAME_SIZE];

    if (!name || !lower_name(name, lower)) {
        return NULL;
    }
    int token = known_token(lower);
    if (token >= 0) {
        return http_request_header_text(wsi, (enum lws_token_indexes)token, ", ");
    }
    int length = lws_hdr_custom_length(wsi, lower, (int)strlen(lower));
    char *text = length > 0 ? malloc((size_t)length + 1) : NULL;
    if (text && lws_hdr_custom_copy(wsi, text, length + 1, lower, (int)strlen(lower)) < 0) {
        text[0] = '\0';
    } else if (text && strlen(text) < (size_t)length) {
        text[strlen(text)] = '\x01'; /* a NUL: no name has this character either */
    }
    return text;
}

void request_credentials_read(struct lws *wsi, const struct http_request *request,
                              const struct access *access, struct credentials *credentials)
{
    char address[INET6_ADDRSTRLEN];
    const struct connection *connection = lws_get_opaque_user_data(wsi);
    bool trusted = request->client.trusted;
    char *user = trusted ? named_header(wsi, access_proxy_user_header(access)) : NULL;
    char *groups = trusted ? named_header(wsi, access_proxy_groups_header(access)) : NULL;
    char *authorization = http_request_header_text(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, ", ");
    char *subprotocols = http_request_header_text(wsi, WSI_TOKEN_PROTOCOL, ",");
    char *query =
        access_token_in_query(access) ? http_request_header_text(wsi, WSI_TOKEN_HTTP_URI_ARGS, "&") : NULL;
    char *cookie = http_request_header_text(wsi, WSI_TOKEN_HTTP_COOKIE, "; ");

    const struct credential_sources sources = {
        .address = client_address_format(&request->client.address, address),
        .proxy_user = user,
        .proxy_groups = groups,
        .proxy_doubted = trusted && connection && connection->is_doubted,
        .authorization = authorization,
        .subprotocols = subprotocols,
        .query = query,
        .cookie = cookie,
    };
    credentials_read(credentials, &sources);
    free(user);
    free(groups);
    secret_free(authorization);
    secret_free(subprotocols);
    secret_free(query);
    secret_free(cookie);
}

/* The visitor's address, as http_request_read finds it. */
static struct client_address client_of(const struct connection *connection, const struct policy *policy,
                                       const char *head, size_t length)
{
    char *forwarded_for = raw_head_value(head, length, "X-Forwarded-For", ",");
    char *forwarded = raw_head_value(head, length, "Forwarded", ",");
    const struct forwarding headers = {.forwarded_for = forwarded_for, .forwarded = forwarded};
    struct client_address client = client_address_find(&connection->peer, lws_is_ssl(connection->wsi),
                                                       &policy->trusted_proxies, &headers);

    free(forwarded_for);
    free(forwarded);
    return client;
}

void request_credentials_read_raw(const struct connection *connection, const struct policy *policy,
                                  const char *head, size_t length, const struct access *access,
                                  struct credentials *credentials)
{
    char address[INET6_ADDRSTRLEN];
    struct client_address client = client_of(connection, policy, head, length);
    const char *user_header = client.trusted ? access_proxy_user_header(access) : NULL;
    char *user = user_header ? raw_head_value(head, length, user_header, ", ") : NULL;
    char *authorization = raw_head_value(head, length, "Authorization", ", ");
    const struct credential_sources sources = {
        .address = client_address_format(&client.address, address),
        .proxy_user = user,
        .authorization = authorization,
    };

    credentials_read(credentials, &sources);
    free(user);
    secret_free(authorization);
}

void request_credentials_read_session(struct lws *wsi, struct credentials *credentials)
{
    char *cookie = http_request_header_text(wsi, WSI_TOKEN_HTTP_COOKIE, "; ");
    const struct credential_sources sources = {.cookie = cookie};

    credentials_read(credentials, &sources);
    credentials->token[0] = '\0';
    secret_free(cookie);
}
