/* SPDX-License-Identifier: MIT */
/* Who may watch, and what is said over the web, in the configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/config/config_settings.h"
#include "tests/unit/common/config_fixture.h"

#define CAMERA "cameras = ( { name = \"a\"; url = \"rtsp://h/\"; } );\n"
#define USER(settings) "auth = {\n users = ( { name = \"anna\"; " settings " } ); };\n" CAMERA
#define SEE " see docs/reference/configuration.md\n"

#define EVERYTHING                                                                                           \
    "state_dir = \"/var/x\"; listen = \"0.0.0.0:80\";\n"                                                     \
    "auth = {\n"                                                                                             \
    "  passwords = \"/etc/users.json\"; session_hours = 12; token_in_query = false;\n"                       \
    "  users = ( { name = \"anna\"; role = \"operator\"; cameras = ( \"*\" ); },\n"                          \
    "            { name = \"ben\"; cameras = [ \"front*\", \"gate\" ]; groups = ( \"yard\" ); } );\n"        \
    "  user_groups = ( { name = \"guards\"; groups = ( \"yard\", \"gates\" ); } );\n"                        \
    "  jwt = ( { algorithm = \"ES256\"; key = \"/etc/jwt.pem\"; audience = \"ringcast\"; },\n"               \
    "          { algorithm = \"HS256\"; key = \"/etc/secret\"; issuer = \"https://i\"; user_claim = "        \
    "\"name\";\n"                                                                                            \
    "            cameras_claim = \"c\"; groups_claim = \"g\"; } );\n"                                        \
    "  proxy = { user = \"Remote-User\"; groups = \"Remote-Groups\"; };\n"                                   \
    "};\n"                                                                                                   \
    "groups = ( { name = \"yard\"; cameras = ( \"yard*\", \"front*\" ); }, { name = \"gates\"; cameras = "   \
    "( \"gate\" ); } );\n"                                                                                   \
    "trusted_proxies = ( \"127.0.0.1\", \"10.0.0.0/8\", \"fd00::/8\" );\n"                                   \
    "origins = ( \"https://nvr.example\", \"http://[fd00::1]:8080\" ); cors_origins = ( "                    \
    "\"https://app.example:8443\" );\n"                                                                      \
    "frame_ancestors = ( \"'self'\", \"https://*.ha.example\" );\n"                                          \
    "base_path = \"/cams/a\"; hsts = 31536000;\n"                                                            \
    "limits = { connections = 10; connections_per_address = 9; handshakes = 8; handshakes_per_address = "    \
    "7;\n"                                                                                                   \
    "  requests_per_address = 6; header_bytes = 8192; handshake_timeout = 5; viewers_per_user = 4; "         \
    "};\n" CAMERA

static struct config *accept(const char *text)
{
    char *errors = NULL;

    config_fixture_write("c.conf", text);
    struct config *config = config_fixture_load("c.conf", &errors);
    assert_string_equal(errors, "");
    assert_non_null(config);
    free(errors);
    return config;
}

static void assert_list(const struct config_list *list, const char *expected)
{
    char text[512] = "";

    for (size_t i = 0; i < list->count; i++) {
        assert_true(strlen(text) + strlen(list->items[i]) + 2 < sizeof(text));
        strcat(strcat(text, i == 0 ? "" : " "), list->items[i]);
    }
    assert_string_equal(text, expected);
}

static void without_a_word_nobody_has_to_log_in(void **state)
{
    struct config *config = accept("state_dir = \"/var/x\";\n" CAMERA);
    char *users = config_users_path(config);

    (void)state;
    assert_int_equal(config->auth.line, 0);
    assert_string_equal(users, "/var/x/users.json");
    assert_int_equal(config->auth.user_count + config->auth.user_group_count + config->auth.jwt_count, 0);
    assert_int_equal(config->group_count, 0);
    assert_int_equal(config->trusted_proxies.count + config->origins.count + config->cors_origins.count, 0);
    assert_list(&config->frame_ancestors, "'self'");
    assert_string_equal(config->base_path, "");
    assert_int_equal(config->hsts, 0);
    assert_int_equal(config->limits.handshake_timeout, 10);
    free(users);
    config_free(config);
}

static void an_empty_group_asks_everybody(void **state)
{
    struct config *config = accept("listen = \"0.0.0.0:80\";\nauth = { };\n" CAMERA);

    (void)state;
    assert_int_equal(config->auth.line, 2);
    assert_null(config->auth.passwords);
    assert_int_equal(config->auth.session_hours, 720);
    assert_true(config->auth.token_in_query);
    assert_null(config->auth.proxy.user);
    assert_false(config->insecure);
    config_free(config);
}

static void assert_everything(const struct config *config)
{
    const struct config_auth *auth = &config->auth;
    char *users = config_users_path(config);

    assert_string_equal(users, "/etc/users.json");
    free(users);
    assert_int_equal(auth->session_hours, 12);
    assert_false(auth->token_in_query);
    assert_int_equal(auth->user_count, 2);
    assert_string_equal(auth->users[0].name, "anna");
    assert_int_equal(auth->users[0].role, ACCESS_OPERATOR);
    assert_list(&auth->users[0].cameras, "*");
    assert_int_equal(auth->users[0].groups.count, 0);
    assert_int_equal(auth->users[1].role, ACCESS_VIEWER);
    assert_list(&auth->users[1].cameras, "front* gate");
    assert_list(&auth->users[1].groups, "yard");
    assert_int_equal(auth->user_group_count, 1);
    assert_list(&auth->user_groups[0].groups, "yard gates");
    assert_int_equal(auth->jwt_count, 2);
    assert_int_equal(auth->jwt[0].algorithm, CONFIG_JWT_ES256);
    assert_string_equal(auth->jwt[0].key, "/etc/jwt.pem");
    assert_string_equal(auth->jwt[0].audience, "ringcast");
    assert_null(auth->jwt[0].issuer);
    assert_string_equal(auth->jwt[0].user_claim, "sub");
    assert_string_equal(auth->jwt[0].cameras_claim, "cameras");
    assert_string_equal(auth->jwt[0].groups_claim, "groups");
    assert_int_equal(auth->jwt[1].algorithm, CONFIG_JWT_HS256);
    assert_string_equal(auth->jwt[1].issuer, "https://i");
    assert_string_equal(auth->jwt[1].user_claim, "name");
    assert_string_equal(auth->proxy.user, "Remote-User");
    assert_string_equal(auth->proxy.groups, "Remote-Groups");
    assert_int_equal(config->group_count, 2);
    assert_list(&config->groups[0].cameras, "yard* front*");
    assert_list(&config->trusted_proxies, "127.0.0.1 10.0.0.0/8 fd00::/8");
    assert_list(&config->origins, "https://nvr.example http://[fd00::1]:8080");
    assert_list(&config->cors_origins, "https://app.example:8443");
    assert_list(&config->frame_ancestors, "'self' https://*.ha.example");
    assert_string_equal(config->base_path, "/cams/a");
    assert_int_equal(config->hsts, 31536000);
    assert_int_equal(config->limits.connections, 10);
    assert_int_equal(config->limits.connections_per_address, 9);
    assert_int_equal(config->limits.handshakes, 8);
    assert_int_equal(config->limits.handshakes_per_address, 7);
    assert_int_equal(config->limits.requests_per_address, 6);
    assert_int_equal(config->limits.header_bytes, 8192);
    assert_int_equal(config->limits.handshake_timeout, 5);
    assert_int_equal(config->limits.viewers_per_user, 4);
}

static void all_that_is_said_is_taken(void **state)
{
    struct config *config = accept(EVERYTHING);

    (void)state;
    assert_everything(config);
    assert_int_equal(config->auth.line, 2);
    assert_int_equal(config->auth.users[1].line, 5);
    assert_int_equal(config->auth.jwt[0].line, 7);
    assert_int_equal(config->auth.proxy.line, 10);
    assert_int_equal(config->groups[0].line, 12);
    config_free(config);
}

static void lines_are_those_of_the_included_file(void **state)
{
    config_fixture_write("who.conf", "\nauth = {\n users = (\n { name = \"anna\"; cameras = ( ); } ); };\n");
    struct config *config = accept("\n\n@include \"who.conf\"\n" CAMERA);

    (void)state;
    assert_int_equal(config->auth.line, 2);
    assert_int_equal(config->auth.users[0].line, 4);
    assert_int_equal(config->auth.users[0].cameras.count, 0);
    assert_string_equal(config_file_name(config, config->auth.file), "who.conf");
    assert_string_equal(config_file_name(config, config->auth.users[0].file), "who.conf");
    config_free(config);
    config = accept("auth = { };\n" CAMERA);
    assert_string_equal(config_file_name(config, config->auth.file), "c.conf");
    config_free(config);
    config_fixture_write("who.conf", "\nauth = {\n users = (\n { name = \"anna\"; } ); };\n");
    config_fixture_write("c.conf", "\n\n@include \"who.conf\"\n" CAMERA);
    config_fixture_assert_errors("c.conf",
                                 "who.conf:4: auth.users[0]: no cameras; add cameras = ( \"*\" ); for all of "
                                 "them, or patterns such as \"front*\"\n");
}

static void a_copy_is_equal_and_its_own(void **state)
{
    static const char *const others[][2] = {{"\"gate\"", "\"gete\""},
                                            {"operator", "viewer"},
                                            {"ES256", "RS256"},
                                            {"\"fd00::/8\"", "\"fd00::/9\""},
                                            {"0.0.0.0", "0.0.0.1"},
                                            {"Remote-User", "X-User"},
                                            {"hsts = 31536000", "hsts = 31536001"}};
    struct config *config = accept(EVERYTHING);
    struct config *copy = calloc(1, sizeof(*copy));

    (void)state;
    setting_group_copy(&setting_group_file, copy, config);
    assert_true(setting_group_equal(&setting_group_file, config, copy));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        char text[] = EVERYTHING;
        char *at = strstr(text, others[i][0]);
        char other[sizeof(text) + 64];
        snprintf(other, sizeof(other), "%.*s%s%s", (int)(at - text), text, others[i][1],
                 at + strlen(others[i][0]));
        struct config *differs = accept(other);
        assert_false(setting_group_equal(&setting_group_file, copy, differs));
        config_free(differs);
    }
    config_free(config);
    assert_everything(copy);
    config_free(copy);
}

static void groups_of_cameras_become_patterns(void **state)
{
    struct config *config = accept(EVERYTHING);
    struct config_list unknown = {0};

    (void)state;
    const struct config_user *ben = &config->auth.users[1];
    struct config_list patterns = config_camera_patterns(config, &ben->cameras, &ben->groups);
    assert_list(&patterns, "front* gate yard*");
    config_list_finish(&patterns);
    config_list_add(&unknown, "nobody");
    patterns = config_camera_patterns(config, &(struct config_list){0}, &unknown);
    assert_int_equal(patterns.count, 0);
    config_list_finish(&unknown);
    config_free(config);
}

struct bad_case {
    const char *text;   /* of c.conf */
    const char *errors; /* all of them */
};

static void assert_bad(const struct bad_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        config_fixture_write("c.conf", cases[i].text);
        config_fixture_assert_errors("c.conf", cases[i].errors);
    }
}

#define ASSERT_BAD(cases) assert_bad(cases, sizeof(cases) / sizeof((cases)[0]))

static void unknown_settings_are_told_at_every_depth(void **state)
{
    static const struct bad_case cases[] = {
        {"auth = {\n sesion_hours = 5; };\n" CAMERA,
         "c.conf:2: auth.sesion_hours: unknown setting; did you mean \"session_hours\"?\n"},
        {"auth = {\n proxy = {\n user = \"X-U\"; grups = \"X-G\"; }; };\ntrusted_proxies = ( \"::1\" "
         ");\n" CAMERA,
         "c.conf:3: auth.proxy.grups: unknown setting; did you mean \"groups\"?\n"},
        {USER("camera = ( \"*\" ); groups = ( );"),
         "c.conf:2: auth.users[0].camera: unknown setting; did you mean \"cameras\"?\n"},
        {USER("cameras = ( );\n password = \"CANARY\";"),
         "c.conf:3: auth.users[0].password: passwords are kept in a file of their own; remove it, and set it "
         "with "
         "`ringcastctl user passwd NAME`\n"},
        {"auth = { users = ( { user = \"anna\"; cameras = ( ); } ); };\n" CAMERA,
         "c.conf:1: auth.users[0].user: unknown setting; did you mean \"name\"?\n"
         "c.conf:1: auth.users[0].name: missing; add it\n"},
        {"auth = { jwt = ( { algoritm = \"HS256\"; algorithm = \"HS256\"; key = \"/k\"; } ); };\n" CAMERA,
         "c.conf:1: auth.jwt[0].algoritm: unknown setting; did you mean \"algorithm\"?\n"},
        {"groups = ( { name = \"yard\"; cameras = ( \"*\" ); members = 1; } );\n" CAMERA,
         "c.conf:1: groups[0].members: unknown setting; remove it, or" SEE},
        {"limits = { conections = 5; };\n" CAMERA,
         "c.conf:1: limits.conections: unknown setting; did you mean \"connections\"?\n"},
        {"users = ( );\n" CAMERA, "c.conf:1: users: a setting of auth; put it into auth = { … };\n"},
        {"auth = { trusted_proxies = ( ); };\n" CAMERA,
         "c.conf:1: auth.trusted_proxies: a setting of the whole file; put it outside of all groups\n"},
        {"orgins = ( );\n" CAMERA, "c.conf:1: orgins: unknown setting; did you mean \"origins\"?\n"},
    };

    (void)state;
    ASSERT_BAD(cases);
}

static void kinds_are_checked_at_every_depth(void **state)
{
    static const struct bad_case cases[] = {
        {"auth = true;\n" CAMERA, "c.conf:1: auth: expected a group, found a boolean; write { … };\n"},
        {"auth = { users = { }; };\n" CAMERA,
         "c.conf:1: auth.users: expected a list of groups, found a group; write ( { … }, { … } );\n"},
        {"auth = { users = (\n \"anna\" ); };\n" CAMERA,
         "c.conf:2: auth.users[0]: expected a group, found a string; write { name = …; }\n"},
        {USER("cameras = \"*\";"), "c.conf:2: auth.users[0].cameras: expected a list of strings, found a "
                                   "string; put parentheses around it\n"},
        {USER("cameras = (\n 5, \"*\" );"),
         "c.conf:3: auth.users[0].cameras[0]: expected a string, found an integer; write ( \"front*\" )\n"},
        {USER("cameras = ( ( \"*\" ) );"),
         "c.conf:2: auth.users[0].cameras[0]: expected a string, found a list; write ( \"front*\" )\n"},
        {"auth = { session_hours = 0; };\n" CAMERA,
         "c.conf:1: auth.session_hours: 0 is out of range; use 1 to 8760\n"},
        {"limits = { header_bytes = 10; };\n" CAMERA,
         "c.conf:1: limits.header_bytes: 10 is out of range; use 2048 to 32768\n"},
        {"origins = ( \"\" );\n" CAMERA, "c.conf:1: origins[0]: empty; give a value or remove the setting\n"},
        {"auth = { passwords = \"users\"; };\n" CAMERA,
         "c.conf:1: auth.passwords: not an absolute path; begin it with \"/\"\n"},
    };

    (void)state;
    ASSERT_BAD(cases);
}

static void users_and_groups_are_checked(void **state)
{
    static const struct bad_case cases[] = {
        {"auth = { users = ( { cameras = ( ); } ); };\n" CAMERA,
         "c.conf:1: auth.users[0].name: missing; add it\n"},
        {USER(""),
         "c.conf:2: auth.users[0]: no cameras; add cameras = ( \"*\" ); for all of them, or patterns such as "
         "\"front*\"\n"},
        {USER("cameras = ( ); role = \"admin\";"),
         "c.conf:2: auth.users[0].role: unknown value \"admin\"; use one of viewer, operator\n"},
        {USER("cameras = ( \"*\",\n \"front/sub\" );"),
         "c.conf:3: auth.users[0].cameras[1]: \"/\" is in no camera's name; write the camera's own name, "
         "which includes "
         "its sub stream\n"},
        {USER("cameras = ( \"a[\" );"),
         "c.conf:2: auth.users[0].cameras[0]: a \"[\" without its \"]\"; close it, or "
         "write \"\\[\" for the character\n"},
        {"auth = { users = ( { name = \"a:b\"; cameras = ( ); } ); };\n" CAMERA,
         "c.conf:1: auth.users[0].name: \":\" cannot be in a user's name, which HTTP ends there; use another "
         "character\n"},
        {USER("cameras = ( ); },\n { name = \"anna\"; cameras = ( );"),
         "c.conf:3: auth.users[1].name: \"anna\" is already the name of auth.users[0] (c.conf:2); give each "
         "its own\n"},
        {"groups = ( { name = \"yard\"; cameras = ( \"*\" ); } );\n" USER("groups = ( \"yrad\" );"),
         "c.conf:3: auth.users[0].groups[0]: there is no group \"yrad\"; did you mean \"yard\"?\n"},
        {"auth = { user_groups = ( { name = \"g\"; groups = ( \"garden\" ); } ); };\n" CAMERA,
         "c.conf:1: auth.user_groups[0].groups[0]: there is no group \"garden\"; add it: groups = ( { name = "
         "\"garden\"; "
         "cameras = ( … ); } );\n"},
        {"groups = ( { name = \"yard\"; } );\n" CAMERA, "c.conf:1: groups[0].cameras: missing; add it\n"},
        {"groups = ( { name = \"yard\"; cameras = ( ); },\n { name = \"yard\"; cameras = ( ); } );\n" CAMERA,
         "c.conf:2: groups[1].name: \"yard\" is already the name of groups[0] (c.conf:1); give each its "
         "own\n"},
    };

    (void)state;
    ASSERT_BAD(cases);
}

static void issuers_and_proxies_are_checked(void **state)
{
    static const struct bad_case cases[] = {
        {"auth = { jwt = ( { } ); };\n" CAMERA, "c.conf:1: auth.jwt[0].algorithm: missing; add it\n"
                                                "c.conf:1: auth.jwt[0].key: missing; add it\n"},
        {"auth = { jwt = ( { algorithm = \"none\"; key = \"/k\"; } ); };\n" CAMERA,
         "c.conf:1: auth.jwt[0].algorithm: unknown value \"none\"; use one of HS256, RS256, ES256\n"},
        {"auth = { jwt = ( { algorithm = \"HS256\"; key = \"k\"; } ); };\n" CAMERA,
         "c.conf:1: auth.jwt[0].key: not an absolute path; begin it with \"/\"\n"},
        {"auth = { proxy = { groups = \"X-G\"; }; };\ntrusted_proxies = ( \"::1\" );\n" CAMERA,
         "c.conf:1: auth.proxy.user: missing; add the header in which the proxy names the user, or leave out "
         "proxy\n"},
        {"auth = { proxy = { user = \"X-U\"; }; };\n" CAMERA,
         "c.conf:1: auth.proxy: no proxy is trusted to name users; add trusted_proxies = ( \"127.0.0.1\" ); "
         "with the "
         "proxy's address\n"},
        {"auth = { proxy = { user = \"X-U\"; groups = \"x-u\"; }; };\ntrusted_proxies = ( \"::1\" "
         ");\n" CAMERA,
         "c.conf:1: auth.proxy.groups: the same header as for the user; name another\n"},
        {"auth = { proxy = { user = \"Remote User\"; }; };\ntrusted_proxies = ( \"::1\" );\n" CAMERA,
         "c.conf:1: auth.proxy.user: not the name of a header; write one such as \"Remote-User\", without a "
         "colon\n"},
        {"auth = { proxy = { user = \"cookie\"; }; };\ntrusted_proxies = ( \"::1\" );\n" CAMERA,
         "c.conf:1: auth.proxy.user: \"Cookie\" has a meaning of its own; use a header that only the proxy "
         "sets\n"},
    };

    (void)state;
    ASSERT_BAD(cases);
}

#define BAD_ITEM(setting, value, text)                                                                       \
    {                                                                                                        \
        setting " = ( \"" value "\" );\n" CAMERA, "c.conf:1: " setting "[0]: " text "\n"                     \
    }
#define BAD_BASE(value, text)                                                                                \
    {                                                                                                        \
        "base_path = \"" value "\";\n" CAMERA, "c.conf:1: base_path: " text "\n"                             \
    }
#define NO_NETWORK                                                                                           \
    "not a numeric address or network; write one such as \"127.0.0.1\", \"10.0.0.0/8\" or \"fd00::/8\""
#define NO_HOST "no valid host; write \"https://nvr.example\" or \"https://nvr.example:8443\""
#define FRAMES                                                                                               \
    "write \"'self'\", \"'none'\", \"*\", or an origin such as \"https://ha.example\" or "                   \
    "\"https://*.example\""

static void what_the_web_says_is_checked(void **state)
{
    static const struct bad_case cases[] = {
        BAD_ITEM("trusted_proxies", "nginx", NO_NETWORK),
        BAD_ITEM("trusted_proxies", "10.0.0.0/", NO_NETWORK),
        BAD_ITEM("trusted_proxies", "10.0.0.0/33",
                 "the prefix has more bits than the address; write one such as \"10.0.0.0/8\""),
        BAD_ITEM("trusted_proxies", "10.1.0.0/8",
                 "bits behind the prefix are set; write \"10.0.0.0/8\", or the address alone"),
        BAD_ITEM("trusted_proxies", "::/0",
                 "every address would be trusted to say who a visitor is; list your proxy's own"),
        BAD_ITEM("origins", "nvr.example",
                 "not an origin; write scheme, host and port, such as \"https://nvr.example\""),
        BAD_ITEM("origins", "ftp://nvr.example",
                 "not an origin; write scheme, host and port, such as \"https://nvr.example\""),
        BAD_ITEM("origins", "https://nvr.example/",
                 "an origin ends behind host and port; write \"https://nvr.example\""),
        BAD_ITEM("origins", "https://nvr.example:443",
                 "browsers leave out port 443 here; write \"https://nvr.example\""),
        BAD_ITEM("origins", "http://h:080", "browsers leave out port 80 here; write \"http://h\""),
        BAD_ITEM("origins", "http://h:08080", "browsers write the port without zeros in front; write 8080"),
        BAD_ITEM("origins", "https://h:x",
                 "the port is not a number from 1 to 65535; write \"https://nvr.example:8443\""),
        BAD_ITEM("origins", "https://h:",
                 "the port is not a number from 1 to 65535; write \"https://nvr.example:8443\""),
        BAD_ITEM("origins", "https://NVR.example", "browsers send origins in small letters; write it so"),
        BAD_ITEM("origins", "https://", NO_HOST),
        BAD_ITEM("origins", "https://u@h",
                 "a user's name is no part of an origin; write \"https://nvr.example\""),
        BAD_ITEM("origins", "https://*.example",
                 "\"*\" stands for nothing here; list each origin, such as \"https://nvr.example\""),
        BAD_ITEM("origins", "https://h\xc3\xb6",
                 "a letter that browsers send in another form; write the host's name as \"xn--…\""),
        BAD_ITEM("origins", "http://[FD00::1]",
                 "not an IPv6 address as browsers write it; write one such as \"https://[fd00::1]:8080\""),
        BAD_ITEM("origins", "https://a, https://b",
                 "not one origin; list each as a string of its own, such as \"https://nvr.example\""),
        BAD_ITEM("cors_origins", "*",
                 "\"*\" would let every page in; list each origin, such as \"https://nvr.example\""),
        BAD_ITEM("cors_origins", "null",
                 "\"null\" would let every page in; list each origin, such as \"https://nvr.example\""),
        BAD_ITEM("frame_ancestors", "self", "the header has quotes around it; write \"'self'\""),
        BAD_ITEM("frame_ancestors", "https://ha.example; script-src *", "no valid host; " FRAMES),
        BAD_ITEM("frame_ancestors", "ha.example", "not a source of frames; " FRAMES),
        BAD_ITEM("frame_ancestors", "https://ha.example/x", "not a source of frames; " FRAMES),
        BAD_ITEM("frame_ancestors", "https://ha.example:x",
                 "the port is not a number from 1 to 65535; " FRAMES),
        {"frame_ancestors = ( );\n" CAMERA, "c.conf:1: frame_ancestors: empty; write ( \"'none'\" ) to "
                                            "forbid all frames, or remove the setting\n"},
        {"frame_ancestors = ( \"'none'\", \"'self'\" );\n" CAMERA,
         "c.conf:1: frame_ancestors: \"'none'\" beside others, which browsers ignore; remove it, or all "
         "others\n"},
        BAD_BASE("cams", "not an absolute path; begin it with \"/\", such as \"/cams\""),
        BAD_BASE("/", "the path of a server without a prefix; remove the setting"),
        BAD_BASE("/cams/", "a \"/\" at its end; write \"/cams\""),
        BAD_BASE(
            "/a b",
            "a character that addresses encode; use letters, digits, \"/\", \"-\", \"_\", \"~\" and \".\""),
        BAD_BASE("//a", "\"//\", \"/./\" and \"/../\" cannot be in it; write the path out"),
        BAD_BASE("/a/..", "\"//\", \"/./\" and \"/../\" cannot be in it; write the path out"),
    };

    (void)state;
    ASSERT_BAD(cases);
    config_free(accept(
        "base_path = \"/.well/..a\"; frame_ancestors = ( \"https://[fd00::1]:*\", \"http://*.a:80\" );\n"
        "origins = ( \"https://xn--h-0ga.example\", \"http://127.0.0.1:1\" );\n" CAMERA));
}

static void assert_warnings(const char *text, const char *warning, const char *unused)
{
    struct config *config = accept(text);
    struct config_list warnings = config_warnings(config), patterns = config_unused_patterns(config);

    assert_list(&warnings, warning);
    assert_list(&patterns, unused);
    config_list_finish(&warnings);
    config_list_finish(&patterns);
    config_free(config);
}

static void what_is_unwise_is_told(void **state)
{
#define INSECURE "listen = \"[::]:80\"; insecure = true;\n"
#define OPEN                                                                                                 \
    "everyone who can reach [::]:80 can watch all cameras: add auth = { }; and a user (`ringcastctl user "   \
    "add NAME`), and remove insecure = true;"
#define PLAIN                                                                                                \
    "passwords and pictures are sent over 0.0.0.0:80 without encryption: add tls = { … }; (`ringcastctl "  \
    "tls self-signed` makes a certificate), or listen on 127.0.0.1 behind a proxy with TLS"
    (void)state;
    assert_warnings(CAMERA, "", "");
    assert_warnings("insecure = true;\n" CAMERA, "", "");
    assert_warnings(INSECURE CAMERA, OPEN, "");
    assert_warnings("listen = \"0.0.0.0:80\"; auth = { };\n" CAMERA, PLAIN, "");
    assert_warnings("listen = \"0.0.0.0:80\"; auth = { }; trusted_proxies = ( \"10.0.0.1\" );\n" CAMERA, "",
                    "");
    assert_warnings(
        "listen = \"0.0.0.0:80\"; auth = { }; tls = { certificate = \"/c\"; key = \"/k\"; };\n" CAMERA, "",
        "");
    assert_warnings(
        USER("cameras = ( \"a\", \"b\", \"?\", \"A\" ); "), "",
        "auth.users[0].cameras[1]: no camera in the file is called \"b\"; correct it, unless one is added "
        "later "
        "auth.users[0].cameras[3]: no camera in the file is called \"A\"; correct it, unless one is added "
        "later");
    assert_warnings("groups = ( { name = \"g\"; cameras = ( \"b*\" ); } );\n" CAMERA, "",
                    "groups[0].cameras[0]: no camera in the file is called \"b*\"; correct it, unless one is "
                    "added later");
}

static void metrics_have_no_log_in(void **state)
{
    (void)state;
    config_fixture_write("c.conf", "admin = \"0.0.0.0:81\"; auth = { };\n" CAMERA);
    config_fixture_assert_errors(
        "c.conf",
        "c.conf:1: admin: 0.0.0.0 is not a loopback address, and its readers are not authenticated; write "
        "\"127.0.0.1:81\", or add insecure = true; to let everyone who can reach it read metrics\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_word_nobody_has_to_log_in, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(an_empty_group_asks_everybody, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(all_that_is_said_is_taken, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(lines_are_those_of_the_included_file, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(a_copy_is_equal_and_its_own, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(groups_of_cameras_become_patterns, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(unknown_settings_are_told_at_every_depth, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(kinds_are_checked_at_every_depth, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(users_and_groups_are_checked, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(issuers_and_proxies_are_checked, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(what_the_web_says_is_checked, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(what_is_unwise_is_told, config_fixture_enter, config_fixture_leave),
        cmocka_unit_test_setup_teardown(metrics_have_no_log_in, config_fixture_enter, config_fixture_leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
