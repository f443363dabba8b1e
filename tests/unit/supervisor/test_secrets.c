/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "common/log/log.h"
#include "supervisor/secrets.h"

static void hide(char *url, char *password)
{
    struct config_camera camera = {.task = {.url = url, .password = password}};
    const struct config config = {.cameras = &camera, .camera_count = 1};

    log_open("test", NULL);
    secrets_hide(&config);
}

static void require_hidden(const char *text, const char *secret)
{
    char line[256];

    strcpy(line, text);
    log_redact(line, sizeof(line));
    if (strstr(line, secret)) {
        fail_msg("%s is still in %s", secret, line);
    }
}

static void passwords_are_hidden(void **state)
{
    char url[] = "rtsp://127.0.0.1/stream", password[] = "s3cret";

    (void)state;
    hide(url, password);
    require_hidden("the camera said: wrong password s3cret", "s3cret");
    log_close();
}

static void credentials_of_urls_are_hidden_as_written_and_decoded(void **state)
{
    char url[] = "rtsp://adm%69n:p%40ss%2Fword@127.0.0.1/stream";

    (void)state;
    hide(url, NULL);
    require_hidden("tried p%40ss%2Fword", "p%40ss");
    require_hidden("tried p@ss/word", "ss/word");
    require_hidden("tried admin:p@ss/word", "ss/word");
    log_close();
}

static void a_password_with_at_signs_is_hidden(void **state)
{
    char url[] = "rtsp://admin:one@two@127.0.0.1/stream";

    (void)state;
    hide(url, NULL);
    require_hidden("tried one@two", "two");
    log_close();
}

static void urls_without_credentials_hide_nothing(void **state)
{
    char url[] = "rtsp://127.0.0.1/path@here", line[] = "path@here 127.0.0.1";

    (void)state;
    hide(url, NULL);
    log_redact(line, sizeof(line));
    assert_string_equal(line, "path@here 127.0.0.1");
    log_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passwords_are_hidden),
        cmocka_unit_test(credentials_of_urls_are_hidden_as_written_and_decoded),
        cmocka_unit_test(a_password_with_at_signs_is_hidden),
        cmocka_unit_test(urls_without_credentials_hide_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
