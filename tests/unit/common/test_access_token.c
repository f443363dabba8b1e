/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/access/access_token.h"

static void a_token_has_its_form_and_no_two_are_the_same(void **state)
{
    char text[ACCESS_TOKEN_SIZE], id[ACCESS_TOKEN_ID_SIZE], hash[ACCESS_TOKEN_HASH_SIZE];
    char other[ACCESS_TOKEN_SIZE], found[ACCESS_TOKEN_ID_SIZE], again[ACCESS_TOKEN_HASH_SIZE];

    (void)state;
    for (int i = 0; i < 200; i++) {
        assert_int_equal(access_token_make(text, id, hash), 0);
        assert_int_equal(strlen(text), ACCESS_TOKEN_SIZE - 1);
        assert_true(access_token_parse(text, found));
        assert_string_equal(found, id);
        assert_int_equal(access_token_hash(text, again), 0);
        assert_string_equal(again, hash);
        assert_int_equal(access_token_make(other, found, again), 0);
        assert_string_not_equal(other, text);
        assert_string_not_equal(again, hash);
    }
}

static void the_hash_is_sha_256(void **state)
{
    char hash[ACCESS_TOKEN_HASH_SIZE];

    (void)state;
    assert_int_equal(access_token_hash("abc", hash), 0);
    assert_string_equal(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void other_texts_are_no_tokens(void **state)
{
#define SECRET "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    static const char *const texts[] = {"",
                                        "rct_",
                                        "rct_0123abcd_" SECRET,
                                        "rct_0123abcd_" SECRET "AA",
                                        "rct_0123abcd_" SECRET "=",
                                        "rct_0123abcd_" SECRET "+",
                                        "rct_0123abcD_" SECRET "A",
                                        "rct_0123abcd-" SECRET "A",
                                        "RCT_0123abcd_" SECRET "A"};
    char id[ACCESS_TOKEN_ID_SIZE];

    (void)state;
    assert_true(access_token_parse("rct_0123abcd_" SECRET "A", id));
    assert_string_equal(id, "0123abcd");
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_false(access_token_parse(texts[i], id));
    }
    assert_false(access_token_is_id("0123abc"));
    assert_false(access_token_is_id("../abcde"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_has_its_form_and_no_two_are_the_same),
        cmocka_unit_test(the_hash_is_sha_256),
        cmocka_unit_test(other_texts_are_no_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
