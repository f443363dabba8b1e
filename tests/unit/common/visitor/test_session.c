/* SPDX-License-Identifier: MIT */
/* Base64, signed sessions, and passwords that were found right before. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/base/base64.h"
#include "common/visitor/session.h"
#include "common/visitor/verified.h"

#define NOW INT64_C(1700000000)
#define DOCUMENT                                                                                             \
    "{\"on\":true,\"session_key\":\"%s\",\"session_seconds\":%d,"                                            \
    "\"users\":[{\"name\":\"anna\",\"role\":\"viewer\",\"cameras\":[\"front\"],\"since\":%lld}],"            \
    "\"revoked\":[{\"id\":\"%s\",\"until\":1800000000}]}"
#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define OTHER_KEY "010102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define NO_ID "00000000000000000000000000000000"

static struct table *make_table(const char *key, int seconds, int64_t since, const char *revoked)
{
    char text[1024], why[128];
    struct table *table;

    snprintf(text, sizeof(text), DOCUMENT, key, seconds, (long long)since, revoked);
    json_t *document = json_loads(text, 0, NULL);
    assert_int_equal(table_read(document, &table, why, sizeof(why)), 0);
    json_decref(document);
    return table;
}

/* ---- Base64 ---- */

/* RFC 4648, section 10. */
static void base64_is_as_in_the_standard(void **state)
{
    (void)state;
    static const char *const padded[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    static const char *const bare[] = {"", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"};
    static const char plain[] = "foobar";
    uint8_t out[8];
    char text[16];

    for (int i = 0; i < 7; i++) {
        assert_int_equal(base64_decode(out, sizeof(out), padded[i], strlen(padded[i])), i);
        assert_memory_equal(out, plain, (size_t)i);
        assert_int_equal(base64_url_decode(out, sizeof(out), bare[i], strlen(bare[i])), i);
        assert_memory_equal(out, plain, (size_t)i);
        base64_url_encode(text, (const uint8_t *)plain, (size_t)i);
        assert_string_equal(text, bare[i]);
        assert_int_equal(strlen(text), BASE64_URL_LENGTH((size_t)i));
    }
    const uint8_t last[] = {0xfb, 0xff, 0xbf};
    base64_url_encode(text, last, sizeof(last));
    assert_string_equal(text, "-_-_");
    assert_int_equal(base64_url_decode(out, sizeof(out), "-_-_", 4), 3);
    assert_memory_equal(out, last, sizeof(last));
    assert_int_equal(base64_decode(out, sizeof(out), "+/+/", 4), 3);
    assert_memory_equal(out, last, sizeof(last));
}

static void other_base64_is_refused(void **state)
{
    (void)state;
    static const char *const padded[] = {"Z",      "Zg",    "Zg=",   "Zh==",     "Zm9=", "=",
                                         "==",     "===",   "====",  "Zg==Zg==", "Zg=a", "-_-_",
                                         "Zm9v\n", "Zm 9v", "Zm9v=", "A==="};
    static const char *const bare[] = {"Z", "Zg==", "Zh", "Zm9", "+/+/", "Zm9v ", "Zm9vY"};
    uint8_t out[8];

    for (size_t i = 0; i < sizeof(padded) / sizeof(padded[0]); i++) {
        if (base64_decode(out, sizeof(out), padded[i], strlen(padded[i])) != -EBADMSG) {
            fail_msg("\"%s\"", padded[i]);
        }
    }
    for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++) {
        if (base64_url_decode(out, sizeof(out), bare[i], strlen(bare[i])) != -EBADMSG) {
            fail_msg("\"%s\"", bare[i]);
        }
    }
    assert_int_equal(base64_url_decode(out, 5, "Zm9vYmFy", 8), -EBADMSG);
    assert_int_equal(base64_url_decode(out, 6, "Zm9vYmFy", 8), 6);
}

/* ---- Sessions ---- */

static void a_session_comes_back_as_it_was_signed(void **state)
{
    (void)state;
    struct table *table = make_table(KEY, 3600, 0, NO_ID);
    struct session session, again;
    char cookie[SESSION_COOKIE_SIZE], second[SESSION_COOKIE_SIZE];
    char name[TABLE_NAME_MAX + 2];

    assert_int_equal(session_begin(&session, table, "anna", NOW), 0);
    assert_int_equal(session_sign(&session, table, cookie), 0);
    assert_int_equal(strspn(cookie, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."),
                     strlen(cookie));
    assert_int_equal(session_verify(&again, table, cookie), 0);
    assert_string_equal(again.user, "anna");
    assert_memory_equal(again.id, session.id, sizeof(session.id));
    assert_int_equal(again.issued, NOW);
    assert_int_equal(again.expires, NOW + 3600);
    assert_null(session_void(&again, table, NOW));

    /* Two sessions differ, also of one user at one time. */
    assert_int_equal(session_begin(&again, table, "anna", NOW), 0);
    assert_memory_not_equal(again.id, session.id, sizeof(session.id));
    assert_int_equal(session_sign(&again, table, second), 0);
    assert_string_not_equal(cookie, second);

    memset(name, 'a', sizeof(name));
    name[TABLE_NAME_MAX + 1] = '\0';
    assert_int_equal(session_begin(&session, table, name, NOW), -EINVAL);
    assert_int_equal(session_begin(&session, table, "", NOW), -EINVAL);
    name[TABLE_NAME_MAX] = '\0';
    assert_int_equal(session_begin(&session, table, name, NOW), 0);
    assert_int_equal(session_sign(&session, table, cookie), 0);
    assert_int_equal(session_verify(&again, table, cookie), 0);
    assert_string_equal(again.user, name);
    table_free(table);
}

static void changed_sessions_are_not_believed(void **state)
{
    (void)state;
    struct table *table = make_table(KEY, 3600, 0, NO_ID);
    struct table *other = make_table(OTHER_KEY, 3600, 0, NO_ID);
    struct session session, again;
    static const struct session nothing;
    static const char *const never[] = {"", ".", "a.b", "abc", "AA.AA", "..", "A.A.A"};
    char cookie[SESSION_COOKIE_SIZE];

    assert_int_equal(session_begin(&session, table, "anna", NOW), 0);
    assert_int_equal(session_sign(&session, table, cookie), 0);
    assert_int_equal(session_verify(&again, other, cookie), -EBADMSG);
    assert_memory_equal(&again, &nothing, sizeof(nothing));
    for (size_t at = 0; cookie[at] != '\0'; at++) {
        char before = cookie[at];
        cookie[at] = before == 'A' ? 'B' : 'A';
        assert_int_equal(session_verify(&again, table, cookie), -EBADMSG);
        assert_memory_equal(&again, &nothing, sizeof(nothing));
        cookie[at] = '\0';
        assert_int_equal(session_verify(&again, table, cookie), -EBADMSG);
        cookie[at] = before;
    }
    assert_int_equal(session_verify(&again, table, cookie), 0);
    strcat(cookie, "A");
    assert_int_equal(session_verify(&again, table, cookie), -EBADMSG);
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        assert_int_equal(session_verify(&again, table, never[i]), -EBADMSG);
    }
    table_free(table);
    table_free(other);
}

static void sessions_end(void **state)
{
    (void)state;
    struct table *table = make_table(KEY, 3600, 0, NO_ID);
    struct session session;
    char id[2 * TABLE_SESSION_ID_SIZE + 1];

    assert_int_equal(session_begin(&session, table, "anna", NOW), 0);
    assert_null(session_void(&session, table, NOW + 3599));
    assert_non_null(session_void(&session, table, NOW + 3600));
    assert_int_equal(session_end(&session, table), NOW + 3600);
    strcpy(session.user, "bert");
    assert_non_null(session_void(&session, table, NOW));
    strcpy(session.user, "anna");
    table_free(table);

    /* Settings of a longer session do not prolong it, those of a shorter one shorten it. */
    table = make_table(KEY, 7200, 0, NO_ID);
    assert_int_equal(session_end(&session, table), NOW + 3600);
    table_free(table);
    table = make_table(KEY, 60, 0, NO_ID);
    assert_int_equal(session_end(&session, table), NOW + 60);
    assert_non_null(session_void(&session, table, NOW + 60));
    table_free(table);

    /* Of that very second is a log-in with the new password. */
    table = make_table(KEY, 3600, NOW, NO_ID);
    assert_null(session_void(&session, table, NOW));
    table_free(table);
    table = make_table(KEY, 3600, NOW + 1, NO_ID);
    assert_non_null(session_void(&session, table, NOW + 1));
    table_free(table);

    /* From a time when the clock was wrong: `since` could not end it. */
    table = make_table(KEY, 3600, 0, NO_ID);
    assert_null(session_void(&session, table, NOW - 86400));
    assert_non_null(session_void(&session, table, NOW - 86401));
    table_free(table);

    for (size_t i = 0; i < TABLE_SESSION_ID_SIZE; i++) {
        snprintf(id + 2 * i, 3, "%02x", session.id[i]);
    }
    table = make_table(KEY, 3600, 0, id);
    assert_non_null(session_void(&session, table, NOW));
    table_free(table);
}

/* ---- Verified ---- */

static void a_password_counts_for_ten_minutes(void **state)
{
    (void)state;
    static struct verified verified;

    assert_int_equal(verified_init(&verified), 0);
    assert_int_equal(verified_find(&verified, "192.0.2.1", "anna", "secret", NOW), 0);
    verified_add(&verified, "192.0.2.1", "anna", "secret", NOW);
    assert_int_equal(verified_find(&verified, "192.0.2.1", "anna", "secret", NOW), NOW);
    assert_int_equal(verified_find(&verified, "192.0.2.1", "anna", "secret", NOW + VERIFIED_SECONDS - 1),
                     NOW);
    assert_int_equal(verified_find(&verified, "192.0.2.1", "anna", "secret", NOW + VERIFIED_SECONDS), 0);
    assert_int_equal(verified_find(&verified, "192.0.2.1", "anna", "secret", NOW - 1),
                     0); /* the clock was put back */
    assert_int_equal(verified_find(&verified, "192.0.2.1", "anna", "secreT", NOW), 0);
    assert_int_equal(verified_find(&verified, "192.0.2.1", "Anna", "secret", NOW), 0);
    assert_int_equal(verified_find(&verified, "192.0.2.1", "annas", "ecret", NOW), 0);
    assert_int_equal(verified_find(&verified, "192.0.2.1", "ann", "asecret", NOW), 0);
    verified_add(&verified, "192.0.2.1", "anna", "secret", NOW + 60);
    assert_int_equal(verified_find(&verified, "192.0.2.1", "anna", "secret", NOW + VERIFIED_SECONDS),
                     NOW + 60);
    assert_int_equal(verified_forget(&verified), 0);
    assert_int_equal(verified_find(&verified, "192.0.2.1", "anna", "secret", NOW + 60), 0);
}

/* Otherwise guesses from everywhere could be tried against what is remembered. */
static void a_password_counts_for_its_address(void **state)
{
    (void)state;
    static struct verified verified;

    assert_int_equal(verified_init(&verified), 0);
    verified_add(&verified, "192.0.2.1", "anna", "secret", NOW);
    assert_int_equal(verified_find(&verified, "192.0.2.2", "anna", "secret", NOW), 0);
    assert_int_equal(verified_find(&verified, "", "anna", "secret", NOW), 0);
    verified_add(&verified, "2001:db8:1:2::3", "anna", "secret", NOW);
    assert_int_equal(verified_find(&verified, "2001:db8:1:2:ffff::4", "anna", "secret", NOW), NOW);
    assert_int_equal(verified_find(&verified, "2001:db8:1:3::3", "anna", "secret", NOW), 0);
    verified_add(&verified, "::ffff:192.0.2.3", "anna", "secret", NOW);
    assert_int_equal(verified_find(&verified, "::ffff:192.0.2.4", "anna", "secret", NOW), 0);
}

static void no_more_than_its_room_is_remembered(void **state)
{
    (void)state;
    static struct verified verified;
    char user[16];
    unsigned found = 0;

    assert_int_equal(verified_init(&verified), 0);
    for (int i = 0; i < 4000; i++) {
        snprintf(user, sizeof(user), "user%d", i);
        verified_add(&verified, "192.0.2.1", user, "secret", NOW + i / 100);
        assert_int_equal(verified_find(&verified, "192.0.2.1", user, "secret", NOW + i / 100), NOW + i / 100);
    }
    for (int i = 0; i < 4000; i++) {
        snprintf(user, sizeof(user), "user%d", i);
        found += verified_find(&verified, "192.0.2.1", user, "secret", NOW + 40) != 0;
    }
    assert_int_equal(found, VERIFIED_SETS * VERIFIED_WAYS);
}

static void what_cannot_be_a_password_is_not_remembered(void **state)
{
    (void)state;
    static struct verified verified;
    char text[300];

    memset(text, 'a', sizeof(text));
    text[257] = '\0';
    assert_int_equal(verified_init(&verified), 0);
    verified_add(&verified, "192.0.2.1", "anna", text, NOW);
    assert_int_equal(verified_find(&verified, "192.0.2.1", "anna", text, NOW), 0);
    text[65] = '\0';
    verified_add(&verified, "192.0.2.1", text, "a", NOW);
    assert_int_equal(verified_find(&verified, "192.0.2.1", text, "a", NOW), 0);
    text[64] = '\0';
    verified_add(&verified, "192.0.2.1", text, "a", NOW);
    assert_int_equal(verified_find(&verified, "192.0.2.1", text, "a", NOW), NOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_is_as_in_the_standard),
        cmocka_unit_test(other_base64_is_refused),
        cmocka_unit_test(a_session_comes_back_as_it_was_signed),
        cmocka_unit_test(changed_sessions_are_not_believed),
        cmocka_unit_test(sessions_end),
        cmocka_unit_test(a_password_counts_for_ten_minutes),
        cmocka_unit_test(a_password_counts_for_its_address),
        cmocka_unit_test(no_more_than_its_room_is_remembered),
        cmocka_unit_test(what_cannot_be_a_password_is_not_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
