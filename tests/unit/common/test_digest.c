/* SPDX-License-Identifier: MIT */
/* Digest: secrets and answers; the values are computed with Python's hashlib. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/access/digest.h"

static const char md5_secret[] = "d1065a93798c442aef07dbdc3ba6bbcb";
static const char sha_secret[] = "c6f2e3c6b97ef48ba12b24a043ad04706eeef70b84a6cd1178a44196a5a09bec";

static void secrets_are_of_name_realm_and_password(void **state)
{
    char secret[DIGEST_HEX_SIZE];

    (void)state;
    assert_true(digest_secret(DIGEST_MD5, "Mufasa", "Circle of Life", secret));
    assert_string_equal(secret, md5_secret);
    assert_true(digest_is_secret(DIGEST_MD5, secret));
    assert_false(digest_is_secret(DIGEST_SHA256, secret));
    assert_true(digest_secret(DIGEST_SHA256, "Mufasa", "Circle of Life", secret));
    assert_string_equal(secret, sha_secret);
    assert_false(digest_is_secret(DIGEST_MD5, "0123456789abcdef0123456789abcdeF"));
}

static void an_answer_fits_its_request_alone(void **state)
{
    struct digest_answer answer = {.algorithm = DIGEST_MD5,
                                   .nonce = "0123",
                                   .uri = "rtsp://h/front",
                                   .method = "DESCRIBE",
                                   .qop = "",
                                   .nc = "",
                                   .cnonce = "",
                                   .response = "f10402d91e02a814e77cc50b9a484423"};

    (void)state;
    assert_true(digest_matches(&answer, md5_secret));
    answer.method = "SETUP";
    assert_false(digest_matches(&answer, md5_secret));
    answer.method = "DESCRIBE";
    answer.nonce = "0124";
    assert_false(digest_matches(&answer, md5_secret));
    answer.nonce = "0123";
    answer.response = "";
    assert_false(digest_matches(&answer, md5_secret));
    answer = (struct digest_answer){.algorithm = DIGEST_SHA256,
                                    .nonce = "0123",
                                    .uri = "rtsp://h/front",
                                    .method = "DESCRIBE",
                                    .qop = "auth",
                                    .nc = "00000001",
                                    .cnonce = "xyz",
                                    .response =
                                        "ebb8ef07371395bdfff2bdfffcee955c7324a373808eb8ceb4304007a95ab067"};
    assert_true(digest_matches(&answer, sha_secret));
    answer.nc = "00000002";
    assert_false(digest_matches(&answer, sha_secret));
}

static void algorithms_have_their_names(void **state)
{
    enum digest_algorithm algorithm;

    (void)state;
    assert_true(digest_algorithm_find("", &algorithm) && algorithm == DIGEST_MD5);
    assert_true(digest_algorithm_find("sha-256", &algorithm) && algorithm == DIGEST_SHA256);
    assert_false(digest_algorithm_find("MD5-sess", &algorithm));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_of_name_realm_and_password),
        cmocka_unit_test(an_answer_fits_its_request_alone),
        cmocka_unit_test(algorithms_have_their_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
