/* SPDX-License-Identifier: MIT */
#include "common/visitor/visitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/visitor/session.h"

static const char *const via_names[] = {
    [VISITOR_ANONYMOUS] = "anonymous", [VISITOR_SESSION] = "session", [VISITOR_BASIC] = "basic",
    [VISITOR_TOKEN] = "token",         [VISITOR_JWT] = "jwt",         [VISITOR_PROXY] = "proxy",
};

struct visitor *visitor_new(enum visitor_via via)
{
    struct visitor *visitor = calloc(1, sizeof(*visitor));

    if (visitor) {
        visitor->references = 1;
        visitor->via = via;
        visitor->once = -1;
    }
    return visitor;
}

struct visitor *visitor_ref(struct visitor *visitor)
{
    if (visitor) {
        visitor->references++;
    }
    return visitor;
}

void visitor_unref(struct visitor *visitor)
{
    if (visitor && --visitor->references == 0) {
        rights_unref(visitor->rights);
        rights_unref(visitor->claimed);
        json_decref(visitor->groups);
        free(visitor);
    }
}

bool visitor_set_name(struct visitor *visitor, const char *name)
{
    if (strlen(name) > VISITOR_NAME_MAX || !text_is_utf8(name) || text_has_control(name)) {
        return false;
    }
    strcpy(visitor->name, name);
    return true;
}

bool visitor_may_watch(const struct visitor *visitor, const char *camera)
{
    return visitor->via == VISITOR_ANONYMOUS || rights_allow(visitor->rights, camera);
}

bool visitor_is_operator(const struct visitor *visitor)
{
    return visitor->via == VISITOR_ANONYMOUS || rights_role(visitor->rights) == ACCESS_OPERATOR;
}

/* Takes RIGHTS over. */
static void set_rights(struct visitor *visitor, struct rights *rights)
{
    rights_unref(visitor->rights);
    visitor->rights = rights;
}

static enum visitor_state renew_session(struct visitor *visitor, const struct table *table, int64_t now)
{
    struct session session = {.issued = visitor->issued, .expires = visitor->expires};

    memcpy(session.user, visitor->name, sizeof(session.user));
    memcpy(session.id, visitor->session, sizeof(session.id));
    const char *why = session_void(&session, table, now);
    if (why) {
        return now >= session_end(&session, table) ? VISITOR_EXPIRED : VISITOR_REVOKED;
    }
    visitor->expires = session_end(&session, table);
    set_rights(visitor, table_rights(table, visitor->name, NULL));
    return VISITOR_VALID;
}

static enum visitor_state renew_basic(struct visitor *visitor, const struct table *table)
{
    const struct table_user *user = table_user(table, visitor->name);

    if (!user || visitor->issued < user->since) {
        return VISITOR_REVOKED;
    }
    set_rights(visitor, table_rights(table, visitor->name, NULL));
    return VISITOR_VALID;
}

static enum visitor_state renew_token(struct visitor *visitor, const struct table *table)
{
    const struct table_token *token = table_token_by_id(table, visitor->token);

    if (visitor->used) {
        return VISITOR_VALID;
    }
    if (!token) {
        return VISITOR_REVOKED;
    }
    visitor->expires = token->expires;
    set_rights(visitor, rights_ref(token->rights));
    return VISITOR_VALID;
}

/* Without a claim of its own the configured user's rights count, and with it only those and the groups'. */
static enum visitor_state renew_jwt(struct visitor *visitor, const struct table *table)
{
    const struct table_user *user = table_user(table, visitor->name);

    if (!table_issuer(table, visitor->issuer) || (user && visitor->issued < user->since)) {
        return VISITOR_REVOKED;
    }
    struct rights *given = table_rights(table, visitor->claimed ? "" : visitor->name, visitor->groups);
    set_rights(visitor, rights_union(visitor->claimed, given));
    rights_unref(given);
    return visitor->rights ? VISITOR_VALID : VISITOR_REVOKED;
}

static enum visitor_state renew_proxy(struct visitor *visitor, const struct table *table)
{
    if (table->proxy_user[0] == '\0') {
        return VISITOR_REVOKED;
    }
    set_rights(visitor, table_rights(table, visitor->name, visitor->groups));
    return visitor->rights ? VISITOR_VALID : VISITOR_REVOKED;
}

enum visitor_state visitor_still_valid(struct visitor *visitor, const struct table *table, int64_t now)
{
    if (!table->on) {
        return VISITOR_VALID; /* nobody needs to be known any more */
    }
    if (visitor->via == VISITOR_ANONYMOUS) {
        return VISITOR_REVOKED;
    }
    if (visitor->via == VISITOR_SESSION) {
        return renew_session(visitor, table, now);
    }
    enum visitor_state state = visitor->via == VISITOR_BASIC   ? renew_basic(visitor, table)
                               : visitor->via == VISITOR_TOKEN ? renew_token(visitor, table)
                               : visitor->via == VISITOR_JWT   ? renew_jwt(visitor, table)
                                                               : renew_proxy(visitor, table);
    return visitor->expires != 0 && now >= visitor->expires ? VISITOR_EXPIRED : state;
}

const char *visitor_state_reason(enum visitor_state state)
{
    return state == VISITOR_VALID     ? NULL
           : state == VISITOR_EXPIRED ? "log in again: expired"
                                      : "log in again: revoked";
}

const char *visitor_describe(const struct visitor *visitor, char out[VISITOR_DESCRIPTION_SIZE])
{
    char name[VISITOR_DESCRIPTION_SIZE - 64];

    text_escape(name, sizeof(name), visitor->name);
    if (visitor->via == VISITOR_TOKEN) {
        snprintf(out, VISITOR_DESCRIPTION_SIZE, "token %s%s%s", visitor->token,
                 name[0] != '\0' ? " for " : "", name);
    } else if (visitor->via == VISITOR_ANONYMOUS || name[0] == '\0') {
        snprintf(out, VISITOR_DESCRIPTION_SIZE, "nobody by name (%s)", via_names[visitor->via]);
    } else {
        snprintf(out, VISITOR_DESCRIPTION_SIZE, "%s (%s)", name, via_names[visitor->via]);
    }
    return out;
}

const char *visitor_via_name(enum visitor_via via)
{
    return via_names[via];
}
