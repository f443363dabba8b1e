/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/common/config_fixture.h"

#define CAMERA "cameras = ( { name = \"a\"; url = \"rtsp://h/\"; } );\n"

/* NAME must be accepted. */
static struct config *load_good(const char *name)
{
    char *errors = NULL;
    struct config *config = config_fixture_load(name, &errors);

    assert_string_equal(errors, "");
    assert_non_null(config);
    free(errors);
    return config;
}

static struct config *load_text(const char *text)
{
    config_fixture_write("c.conf", text);
    return load_good("c.conf");
}

static void what_is_not_said_has_its_default(void **state)
{
    struct config *config = load_text("runtime_dir = \"/run/ringcast\";\n\n" CAMERA);

    (void)state;
    assert_string_equal(config->path, "c.conf");
    assert_string_equal(config->listen.host, "127.0.0.1");
    assert_int_equal(config->listen.port, 8080);
    assert_false(config->insecure);
    assert_string_equal(config->runtime_dir, "/run/ringcast");
    assert_string_equal(config->instance, "default");
    assert_int_equal(config->ring_size, 0);
    assert_int_equal(config->ring_size_max, 16777216);
    assert_int_equal(config->fanout_processes, 1);
    assert_int_equal(config->log_level, LOG_LEVEL_INFO);
    assert_int_equal(config->camera_count, 1);
    assert_string_equal(config->cameras[0].name, "a");
    assert_string_equal(config->cameras[0].task.url, "rtsp://h/");
    assert_null(config->cameras[0].task.username);
    assert_null(config->cameras[0].task.password);
    assert_int_equal(config->cameras[0].task.transport, CAMERA_TRANSPORT_AUTO_TCP);
    assert_true(config->cameras[0].task.audio);
    assert_true(config->cameras[0].task.allow_basic);
    assert_int_equal(config->cameras[0].task.keyframe_deadline, 0);
    assert_int_equal(config->cameras[0].task.video_deadline, 0);
    assert_null(config->cameras[0].task.aspect);
    assert_int_equal(config->cameras[0].task.rotate, 0);
    assert_false(config->cameras[0].mirror);
    assert_null(config->cameras[0].crop);
    assert_int_equal(config->cameras[0].ring_size, 0);
    assert_int_equal(config->cameras[0].ring_size_max, 16777216);
    assert_int_equal(config->cameras[0].line, 3);
    config_free(config);
}

static void what_is_said_is_taken(void **state)
{
    struct config *config = load_text(
        "cameras = (\n"
        "  { name = \"<img src=x onerror=alert(1)>\"; url = \"RTSPS://[fe80::1%25eth0]:322/a?b#c\";\n"
        "    username = \"ad:min\"; password = \"p@ss/w\\\"%rd #\"; transport = \"auto\"; audio = false;\n"
        "    keyframe_deadline = 600; video_deadline = 60; aspect = \"16:9\"; rotate = 270; allow_basic = "
        "false;"
        "    tls_verify = false; allow_redirect = true; show_damaged = true; audio_codec = \"opus\";\n"
        "    onvif = \"http://192.0.2.7:8000/onvif/device_service#Profile_1\"; mirror = true; crop = \"10, "
        "0,25 ,5\";"
        "    tls_fingerprint = "
        "\"00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:AA:BB:"
        "CC:DD:EE:FF\"; },\n"
        "  { name = \"Haust\\xc3\\xbcr\"; url = \"rtsp://u:p%40@h\"; ring_size = 65537; ring_size_max = "
        "262145; transport = \"udp\"; "
        "},\n"
        "  { name = \"c\"; url = \"https://h:65535\"; username = \"u\"; password = \"\"; }\n"
        ");\n"
        "ring_size = 0x100001;  # rounded up\n"
        "fanout : { processes : \"auto\" };\n"
        "listen = \"[::]:0\"; insecure = true; log_level = \"debug\";\n"
        "runtime_dir = \"//tmp/./x///\"; instance = \"my-1_X\";\n");

    (void)state;
    assert_string_equal(config->listen.host, "::");
    assert_int_equal(config->listen.port, 0);
    assert_true(config->insecure);
    assert_string_equal(config->runtime_dir, "/tmp/x");
    assert_string_equal(config->instance, "my-1_X");
    assert_int_equal(config->log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(config->ring_size, 2097152);
    assert_int_equal(config->fanout_processes, 0);
    assert_int_equal(config->camera_count, 3);
    const struct config_camera *cameras = config->cameras;
    assert_string_equal(cameras[0].name, "<img src=x onerror=alert(1)>");
    assert_string_equal(cameras[0].task.username, "ad:min");
    assert_string_equal(cameras[0].task.password, "p@ss/w\"%rd #");
    assert_int_equal(cameras[0].task.transport, CAMERA_TRANSPORT_AUTO);
    assert_false(cameras[0].task.audio);
    assert_false(cameras[0].task.tls_verify);
    assert_true(cameras[0].task.allow_redirect);
    assert_true(cameras[0].task.show_damaged);
    assert_false(cameras[0].task.allow_basic);
    assert_int_equal(cameras[0].task.keyframe_deadline, 600);
    assert_int_equal(cameras[0].task.video_deadline, 60);
    assert_string_equal(cameras[0].task.aspect, "16:9");
    assert_int_equal(cameras[0].task.rotate, 270);
    assert_string_equal(cameras[0].task.onvif, "http://192.0.2.7:8000/onvif/device_service#Profile_1");
    assert_true(cameras[0].mirror);
    assert_string_equal(cameras[0].crop, "10, 0,25 ,5");
    assert_int_equal(cameras[0].task.audio_codec, AUDIO_CODEC_OPUS);
    assert_int_equal(cameras[1].task.audio_codec, AUDIO_CODEC_FLAC);
    assert_int_equal(strlen(cameras[0].task.tls_fingerprint), 95);
    assert_true(cameras[1].task.tls_verify);
    assert_false(cameras[1].task.allow_redirect);
    assert_null(cameras[1].task.tls_fingerprint);
    assert_int_equal(cameras[0].ring_size, 2097152);
    assert_string_equal(cameras[1].name, "Haustür");
    assert_int_equal(cameras[1].ring_size, 131072);
    assert_int_equal(cameras[0].ring_size_max, 16777216);
    assert_int_equal(cameras[1].ring_size_max, 524288);
    assert_int_equal(cameras[1].task.transport, CAMERA_TRANSPORT_UDP);
    assert_int_equal(cameras[1].line, 6);
    assert_string_equal(cameras[2].task.password, "");
    config_free(config);
}

static void loopback_has_many_spellings(void **state)
{
    static const struct {
        const char *listen, *host;
    } cases[] = {
        {"127.0.0.1:80", "127.0.0.1"},
        {"127.8.9.1:80", "127.8.9.1"},
        {"localhost:80", "127.0.0.1"},
        {"LocalHost:80", "127.0.0.1"},
        {"[::1]:80", "::1"},
        {"[0:0::0:1]:80", "::1"},
        {"[::ffff:127.0.0.1]:80", "::ffff:127.0.0.1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        snprintf(text, sizeof(text), "listen = \"%s\";\n%s", cases[i].listen, CAMERA);
        struct config *config = load_text(text);
        assert_string_equal(config->listen.host, cases[i].host);
        assert_int_equal(config->listen.port, 80);
        config_free(config);
    }
}

/* The longest run-time directory still gives a socket path that fits. */
static void the_control_socket_fits(void **state)
{
    char text[256];
    char directory[96];

    (void)state;
    memset(directory, 'd', sizeof(directory));
    directory[0] = '/';
    directory[94] = '\0';
    snprintf(text, sizeof(text), "runtime_dir = \"%s\";\n%s", directory, CAMERA);
    struct config *config = load_text(text);
    char *url = config_control_url(config);
    assert_int_equal(strlen(url), strlen("ipc://") + 107);
    assert_memory_equal(url, "ipc:///ddd", 10);
    assert_string_equal(url + 100, "/control.sock");
    free(url);
    config_free(config);
}

static char *instance_of(const char *directory)
{
    char text[256];

    snprintf(text, sizeof(text), "runtime_dir = \"%s\";\n%s", directory, CAMERA);
    struct config *config = load_text(text);
    char *instance = strdup(config->instance);
    config_free(config);
    return instance;
}

static void instances_differ_when_their_directories_do(void **state)
{
    static const char *const directories[] = {
        "/tmp/a/ringcast",
        "/tmp/b/ringcast",
        "/run/ringcast2",
        "/tmp/with space",
        "/tmp/with_space",
        "/tmp/a-very-long-name-of-a-directory-that-is-cut",
        "/tmp/a-very-long-name-of-a-directory-that-is-cut2",
    };
    char *instances[sizeof(directories) / sizeof(directories[0])];

    (void)state;
    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        instances[i] = instance_of(directories[i]);
        assert_in_range(strlen(instances[i]), 12, 32);
        assert_int_equal(strspn(instances[i], "abcdefghijklmnopqrstuvwxyz0123456789_-"),
                         strlen(instances[i]));
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(instances[i], instances[j]);
        }
    }
    char *same = instance_of("/tmp//a/./ringcast/");
    assert_string_equal(same, instances[0]);
    free(same);
    same = instance_of("/run/ringcast/");
    assert_string_equal(same, "default");
    free(same);
    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        free(instances[i]);
    }
}

static void the_default_socket_is_the_default_configurations(void **state)
{
    struct config *config = load_text(CAMERA);
    char *expected = config_control_url(config);
    char *url = config_default_control_url();

    (void)state;
    assert_string_equal(url, expected);
    free(url);
    free(expected);
    config_free(config);
}

/* systemd.exec(5): lists, when a unit names several. */
static void a_services_directories_are_the_default(void **state)
{
    (void)state;
    assert_int_equal(setenv("RUNTIME_DIRECTORY", "/run/cameras:/run/other", 1), 0);
    assert_int_equal(setenv("STATE_DIRECTORY", "/var/lib/cameras", 1), 0);
    struct config *config = load_text(CAMERA);
    char *url = config_default_control_url();
    assert_string_equal(config->runtime_dir, "/run/cameras");
    assert_string_equal(config->state_dir, "/var/lib/cameras");
    assert_non_null(strstr(url, "/run/cameras/"));
    free(url);
    config_free(config);
    assert_int_equal(setenv("RUNTIME_DIRECTORY", "relative", 1), 0);
    config = load_text(CAMERA);
    assert_string_not_equal(config->runtime_dir, "relative");
    config_free(config);
    unsetenv("RUNTIME_DIRECTORY");
    unsetenv("STATE_DIRECTORY");
}

static void passwords_are_made_known_to_the_log(void **state)
{
    char text[] = "CANARY1 CANARY2 p@CANARY3 p%40CANARY3 user           ";
    struct config *config =
        load_text("cameras = (\n"
                  "{ name = \"a\"; url = \"rtsp://h\"; username = \"user\"; password = \"CANARY1\"; },\n"
                  "{ name = \"b\"; url = \"rtsp://h\"; username = \"user\"; password = \"CANARY2\"; },\n"
                  "{ name = \"c\"; url = \"rtsp://user:p%40CANARY3@h\"; } );\n");

    (void)state;
    log_redact(text, sizeof(text) + 0);
    text[strcspn(text, "u") + 4] = '\0';
    assert_string_equal(text, "*** *** *** *** user");
    config_free(config);
}

static void included_files_are_read_in_place(void **state)
{
    (void)state;
    assert_int_equal(mkdir("sub", 0700), 0);
    config_fixture_write(
        "sub/one.conf",
        "log_level = \"debug\";\n  @include \"two.conf\" # beside one.conf\nring_size = 65536;");
    config_fixture_write("sub/two.conf", "listen = \"127.0.0.1:1\"; # no newline at the end");
    config_fixture_write("c.conf", "/* @include \"nothing\"\n@include \"nothing\" */\n"
                                   "@include \"sub/one.conf\"\n# @include \"nothing\"\n"
                                   "cameras = (\n@include \"camera.conf\"\n,\n"
                                   "{ name = \"\n@include \\\"x\\\"\"; url = \"rtsp://h\"; } );\n");
    config_fixture_write("camera.conf", "\n{ name = \"a\"; url = \"rtsp://h\"; }\n");
    config_fixture_assert_errors("c.conf",
                                 "c.conf:8: cameras[1].name: a control character; use printable characters "
                                 "only\n");
    config_fixture_write("c.conf", "@include \"sub/one.conf\"\ncameras = (\n@include \"camera.conf\"\n);\n");
    struct config *config = load_good("c.conf");
    assert_int_equal(config->listen.port, 1);
    assert_int_equal(config->ring_size, 65536);
    assert_int_equal(config->log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(config->cameras[0].line, 2);
    config_free(config);
}

static void errors_name_the_included_file(void **state)
{
    (void)state;
    assert_int_equal(mkdir("sub", 0700), 0);
    config_fixture_write("c.conf", "lisen = 1;\n@include \"sub/one.conf\"\nx = 1;\n" CAMERA);
    config_fixture_write("sub/one.conf", "\nlog_level = 5;\n@include \"two.conf\"\ny = 2;\n");
    config_fixture_write("sub/two.conf", "ring_size = 1;\n\nz = 3;");
    config_fixture_assert_errors(
        "c.conf", "c.conf:1: lisen: unknown setting; did you mean \"listen\"?\n"
                  "sub/one.conf:2: log_level: expected a string, found an integer; put it in double quotes\n"
                  "sub/two.conf:1: ring_size: 1 is out of range; use 65536 to 1073741824\n"
                  "sub/two.conf:3: z: unknown setting; remove it, or see docs/reference/configuration.md\n"
                  "sub/one.conf:4: y: unknown setting; remove it, or see docs/reference/configuration.md\n"
                  "c.conf:3: x: unknown setting; remove it, or see docs/reference/configuration.md\n");
    config_fixture_write("sub/two.conf", "\nring_size = = 1;\n");
    config_fixture_assert_errors("c.conf",
                                 "sub/two.conf:2: syntax error; look here and just before for a missing \", "
                                 ";, =, bracket or comma\n");
}

#define HINT "; a relative name is looked for beside the file that includes it\n"

static void what_cannot_be_included_is_named(void **state)
{
    (void)state;
    config_fixture_write("c.conf", "\n@include \"nothing.conf\"\n" CAMERA);
    config_fixture_assert_errors(
        "c.conf", "c.conf:2: @include: nothing.conf cannot be read: No such file or directory" HINT);
    assert_int_equal(mkdir("nothing.conf", 0700), 0);
    config_fixture_assert_errors("c.conf",
                                 "c.conf:2: @include: nothing.conf cannot be read: it is a directory" HINT);
    assert_int_equal(rmdir("nothing.conf"), 0);
    assert_int_equal(mkfifo("nothing.conf", 0600), 0);
    config_fixture_assert_errors(
        "c.conf", "c.conf:2: @include: nothing.conf cannot be read: it is not a regular file" HINT);
    config_fixture_write("c.conf", "@include \"c.conf\"\n");
    config_fixture_assert_errors(
        "c.conf", "c.conf:1: @include: too many files include each other; does one include itself?\n");
    config_fixture_write("c.conf", "@include c.conf\n");
    config_fixture_assert_errors("c.conf", "c.conf:1: @include: no file is named; write @include \"file\"\n");
    config_fixture_write("c.conf", "@include \"c.conf\n");
    config_fixture_assert_errors("c.conf", "c.conf:1: @include: no file is named; write @include \"file\"\n");
}

#define NAME_ONE "; name a configuration file that this user can read\n"

static void what_is_not_a_configuration_file_is_refused(void **state)
{
    (void)state;
    config_fixture_assert_errors("no.conf", "no.conf: cannot be read: No such file or directory" NAME_ONE);
    config_fixture_assert_errors(".", ".: cannot be read: it is a directory" NAME_ONE);
    config_fixture_assert_errors("/dev/zero", "/dev/zero: cannot be read: it is not a regular file" NAME_ONE);
    FILE *file = fopen("c.conf", "w");
    fwrite("listen\0", 7, 1, file);
    fclose(file);
    config_fixture_assert_errors(
        "c.conf", "c.conf: cannot be read: it holds a NUL byte, so it is not a text file" NAME_ONE);
    assert_int_equal(truncate("c.conf", 4194305), 0);
    config_fixture_assert_errors("c.conf", "c.conf: cannot be read: it is larger than 4 MiB" NAME_ONE);
    if (geteuid() != 0) {
        assert_int_equal(chmod("c.conf", 0), 0);
        config_fixture_assert_errors("c.conf", "c.conf: cannot be read: Permission denied" NAME_ONE);
    }
}

/* Files that are small each, but not together. */
static void a_large_configuration_of_small_files_is_refused(void **state)
{
    FILE *file = fopen("part.conf", "w");

    (void)state;
    for (size_t i = 0; i < 1048576u; i++) {
        fputc('\n', file);
    }
    fclose(file);
    config_fixture_write("c.conf", "@include \"part.conf\"\n@include \"part.conf\"\n@include \"part.conf\"\n"
                                   "@include \"part.conf\"\n@include \"part.conf\"\n" CAMERA);
    config_fixture_assert_errors(
        "c.conf", "part.conf:1048572: the configuration is larger than 4 MiB with all it includes; is it "
                  "the right file?\n");
}

static void deep_brackets_are_refused(void **state)
{
    FILE *file = fopen("c.conf", "w");

    (void)state;
    fputs("cameras = ", file);
    for (size_t i = 0; i < 100000; i++) {
        fputc('(', file);
    }
    fclose(file);
    config_fixture_assert_errors(
        "c.conf", "c.conf:1: brackets within brackets, too many of them; close them earlier\n");
}

static void a_thousand_cameras_are_accepted_and_no_more(void **state)
{
    (void)state;
    for (int count = 1000; count <= 1001; count++) {
        FILE *file = fopen("c.conf", "w");
        fputs("cameras = (", file);
        for (int i = 0; i < count; i++) {
            fprintf(file, "%s{ name = \"camera %d\"; url = \"rtsp://h/%d\"; }", i > 0 ? ",\n" : "", i, i);
        }
        fputs(");\n", file);
        fclose(file);
        if (count > 1000) {
            config_fixture_assert_errors("c.conf", "c.conf:1: cameras: 1001 cameras; list 0 to 1000\n");
            continue;
        }
        struct config *config = load_good("c.conf");
        assert_int_equal(config->camera_count, 1000);
        assert_string_equal(config->cameras[999].name, "camera 999");
        config_free(config);
    }
    config_free(NULL);
}

static char *warning_for(const char *main_text, mode_t main_mode, const char *part, mode_t part_mode)
{
    config_fixture_write("part.conf", part);
    config_fixture_write("main.conf", main_text);
    assert_int_equal(chmod("part.conf", part_mode), 0);
    assert_int_equal(chmod("main.conf", main_mode), 0);
    struct config *config = load_good("main.conf");
    struct config_list warnings = config_warnings(config);
    assert_in_range(warnings.count, 0, 1);
    char *warning = warnings.count == 0 ? NULL : strdup(warnings.items[0]);
    config_list_finish(&warnings);
    config_free(config);
    return warning;
}

/* Of the main file and of one that it includes, which one everybody can read and which one has the password. */
static void passwords_that_everybody_can_read_are_told(void **state)
{
    static const char plain[] = "cameras = ( { name = \"a\"; url = \"rtsp://h/\"; } );\n",
                      with_password[] = "cameras = ( { name = \"a\"; url = \"rtsp://h/\"; username = \"u\"; "
                                        "password = \"hunter2\"; } );\n",
                      with_url[] = "cameras = ( { name = \"a\"; url = \"rtsp://u:hunter2@h/\"; } );\n",
                      of_sub[] = "cameras = ( { name = \"a\"; url = \"rtsp://h/\"; sub = { url = "
                                 "\"rtsp://u:hunter2@h/2\"; }; } );\n",
                      empty[] = "cameras = ( { name = \"a\"; url = \"rtsp://u:@h/\"; } );\n",
                      include[] = "@include \"part.conf\"\n", nothing[] = "\n",
                      inside[] =
                          "cameras = ( { name = \"a\"; url = \"rtsp://h/\";\n@include \"part.conf\"\n} );\n",
                      password[] = "username = \"u\"; password = \"hunter2\";\n";
    static const struct {
        const char *main_text;
        mode_t main_mode;
        const char *part;
        mode_t part_mode;
        const char *file; /* the one that is named; NULL: none */
    } cases[] = {
        {plain, 0644, nothing, 0644, NULL},
        {with_password, 0600, nothing, 0644, NULL},
        {with_password, 0640, nothing, 0644, NULL},
        {with_password, 0644, nothing, 0600, "main.conf"},
        {with_password, 0604, nothing, 0600, "main.conf"},
        {with_url, 0644, nothing, 0600, "main.conf"},
        {of_sub, 0644, nothing, 0600, "main.conf"},
        {empty, 0644, nothing, 0644, NULL},
        {include, 0644, with_password, 0600, NULL},
        {include, 0600, with_password, 0644, "part.conf"},
        {inside, 0644, password, 0600, NULL},
        {inside, 0600, password, 0644, "part.conf"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *warning =
            warning_for(cases[i].main_text, cases[i].main_mode, cases[i].part, cases[i].part_mode);
        if ((warning != NULL) != (cases[i].file != NULL)) {
            fail_msg("case %zu: %s", i, warning != NULL ? warning : "no warning");
        }
        if (cases[i].file != NULL) {
            char *chmod_it;
            assert_true(asprintf(&chmod_it, "`chmod o-r %s`", cases[i].file) > 0);
            assert_non_null(strstr(warning, chmod_it));
            assert_null(strstr(warning, "hunter2"));
            free(chmod_it);
        }
        free(warning);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, config_fixture_enter, config_fixture_leave)
    const struct CMUnitTest tests[] = {
        TEST(passwords_that_everybody_can_read_are_told),
        TEST(what_is_not_said_has_its_default),
        TEST(what_is_said_is_taken),
        TEST(loopback_has_many_spellings),
        TEST(the_control_socket_fits),
        TEST(instances_differ_when_their_directories_do),
        TEST(the_default_socket_is_the_default_configurations),
        TEST(a_services_directories_are_the_default),
        TEST(passwords_are_made_known_to_the_log),
        TEST(included_files_are_read_in_place),
        TEST(errors_name_the_included_file),
        TEST(what_cannot_be_included_is_named),
        TEST(what_is_not_a_configuration_file_is_refused),
        TEST(a_large_configuration_of_small_files_is_refused),
        TEST(deep_brackets_are_refused),
        TEST(a_thousand_cameras_are_accepted_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
