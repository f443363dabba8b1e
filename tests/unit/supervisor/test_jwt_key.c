/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/secret.h"
#include "supervisor/helpers/jwt_key.h"

#define SECRET "CANARY-0123456789-0123456789-012"

static char directory[] = "/tmp/ringcast-jwt-XXXXXX";
static char path[64];

static int enter(void **state)
{
    (void)state;
    if (!mkdtemp(directory)) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/key", directory);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

static void put(const char *text, size_t length, mode_t mode)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

enum part { PUBLIC, PRIVATE };

/* KEY is freed. */
static void put_key(EVP_PKEY *key, enum part part)
{
    FILE *file = fopen(path, "w");

    assert_non_null(key);
    assert_non_null(file);
    assert_int_equal(part == PUBLIC ? PEM_write_PUBKEY(file, key)
                                    : PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL),
                     1);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0644), 0);
    EVP_PKEY_free(key);
}

/* Reads the key of the second of two issuers. */
static int read_key(enum config_jwt_algorithm algorithm, char **text, char why[JWT_KEY_WHY_SIZE])
{
    struct config_jwt issuers[2] = {{.line = 4}, {.line = 7, .algorithm = algorithm, .key = path}};
    const struct config config = {.path = (char *)"c.conf", .auth = {.jwt = issuers, .jwt_count = 2}};

    return jwt_key_read(&config, 1, text, why);
}

static void assert_good(enum config_jwt_algorithm algorithm, const char *expected)
{
    char why[JWT_KEY_WHY_SIZE] = "", *text = NULL;

    if (read_key(algorithm, &text, why) < 0) {
        fail_msg("%s", why);
    }
    assert_true(expected ? strcmp(text, expected) == 0
                         : strncmp(text, "-----BEGIN PUBLIC KEY-----", 26) == 0);
    secret_free(text);
}

static void assert_bad(enum config_jwt_algorithm algorithm, const char *problem)
{
    char why[JWT_KEY_WHY_SIZE] = "", expected[JWT_KEY_WHY_SIZE], *text = NULL;

    assert_int_equal(read_key(algorithm, &text, why), -EINVAL);
    assert_null(text);
    snprintf(expected, sizeof(expected), "c.conf:7: auth.jwt[1].key: %s: %s", path, problem);
    assert_string_equal(why, expected);
    assert_null(strstr(why, "CANARY"));
}

static void a_secret_is_text_of_32_bytes(void **state)
{
    (void)state;
    put(SECRET, 32, 0600);
    assert_good(CONFIG_JWT_HS256, SECRET);
    put(SECRET "\n", 33, 0640);
    assert_good(CONFIG_JWT_HS256, SECRET);
    put(SECRET "\n\n", 34, 0600);
    assert_good(CONFIG_JWT_HS256, SECRET "\n");
    put(SECRET, 31, 0600);
    assert_bad(CONFIG_JWT_HS256,
               "31 bytes, which can be guessed; use at least 32, such as `openssl rand -base64 48` prints");
    put(SECRET "\0" SECRET, 65, 0600);
    assert_bad(CONFIG_JWT_HS256, "not text; write a secret such as `openssl rand -base64 48` prints");
    put(SECRET "\xff", 33, 0600);
    assert_bad(CONFIG_JWT_HS256, "not text; write a secret such as `openssl rand -base64 48` prints");
}

static void files_that_others_may_use_are_refused(void **state)
{
    (void)state;
    put(SECRET, 32, 0644);
    assert_bad(CONFIG_JWT_HS256,
               "other users may read or change it (mode 644); chmod 600, or 640 for a group of its own");
    put_key(EVP_EC_gen("P-256"), PUBLIC);
    assert_good(CONFIG_JWT_ES256, NULL);
    assert_int_equal(chmod(path, 0664), 0);
    assert_bad(CONFIG_JWT_ES256,
               "other users may read or change it (mode 664); chmod 600, or 640 for a group of its own");
    unlink(path);
    assert_bad(CONFIG_JWT_ES256,
               "No such file or directory; correct the path, or let ringcastd's user read it");
    put("", 0, 0600);
    assert_bad(CONFIG_JWT_HS256, "0 bytes, which no such file has; name another");
}

static void no_key_is_taken_for_one_of_another_kind(void **state)
{
    (void)state;
    put_key(EVP_EC_gen("P-256"), PUBLIC);
    assert_int_equal(chmod(path, 0600), 0);
    assert_bad(CONFIG_JWT_HS256,
               "a key in PEM form, and HS256 has a secret; use RS256 or ES256, or name another file");
    assert_bad(CONFIG_JWT_RS256, "not an RSA key, which RS256 needs; correct algorithm or key");
    put_key(EVP_EC_gen("P-384"), PUBLIC);
    assert_bad(CONFIG_JWT_ES256, "a key of the curve secp384r1; ES256 needs P-256 (prime256v1)");
    put_key(EVP_RSA_gen(2048), PUBLIC);
    assert_good(CONFIG_JWT_RS256, NULL);
    assert_bad(CONFIG_JWT_ES256,
               "not a key of an elliptic curve, which ES256 needs; correct algorithm or key");
    put_key(EVP_RSA_gen(1024), PUBLIC);
    assert_bad(CONFIG_JWT_RS256, "an RSA key of 1024 bits; RS256 needs at least 2048");
    put_key(EVP_EC_gen("P-256"), PRIVATE);
    assert_bad(CONFIG_JWT_ES256,
               "a private key, which only the issuer should have; write the public one: openssl pkey "
               "-in FILE -pubout -out FILE2");
    put("-----BEGIN CERTIFICATE-----\n", 28, 0644);
    assert_bad(CONFIG_JWT_RS256,
               "a certificate; write its key: openssl x509 -in FILE -noout -pubkey > FILE2");
    put(SECRET, 32, 0644);
    assert_bad(CONFIG_JWT_RS256,
               "not a public key in PEM form; the file begins with \"-----BEGIN PUBLIC KEY-----\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_text_of_32_bytes),
        cmocka_unit_test(files_that_others_may_use_are_refused),
        cmocka_unit_test(no_key_is_taken_for_one_of_another_kind),
    };

    return cmocka_run_group_tests(tests, enter, leave);
}
