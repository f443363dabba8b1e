/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/access/password_hash.h"

static void a_hash_is_yescrypt_with_a_salt_of_its_own(void **state)
{
    char *hash = password_hash_make("p: ü 🐎"), *other = password_hash_make("p: ü 🐎");

    (void)state;
    assert_non_null(hash);
    assert_non_null(other);
    assert_memory_equal(hash, "$y$", 3);
    assert_string_not_equal(hash, other);
    assert_true(password_hash_matches("p: ü 🐎", hash));
    assert_true(password_hash_matches("p: ü 🐎", other));
    assert_false(password_hash_matches("p: ü 🐎 ", hash));
    assert_false(password_hash_matches("", hash));
    free(hash);
    free(other);
}

static void the_whole_password_counts(void **state)
{
    char password[257], shorter[257];

    (void)state;
    memset(password, 'a', 256);
    password[256] = '\0';
    memcpy(shorter, password, sizeof(password));
    shorter[255] = '\0';
    char *hash = password_hash_make(password);
    assert_non_null(hash);
    assert_true(password_hash_matches(password, hash));
    assert_false(password_hash_matches(shorter, hash));
    free(hash);
}

static void what_is_no_hash_matches_nothing(void **state)
{
    static const char *const hashes[] = {"", "*", "*0", "$y$", "x", "$nothing$a$b"};

    (void)state;
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        assert_false(password_hash_matches("a", hashes[i]));
        assert_false(password_hash_matches(hashes[i], hashes[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_is_yescrypt_with_a_salt_of_its_own),
        cmocka_unit_test(the_whole_password_counts),
        cmocka_unit_test(what_is_no_hash_matches_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
