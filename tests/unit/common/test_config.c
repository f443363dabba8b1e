/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libconfig.h>

#include "common/config/config_check.h"
#include "tests/unit/common/config_fixture.h"

/* libconfig 1.7 takes a comma behind the last element for none. */
#define COMMA_MAY_BE_LAST (LIBCONFIG_VER_MAJOR > 1 || (LIBCONFIG_VER_MAJOR == 1 && LIBCONFIG_VER_MINOR >= 7))

#define CAMERA "cameras = ( { name = \"a\"; url = \"rtsp://h/\"; } );\n"
#define ONE(settings) "cameras = (\n  { " settings " }\n);\n"
#define URL(url) ONE("name = \"a\"; url = \"" url "\";")
#define TEN "aaaaaaaaaa"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

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

static void unknown_settings_name_the_nearest_one(void **state)
{
    static const struct bad_case cases[] = {
        {"lisen = \"127.0.0.1:80\";\n" CAMERA,
         "c.conf:1: lisen: unknown setting; did you mean \"listen\"?\n"},
        {"\n\nlog_levle = \"info\";\n" CAMERA,
         "c.conf:3: log_levle: unknown setting; did you mean \"log_level\"?\n"},
        {"camera = 1;\n" CAMERA, "c.conf:1: camera: unknown setting; did you mean \"cameras\"?\n"},
        {"colour = 1;\n" CAMERA,
         "c.conf:1: colour: unknown setting; remove it, or see docs/reference/configuration.md\n"},
        {HUNDRED " = 1;\n" CAMERA,
         "c.conf:1: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: "
         "unknown setting; remove it, or see docs/reference/configuration.md\n"},
        {"url = \"rtsp://u:CANARY@h/\";\n" CAMERA,
         "c.conf:1: url: a setting of a camera; put it into a group of cameras = ( { … } );\n"},
        {ONE("name = \"a\"; url = \"rtsp://h\"; transprot = \"tcp\";"),
         "c.conf:2: cameras[0].transprot: unknown setting; did you mean \"transport\"?\n"},
        {ONE("name = \"a\"; uri = \"rtsp://u:CANARY@h\";"),
         "c.conf:2: cameras[0].url: missing; add it\n"
         "c.conf:2: cameras[0].uri: unknown setting; did you mean \"url\"?\n"},
        {ONE("name = \"a\"; url = \"rtsp://h\"; exec = \"sh\";"),
         "c.conf:2: cameras[0].exec: unknown setting; remove it, or see docs/reference/configuration.md\n"},
        {ONE("name = \"a\"; url = \"rtsp://h\"; insecure = true;"),
         "c.conf:2: cameras[0].insecure: not a setting of a camera; put it outside of cameras\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *errors = NULL;
        config_fixture_write("c.conf", cases[i].text);
        assert_null(config_fixture_load("c.conf", &errors));
        if (i != 7) { /* both are on one line: their order is the table's affair */
            assert_string_equal(errors, cases[i].errors);
        } else {
            assert_int_equal(strlen(errors), strlen(cases[i].errors));
        }
        free(errors);
    }
}

static void wrong_kinds_say_what_was_expected_and_found(void **state)
{
    static const struct bad_case cases[] = {
        {"listen = 8080;\n" CAMERA,
         "c.conf:1: listen: expected a string, found an integer; put it in double quotes\n"},
        {"insecure = \"true\";\n" CAMERA,
         "c.conf:1: insecure: expected a boolean, found a string; write true or false, without quotes\n"},
        {"insecure = 1;\n" CAMERA,
         "c.conf:1: insecure: expected a boolean, found an integer; write true or false, without quotes\n"},
        {"ring_size = \"4M\";\n" CAMERA,
         "c.conf:1: ring_size: expected an integer, found a string; write a whole number, without quotes\n"},
        {"ring_size = 1e6;\n" CAMERA,
         "c.conf:1: ring_size: expected an integer, found a number with a fraction; "
         "write a whole number, without quotes\n"},
        {"log_level = { };\n" CAMERA,
         "c.conf:1: log_level: expected a string, found a group; put it in double quotes\n"},
        {"cameras = [ \"a\" ];\n",
         "c.conf:1: cameras: expected a list of groups, found an array; write cameras = ( { … "
         "}, { … } );\n"},
        {"cameras = { name = \"a\"; };\n",
         "c.conf:1: cameras: expected a list of groups, found a group; write cameras "
         "= ( { … }, { … } );\n"},
        {"cameras = ( \"rtsp://u:CANARY@h\" );\n",
         "c.conf:1: cameras[0]: expected a group, found a string; write { name = \"…\"; url = \"…\"; }\n"},
        {ONE("name = 7; url = true; audio = ();"),
         "c.conf:2: cameras[0].name: expected a string, found an integer; put it in double quotes\n"
         "c.conf:2: cameras[0].url: expected a string, found a boolean; put it in double quotes\n"
         "c.conf:2: cameras[0].audio: expected a boolean, found a list; write true or false, without "
         "quotes\n"},
    };

    (void)state;
    ASSERT_BAD(cases);
}

static void values_out_of_bounds_are_refused(void **state)
{
    static const struct bad_case cases[] = {
        {"ring_size = 65535;\n" CAMERA,
         "c.conf:1: ring_size: 65535 is out of range; use 65536 to 1073741824\n"},
        {"fanout = { processes = 0; };\n" CAMERA,
         "c.conf:1: fanout.processes: 0 is out of range; use 1 to 64\n"},
        {"fanout = { processes = 65; };\n" CAMERA,
         "c.conf:1: fanout.processes: 65 is out of range; use 1 to 64\n"},
        {"fanout = {\n processes = \"all\"; };\n" CAMERA,
         "c.conf:2: fanout.processes: unknown value \"all\"; use 1 to 64, or \"auto\"\n"},
        {"fanout = { processes = true; };\n" CAMERA, "c.conf:1: fanout.processes: expected an integer or "
                                                     "\"auto\", found a boolean; write a whole number, or "
                                                     "\"auto\"\n"},
        {"fanout = { proceses = 2; };\n" CAMERA,
         "c.conf:1: fanout.proceses: unknown setting; did you mean \"processes\"?\n"},
        {"fanout = 2;\n" CAMERA, "c.conf:1: fanout: expected a group, found an integer; write { … };\n"},
        {"ring_size_max = 262143;\n" CAMERA,
         "c.conf:1: ring_size_max: 262143 is out of range; use 262144 to 1073741824\n"},
        {"ring_size = -1;\n" CAMERA, "c.conf:1: ring_size: -1 is out of range; use 65536 to 1073741824\n"},
        {"ring_size = 1073741825;\n" CAMERA,
         "c.conf:1: ring_size: 1073741825 is out of range; use 65536 to 1073741824\n"},
        /* What libconfig would wrap into the valid 65536. */
        {"ring_size = 4295032832;\n" CAMERA,
         "c.conf:1: ring_size: 4295032832 is out of range; use 65536 to 1073741824\n"},
        {"ring_size = 0x100010000;\n" CAMERA,
         "c.conf:1: ring_size: 4295032832 is out of range; use 65536 to 1073741824\n"},
        {"ring_size = 99999999999999999999;\n" CAMERA,
         "c.conf:1: ring_size: 9223372036854775807 is out of range; use 65536 to 1073741824\n"},
        {"log_level = \"verbose\";\n" CAMERA,
         "c.conf:1: log_level: unknown value \"verbose\"; use one of error, warning, info, debug\n"},
        {"listen = \"127.0.0.1:0\";\n", "c.conf:1: cameras: missing; add it\n"},
        {"", "c.conf:1: cameras: missing; add it\n"},
        {"cameras = (\n  { },\n  { name = \"\"; url = \"\"; }\n);\n",
         "c.conf:2: cameras[0].name: missing; add it\n"
         "c.conf:2: cameras[0].url: missing; add it\n"
         "c.conf:3: cameras[1].name: empty; give a value or remove the setting\n"
         "c.conf:3: cameras[1].url: empty; give a value or remove the setting\n"},
        {ONE("name = \"a\"; url = \"rtsp://h\"; transport = \"quic\"; ring_size = 0;"),
         "c.conf:2: cameras[0].transport: unknown value \"quic\"; use one of auto-tcp, tcp, udp, auto\n"
         "c.conf:2: cameras[0].ring_size: 0 is out of range; use 65536 to 1073741824\n"},
        {ONE("name = \"a\"; url = \"rtsp://h\"; keyframe_deadline = 601; video_deadline = -1; rotate = 45; "
             "allow_basic = 1; aspect = \"16x9\"; onvif = \"http://camera/onvif\"; mirror = \"yes\"; crop = "
             "\"60,0,40,0\";"),
         "c.conf:2: cameras[0].allow_basic: expected a boolean, found an integer; write true or false, "
         "without quotes\n"
         "c.conf:2: cameras[0].keyframe_deadline: 601 is out of range; use 0 to 600\n"
         "c.conf:2: cameras[0].video_deadline: -1 is out of range; use 0 to 600\n"
         "c.conf:2: cameras[0].aspect: not an aspect ratio; write width and height, such as \"16:9\"\n"
         "c.conf:2: cameras[0].rotate: 45 is not a multiple of 90; use one from 0 to 270\n"
         "c.conf:2: cameras[0].onvif: not the address of an ONVIF device; write it with a numeric address, "
         "such as \"http://192.168.1.20/onvif/device_service\", without user and password\n"
         "c.conf:2: cameras[0].mirror: expected a boolean, found a string; write true or false, without "
         "quotes\n"
         "c.conf:2: cameras[0].crop: not what to leave out at the left, top, right and bottom in per cent, "
         "such "
         "as \"10,0,25,0\", of which at least 5 are left in each direction\n"},
        {ONE("name = \"a\"; url = \"rtsp://h\"; audio_codec = \"mp3\";"),
         "c.conf:2: cameras[0].audio_codec: unknown value \"mp3\"; use one of flac, opus, aac\n"},
        {ONE("name = \"a\"; url = \"rtsps://h\"; transport = \"udp\"; tls_verify = 0; tls_fingerprint = "
             "\"00:11\";"),
         "c.conf:2: cameras[0].tls_verify: expected a boolean, found an integer; write true or false, "
         "without "
         "quotes\n"
         "c.conf:2: cameras[0].tls_fingerprint: 4 hexadecimal digits; the SHA-256 of a certificate has 64\n"
         "c.conf:2: cameras[0].transport: \"udp\" is not protected by the TLS of rtsps; use \"tcp\" or "
         "\"auto\"\n"},
        {ONE("name = \"a\"; url = \"rtsps://h\"; tls_fingerprint = \"SHA256 Fingerprint=00\";"),
         "c.conf:2: cameras[0].tls_fingerprint: not a fingerprint; write the certificate's SHA-256 in "
         "hexadecimal\n"},
        {"instance = \"a b\";\n" CAMERA,
         "c.conf:1: instance: cannot be part of the names in /dev/shm; use 1 to 32 "
         "letters, digits, \"_\" and \"-\"\n"},
        {"instance = \"" TEN TEN TEN "abc\";\n" CAMERA, "c.conf:1: instance: 33 bytes; use at most 32\n"},
    };

    (void)state;
    ASSERT_BAD(cases);
}

static void names_are_checked(void **state)
{
    static const struct bad_case cases[] = {
        {ONE("name = \"a/b\"; url = \"rtsp://h\";"),
         "c.conf:2: cameras[0].name: \"/\" cannot be in a name, which is "
         "part of web addresses; use \"-\" instead\n"},
        {ONE("name = \"a\\nb\"; url = \"rtsp://h\";"),
         "c.conf:2: cameras[0].name: a control character; use printable characters only\n"},
        {ONE("name = \"a\\xc2\\x9b\"; url = \"rtsp://h\";"),
         "c.conf:2: cameras[0].name: a control character; use printable characters only\n"},
        {ONE("name = \"..\"; url = \"rtsp://h\";"),
         "c.conf:2: cameras[0].name: a name cannot begin with \".\"; begin with a letter or digit\n"},
        {ONE("name = \"\xff\"; url = \"rtsp://h\";"),
         "c.conf:2: cameras[0].name: not valid UTF-8; save the file as UTF-8\n"},
        {ONE("name = \"\\xff\"; url = \"rtsp://h\";"),
         "c.conf:2: cameras[0].name: not valid UTF-8; save the file as UTF-8\n"},
        {ONE("name = \"a\\x00b\"; url = \"rtsp://h\";"),
         "c.conf:2: a string cannot hold a NUL character; remove \\x00\n"},
        {ONE("name = \"" TEN TEN TEN TEN TEN TEN "12345\"; url = \"rtsp://h\";"),
         "c.conf:2: cameras[0].name: 65 bytes; use at most 64\n"},
        {"cameras = (\n  { url = \"rtsp://h\";\n    name = \"a\"; },\n  { name = \"b\"; url = \"rtsp://h\"; "
         "},\n"
         "  { name = \"a\"; url = \"rtsp://h\"; },\n  {\n    url = \"rtsp://h\";\n    name = \"a\"; }\n);\n",
         "c.conf:5: cameras[2].name: \"a\" is already the name of cameras[0] (c.conf:3); give each camera "
         "its own\n"
         "c.conf:8: cameras[3].name: \"a\" is already the name of cameras[0] (c.conf:3); give each camera "
         "its own\n"},
    };

    (void)state;
    ASSERT_BAD(cases);
}

#define BAD_URL(url, text)                                                                                   \
    {                                                                                                        \
        URL(url), "c.conf:2: cameras[0].url: " text "\n"                                                     \
    }
#define NO_URL "not a URL; write \"rtsp://host/path\""
#define NO_HOST "no host; write \"rtsp://host/path\""
#define SCHEMES "use rtsp, rtsps, http, https, rtmp, rtmps, srt, file or ringcast"
#define BAD_HOST                                                                                             \
    "host or port are not valid; write \"rtsp://host:554/path\", and a user name or password with / ? # @ "  \
    "in it as "                                                                                              \
    "the fields username and password"
#define STRAY(c)                                                                                             \
    "a \"" c "\" cuts off the user name or password in a URL; take both out of it and write them as "        \
    "username = \"…\"; password = \"…\"; (in a path, write \"@\" as %40)"
#define RTSPX                                                                                                \
    "unsupported scheme \"rtspx\", which elsewhere means RTSP over TLS with a certificate that is not "      \
    "checked; write \"rtsps://…\" and add tls_verify = false"
#define BAD_BYTE "a space, control character, \", < or > cannot be in a URL; percent-encode it"

static void urls_are_checked_and_their_credentials_not_shown(void **state)
{
    static const struct bad_case cases[] = {
        BAD_URL("10.0.0.1/stream", NO_URL),
        BAD_URL("admin:CANARY@10.0.0.1/stream", NO_URL),
        BAD_URL("rtsp:/h", NO_URL),
        BAD_URL("://h", NO_URL),
        BAD_URL("1rtsp://h", NO_URL),
        BAD_URL("file://host/clip.mp4", "a file has an absolute path; write \"file:///path\""),
        BAD_URL("concat://etc/passwd", "unsupported scheme \"concat\"; " SCHEMES),
        BAD_URL("exec://sh", "unsupported scheme \"exec\"; " SCHEMES),
        BAD_URL("rts://u:CANARY@h", "unsupported scheme \"rts\"; " SCHEMES),
        BAD_URL("CANARYCANARYCANARY://h", "unsupported scheme; " SCHEMES),
        BAD_URL("rtsp://", NO_HOST),
        BAD_URL("rtsp:///path", NO_HOST),
        BAD_URL("rtsp://:554/path", NO_HOST),
        BAD_URL("rtsp://u:CANARY@/path", NO_HOST),
        BAD_URL("rtsp://[::1/path", NO_HOST),
        BAD_URL("rtsp://h:0/", BAD_HOST),
        BAD_URL("rtsp://h:65536/", BAD_HOST),
        BAD_URL("rtsp://h:/", BAD_HOST),
        BAD_URL("rtsp://h:5x4/", BAD_HOST),
        BAD_URL("rtsp://[::1]x/", BAD_HOST),
        BAD_URL("rtsp://admin:CANARY", BAD_HOST),
        BAD_URL("rtsp://admin:CANARY/1@h/", STRAY("/")),
        BAD_URL("rtsp://admin:2023#CANARY@192.168.1.20/stream", STRAY("#")),
        BAD_URL("rtsp://admin:12/CANARY@192.168.1.20/stream", STRAY("/")),
        BAD_URL("rtsp://admin:12?CANARY@192.168.1.20/stream", STRAY("?")),
        BAD_URL("rtsp://admin:12?a=CANARY@192.168.1.20/stream", STRAY("?")),
        BAD_URL("rtsp://admin:12/CANARY?x#y@192.168.1.20:554/stream", STRAY("/")),
        BAD_URL("rtsp://admin:12#CANARY/a@b@192.168.1.20/stream", STRAY("#")),
        BAD_URL("rtsp://admin:p@CANARY/a@192.168.1.20/stream", STRAY("/")),
        BAD_URL("rtsp://admin:p@ss.CANARY/a@10.0.0.1/stream", STRAY("/")),
        BAD_URL("rtsp://me@example.com:12/CANARY@10.0.0.1/s", STRAY("/")),
        BAD_URL("rtsp://admin:1/CANARY@[fe80::1%25eth0]:554/s", STRAY("/")),
        BAD_URL("rtsp://admin:1#CANARY@[2001:db8::1]", STRAY("#")),
        BAD_URL("rtsp://admin:1#CANARY@camera/s", STRAY("#")),
        BAD_URL("rtsp://admin:12/CANARY@camera/s", STRAY("/")),
        BAD_URL("rtsp://admin#CANARY@cam.example.com", STRAY("#")),
        BAD_URL("rtsp://ad/min:CANARY@10.0.0.1/s", STRAY("/")),
        BAD_URL("rtsps://admin:CANARY/1@10.0.0.1:322/s", STRAY("/")),
        BAD_URL("http://admin:1/CANARY@10.0.0.1/s.ts", STRAY("/")),
        BAD_URL("rtspx://192.168.1.1:7441/CANARY", RTSPX),
        BAD_URL("rtsp://u:CANARY@h/a b", BAD_BYTE),
        BAD_URL("rtsp://u:CANARY@h/a\\nb", BAD_BYTE),
        BAD_URL("rtsp://u:CANARY@h/<img>", BAD_BYTE),
        BAD_URL("rtsp://u:CANARY@h/\xff", "not valid UTF-8; save the file as UTF-8"),
    };

    (void)state;
    ASSERT_BAD(cases);
}

static void an_at_sign_may_belong_to_the_path(void **state)
{
    static const char *const urls[] = {
        "rtsp://192.168.1.20/user@domain/stream",
        "rtsp://192.168.1.20:5540/a#b@10.0.0.1/",
        "rtsp://u:p@192.168.1.20/live@10.0.0.2/",
        "rtsp://u:p@ss@192.168.1.20/live",
        "rtsp://camera/live@hd",
        "rtsp://camera:554/live@10.0.0.1/x",
        "rtsp://u:p@camera/live@hd",
        "rtsp://u:p@camera:8554/live@hd/1",
        "rtsp://cam.example.com/user@example.com/live",
        "rtsp://cam.example.com:5540/x?user=me@example.com",
        "http://cam.example.com:9000?user=me@example.com",
        "rtsp://u:p%2f%23%3f%40@camera/live",
        "srt://relay:9000?streamid=#!::u=me@example.com,r=x",
        "rtsp://10.0.0.5/user=admin_password=p@ss_channel=1_stream=0.sdp",
        "rtsp://localhost:1234/a@b.c/",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        char problem[CONFIG_PROBLEM_SIZE] = "";
        if (!config_check_url(urls[i], problem)) {
            fail_msg("%s: %s", urls[i], problem);
        }
    }
}

static void credentials_are_whole_or_absent(void **state)
{
    static const struct bad_case cases[] = {
        {ONE("name = \"a\"; url = \"rtsp://h\"; username = \"u\";"),
         "c.conf:2: cameras[0].password: missing, but there is a username; add it, \"\" if the camera has "
         "none\n"},
        {ONE("name = \"a\"; url = \"rtsp://h\"; password = \"CANARY\";"),
         "c.conf:2: cameras[0].username: missing, but there is a password; add it\n"},
        {ONE("name = \"a\"; url = \"rtsp://u:CANARY@h\"; username = \"u\"; password = \"CANARY\";"),
         "c.conf:2: cameras[0].url: a user name here and in the camera's own fields; keep username and "
         "password, and "
         "take it out of the URL\n"},
        {ONE("name = \"a\"; url = \"rtsp://h\"; username = \"\"; password = \"CANARY\\r\\n\";"),
         "c.conf:2: cameras[0].username: empty; give a value or remove the setting\n"
         "c.conf:2: cameras[0].password: a control character, which cannot be sent to a camera; remove it\n"},
        {ONE("name = \"a\"; url = \"rtsp://h\"; username = \"u\"; password = \"" HUNDRED HUNDRED HUNDRED
             "\";"),
         "c.conf:2: cameras[0].password: 300 bytes; use at most 256\n"},
    };

    (void)state;
    ASSERT_BAD(cases);
}

#define BAD_LISTEN(listen, text)                                                                             \
    {                                                                                                        \
        "listen = \"" listen "\";\n" CAMERA, "c.conf:1: listen: " text "\n"                                  \
    }
#define NUMERIC "not a numeric address; write one such as \"127.0.0.1:8080\" or \"[::1]:8080\""
#define NOT_LOOPBACK(host, port)                                                                             \
    host " is not a loopback address, and nobody has to log in; add auth = { }; and a user (`ringcastctl "   \
         "user add NAME`), or write \"127.0.0.1:" port                                                       \
         "\", or add insecure = true; to let everyone who can reach it watch"

static void the_listen_address_is_checked(void **state)
{
    static const struct bad_case cases[] = {
        BAD_LISTEN("8080", "only a port; write \"127.0.0.1:8080\""),
        BAD_LISTEN("127.0.0.1", "no port; write \"127.0.0.1:8080\" or \"[::1]:8080\""),
        BAD_LISTEN("[::1]", "no port; write \"127.0.0.1:8080\" or \"[::1]:8080\""),
        BAD_LISTEN(":8080", "no address before the port; write \"127.0.0.1:8080\""),
        BAD_LISTEN("::1:8080", "an IPv6 address needs brackets; write \"[::1]:8080\""),
        BAD_LISTEN("127.0.0.1:65536", "the port is not a number from 0 to 65535; write \"127.0.0.1:8080\""),
        BAD_LISTEN("127.0.0.1:", "the port is not a number from 0 to 65535; write \"127.0.0.1:8080\""),
        BAD_LISTEN("127.0.0.1:80x", "the port is not a number from 0 to 65535; write \"127.0.0.1:8080\""),
        BAD_LISTEN("example.org:80", NUMERIC),
        BAD_LISTEN("127.1:80", NUMERIC),
        BAD_LISTEN("[127.0.0.1]:80", NUMERIC),
        BAD_LISTEN("*:80", NUMERIC),
        BAD_LISTEN("", "empty; give a value or remove the setting"),
        BAD_LISTEN("0.0.0.0:80", NOT_LOOPBACK("0.0.0.0", "80")),
        BAD_LISTEN("192.168.1.5:8080", NOT_LOOPBACK("192.168.1.5", "8080")),
        BAD_LISTEN("[::]:80", NOT_LOOPBACK("::", "80")),
        BAD_LISTEN("[::ffff:10.0.0.1]:80", NOT_LOOPBACK("::ffff:10.0.0.1", "80")),
    };

    (void)state;
    ASSERT_BAD(cases);
}

static void the_runtime_dir_is_checked(void **state)
{
    static const struct bad_case cases[] = {
        {"runtime_dir = \"run\";\n" CAMERA,
         "c.conf:1: runtime_dir: not an absolute path; begin it with \"/\"\n"},
        {"runtime_dir = \"/a/../b\";\n" CAMERA,
         "c.conf:1: runtime_dir: control characters and \"..\" cannot be in it; write the path out\n"},
        {"runtime_dir = \"/./\";\n" CAMERA,
         "c.conf:1: runtime_dir: the root directory cannot be used; name a directory "
         "of ringcast's own\n"},
        {"runtime_dir = \"/" HUNDRED "\";\n" CAMERA,
         "c.conf:1: runtime_dir: 101 bytes, too long for the control socket in it; use at most 94 bytes\n"},
    };

    (void)state;
    ASSERT_BAD(cases);
}

static void a_line_says_where_the_syntax_is_wrong(void **state)
{
#define NO_EQUALS(line) "c.conf:" line ": a string without = before it; write name = \"value\";\n"
#define SYNTAX "syntax error; look here and just before for a missing \", ;, =, bracket or comma\n"
    static const struct bad_case cases[] = {
        {"listen = = 1;\n", "c.conf:1: " SYNTAX},
        {"\ncameras = (\n  { name = \"a\" url = ; }\n);\n", "c.conf:3: " SYNTAX},
        {"\nlisten \"127.0.0.1:80\";\n", NO_EQUALS("2")},
        {"listen = \"127.0.0.1:80\",\n\"x\";\n", NO_EQUALS("2")},
        {"cameras = ( { \"CANARY\" } );\n", NO_EQUALS("1")},
        {"cameras = ( { name = \"a\"; } \"CANARY\" );\n", NO_EQUALS("1")},
        {"\"CANARY\"", NO_EQUALS("1")},
        {"a = [ 1, \"CANARY\" ];\n",
         "c.conf:1: mismatched element type in array; look here and just before for a "
         "missing \", ;, =, bracket or comma\n"},
        {"a = 1;\na = 2;\n", "c.conf:2: a setting is given twice in the same group; remove one\n"},
        {"cameras = (\n { name = \"a\";\n   name = \"b\"; }\n);\n",
         "c.conf:3: a setting is given twice in the same group; remove one\n"},
        {"\nlisten = \"127;\n\n", "c.conf:2: this string is never closed; add a \" at its end\n"},
        {"\n\n/* comment\n\n", "c.conf:3: this comment is never closed; add */ at its end\n"},
        {"x = 08 9;\n", "c.conf:1: " SYNTAX},
    };

    (void)state;
    ASSERT_BAD(cases);
}

static void the_commonest_slips_are_named(void **state)
{
#define IN_QUOTES(text) "a text stands in quotes: write \"" text "…\" with \" before and after it\n"
#define STRAIGHT "a text stands in straight double quotes: write \"value\"\n"
#define YAML "this looks like YAML; write name = \"value\"; and lists as cameras = ( { … } );\n"
    static const struct bad_case cases[] = {
#if !COMMA_MAY_BE_LAST
        {"cameras = (\n { name = \"a\"; url = \"rtsp://x/\"; }, # the last one\n);\n",
         "c.conf:2: remove the comma: nothing follows it before the )\n"},
        {"auth = { };\norigins = [\"https://x\",];\ncameras = ();\n",
         "c.conf:2: remove the comma: nothing follows it before the ]\n"},
#endif
        {"cameras = ( { name = 'a'; url = \"rtsp://x/\"; } );\n", "c.conf:1: " STRAIGHT},
        {"cameras = ( { name = \u201ca\u201d; url = \"rtsp://x/\"; } );\n", "c.conf:1: " STRAIGHT},
        {"listen = 127.0.0.1:8080;\n", "c.conf:1: " IN_QUOTES("127.0.0.1")},
        {"log_level = debug;\n", "c.conf:1: " IN_QUOTES("debug")},
        {"# x = y\n/* a\nb */ log_level = debug;\n", "c.conf:3: " IN_QUOTES("debug")},
        {"cameras = (\n{ name = \"a\";\n url = rtsp://x/; } );\n", "c.conf:3: " IN_QUOTES("rtsp")},
        {"ring_size = 4MB;\n", "c.conf:1: " IN_QUOTES("4MB")},
        {"cameras:\n  - name: front\n    url: rtsp://x/\n", "c.conf:2: " YAML},
        {"cameras:\n  front:\n    url: rtsp://x/\n", "c.conf:1: " YAML},
        {"cameras = [ { name = \"a\"; } ];\n",
         "c.conf:1: a list of groups stands in ( ) and not in [ ]: write ( { … }, { … } );\n"},
        {"cameras = ( { name = \"a\"; }\n{ name = \"b\"; } );\n",
         "c.conf:1: a comma is missing between } and {\n"},
        {"cameras ( { name = \"a\"; } );\n", "c.conf:1: there is no = before the (; write name = ( … );\n"},
        {"cameras = (\n{ name = \"a\"; }\n];\n",
         "c.conf:3: a ] stands where the ( of line 1 is to be closed with )\n"},
        {"cameras = ( { name = \"a\"; } ));\n", "c.conf:1: this ) closes nothing; remove it\n"},
        {"\ncameras = (\n{ name = \"a\"; }\n\n",
         "c.conf:2: the ( that is opened here is never closed; add )\n"},
    };

    (void)state;
    ASSERT_BAD(cases);
}

static void names_of_other_programs_are_known(void **state)
{
#define NAMED(name, ours)                                                                                    \
    {                                                                                                        \
        "cameras = ( { name = \"a\"; url = \"rtsp://x/\"; " name " = \"x\"; } );\n",                         \
            "c.conf:1: cameras[0]." name ": unknown setting; did you mean \"" ours "\"?\n"                   \
    }
    static const struct bad_case cases[] = {
        NAMED("user", "username"), NAMED("pass", "password"),   NAMED("uri", "url"),
        NAMED("host", "url"),      NAMED("rotation", "rotate"), NAMED("substream", "sub"),
    };

    (void)state;
    ASSERT_BAD(cases);
}

static void all_errors_come_in_the_order_of_the_file(void **state)
{
    static const struct bad_case cases[] = {
        {"cameras = (\n  { name = \"a\";\n    transport = \"x\"; },\n  { url = \"CANARY\";\n    name = "
         "\"a\"; }\n);\n"
         "listen = 1;\n\nlisen = 2;\n",
         "c.conf:2: cameras[0].url: missing; add it\n"
         "c.conf:3: cameras[0].transport: unknown value \"x\"; use one of auto-tcp, tcp, udp, auto\n"
         "c.conf:4: cameras[1].url: " NO_URL "\n"
         "c.conf:5: cameras[1].name: \"a\" is already the name of cameras[0] (c.conf:2); give each camera "
         "its own\n"
         "c.conf:7: listen: expected a string, found an integer; put it in double quotes\n"
         "c.conf:9: lisen: unknown setting; did you mean \"listen\"?\n"},
    };

    (void)state;
    ASSERT_BAD(cases);
}

static void a_crop_has_four_shares(void **state)
{
    static const char *const wrong[] = {"",          "10",       "1,2,3",     "1,2,3,4,5", "1,2,3,",
                                        ",1,2,3",    "-1,0,0,0", "50,0,46,0", "0,96,0,0",  "0,1.5,0,0",
                                        "100,0,0,0", "1;2;3;4",  "0x1,0,0,0"};
    unsigned shares[4];

    (void)state;
    assert_true(config_parse_crop("10,0, 25 ,5", shares));
    assert_int_equal(shares[0], 10);
    assert_int_equal(shares[1], 0);
    assert_int_equal(shares[2], 25);
    assert_int_equal(shares[3], 5);
    assert_true(config_parse_crop("50,95,45,0", shares));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (config_parse_crop(wrong[i], shares)) {
            fail_msg("\"%s\" is taken", wrong[i]);
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, config_fixture_enter, config_fixture_leave)
    const struct CMUnitTest tests[] = {
        TEST(unknown_settings_name_the_nearest_one),
        TEST(wrong_kinds_say_what_was_expected_and_found),
        TEST(values_out_of_bounds_are_refused),
        TEST(names_are_checked),
        TEST(urls_are_checked_and_their_credentials_not_shown),
        TEST(an_at_sign_may_belong_to_the_path),
        TEST(credentials_are_whole_or_absent),
        TEST(the_listen_address_is_checked),
        TEST(the_runtime_dir_is_checked),
        TEST(a_line_says_where_the_syntax_is_wrong),
        TEST(the_commonest_slips_are_named),
        TEST(names_of_other_programs_are_known),
        TEST(a_crop_has_four_shares),
        TEST(all_errors_come_in_the_order_of_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
