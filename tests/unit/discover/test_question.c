/* SPDX-License-Identifier: MIT */
/* What is sent: well-formed with any name in it, and never with the password. The digest is computed with Python's hashlib. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "discover/question.h"
#include "discover/xml.h"

static const struct question_token token = {
    .username = "a<d>m&in",
    .password = "userpassword",
    .time = 1284622632, /* 2010-09-16T07:37:12Z */
    .nonce = {0x2c, 0xa6, 0x5a, 0x1c, 0x9d, 0xf6, 0x17, 0x5f, 0x2b, 0x64, 0x42, 0x3a, 0x1c, 0x6d, 0x5e, 0x7f},
};

static void a_token_shows_a_digest_and_no_password(void **state)
{
    char out[QUESTION_SIZE], text[256];

    (void)state;
    int length = question_write(QUESTION_IDENTITY, &token, NULL, out);
    assert_true(length > 0);
    assert_null(strstr(out, token.password));
    xmlDoc *document = xml_read(out, (size_t)length);
    assert_non_null(document);
    const xmlNode *root = xmlDocGetRootElement(document);
    const xmlNode *shown = xml_down(root, "Header/Security/UsernameToken");
    xml_text(xml_child(shown, NULL, "Username"), text, sizeof(text));
    assert_string_equal(text, "a<d>m&in");
    xml_text(xml_child(shown, NULL, "Created"), text, sizeof(text));
    assert_string_equal(text, "2010-09-16T07:37:12Z");
    xml_text(xml_child(shown, NULL, "Nonce"), text, sizeof(text));
    assert_string_equal(text, "LKZaHJ32F18rZEI6HG1efw==");
    xml_text(xml_child(shown, NULL, "Password"), text, sizeof(text));
    assert_string_equal(text, "XKR2xWSYNrViziythGDFyZ/1qn0=");
    assert_non_null(xml_down(root, "Body/GetDeviceInformation"));
    xmlFreeDoc(document);
}

static void every_question_is_well_formed(void **state)
{
    char out[QUESTION_SIZE];

    (void)state;
    for (enum question_kind kind = QUESTION_TIME; kind <= QUESTION_SYNC2; kind++) {
        bool of_profile = kind >= QUESTION_URI;
        bool is_sync = kind >= QUESTION_SYNC;
        int length = question_write(kind, NULL, of_profile ? "a]]>\"&<b" : NULL, out);
        assert_true(length > 0);
        xmlDoc *document = xml_read(out, (size_t)length);
        assert_non_null(document);
        assert_null(xml_down(xmlDocGetRootElement(document), "Header"));
        char text[64] = "";
        xml_text(xml_down(xmlDocGetRootElement(document), is_sync
                                                              ? "Body/SetSynchronizationPoint/ProfileToken"
                                                              : "Body/GetStreamUri/ProfileToken"),
                 text, sizeof(text));
        assert_string_equal(text, of_profile ? "a]]>\"&<b" : "");
        xmlFreeDoc(document);
    }
    assert_true(question_probe("00000000-0000-4000-8000-000000000000", out) > 0);
    xmlDoc *document = xml_read(out, strlen(out));
    assert_non_null(document);
    assert_non_null(xml_down(xmlDocGetRootElement(document), "Body/Probe/Types"));
    xmlFreeDoc(document);
}

static void a_name_that_does_not_fit_is_refused(void **state)
{
    static char name[QUESTION_SIZE];
    char out[QUESTION_SIZE];

    (void)state;
    memset(name, '<', sizeof(name) - 1);
    assert_int_equal(question_write(QUESTION_URI, NULL, name, out), -EMSGSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_shows_a_digest_and_no_password),
        cmocka_unit_test(every_question_is_well_formed),
        cmocka_unit_test(a_name_that_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests_name("question", tests, NULL, NULL);
}
