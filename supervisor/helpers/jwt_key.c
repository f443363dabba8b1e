/* SPDX-License-Identifier: MIT */
#include "supervisor/helpers/jwt_key.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/secret.h"
#include "common/base/text.h"
#include "supervisor/helpers/key_file.h"

/* Bytes of a secret: as many as SHA-256 gives, RFC 7518, section 3.2. */
#define SECRET_MIN 32

/* Bits of an RSA key: RFC 7518, section 3.3. */
#define RSA_BITS_MIN 2048

/* Bytes of the name of a curve. */
#define CURVE_SIZE 64

/* The key that messages are about. */
struct subject {
    const struct config *config;
    size_t index;
    char *why;
};

static int refuse(const struct subject *subject, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int refuse(const struct subject *subject, const char *format, ...)
{
    const struct config_jwt *jwt = &subject->config->auth.jwt[subject->index];
    va_list arguments;
    int length = snprintf(subject->why, JWT_KEY_WHY_SIZE,
                          "%s:%d: auth.jwt[%zu].key: %s: ", config_file_name(subject->config, jwt->file),
                          jwt->line, subject->index, jwt->key);

    va_start(arguments, format);
    if (length > 0 && length < JWT_KEY_WHY_SIZE) {
        vsnprintf(subject->why + length, JWT_KEY_WHY_SIZE - (size_t)length, format, arguments);
    }
    va_end(arguments);
    return -EINVAL;
}

/* A public key as a secret would be known to everybody. */
static int check_secret(const struct subject *subject, struct key_file *file)
{
    if (file->text[file->length - 1] == '\n') {
        file->text[--file->length] = '\0';
    }
    if (strlen(file->text) != file->length || !text_is_utf8(file->text)) {
        return refuse(subject, "not text; write a secret such as `openssl rand -base64 48` prints");
    }
    if (strstr(file->text, "-----BEGIN ")) {
        return refuse(subject,
                      "a key in PEM form, and HS256 has a secret; use RS256 or ES256, or name another file");
    }
    if (file->length < SECRET_MIN) {
        return refuse(
            subject,
            "%zu bytes, which can be guessed; use at least %d, such as `openssl rand -base64 48` prints",
            file->length, SECRET_MIN);
    }
    return 0;
}

static int check_rsa(const struct subject *subject, const EVP_PKEY *key)
{
    if (EVP_PKEY_base_id(key) != EVP_PKEY_RSA) {
        return refuse(subject, "not an RSA key, which RS256 needs; correct algorithm or key");
    }
    if (EVP_PKEY_bits(key) < RSA_BITS_MIN) {
        return refuse(subject, "an RSA key of %d bits; RS256 needs at least %d", EVP_PKEY_bits(key),
                      RSA_BITS_MIN);
    }
    return 0;
}

/* RFC 7518, section 3.4: ES256 is for P-256 alone. */
static int check_curve(const struct subject *subject, const EVP_PKEY *key)
{
    char curve[CURVE_SIZE] = "";

    if (EVP_PKEY_base_id(key) != EVP_PKEY_EC) {
        return refuse(subject, "not a key of an elliptic curve, which ES256 needs; correct algorithm or key");
    }
    if (EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) != 1 ||
        strcmp(curve, SN_X9_62_prime256v1) != 0) {
        return refuse(subject, "a key of the curve %s; ES256 needs P-256 (prime256v1)",
                      curve[0] == '\0' ? "?" : curve);
    }
    return 0;
}

static int check_public_key(const struct subject *subject, const struct key_file *file)
{
    if (strstr(file->text, "PRIVATE KEY-----")) {
        return refuse(
            subject,
            "a private key, which only the issuer should have; write the public one: openssl pkey -in FILE "
            "-pubout -out FILE2");
    }
    if (strstr(file->text, "-----BEGIN CERTIFICATE-----")) {
        return refuse(subject, "a certificate; write its key: openssl x509 -in FILE -noout -pubkey > FILE2");
    }
    BIO *bio = BIO_new_mem_buf(file->text, (int)file->length);
    EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    if (!key) {
        return refuse(subject,
                      "not a public key in PEM form; the file begins with \"-----BEGIN PUBLIC KEY-----\"");
    }
    bool rsa = subject->config->auth.jwt[subject->index].algorithm == CONFIG_JWT_RS256;
    int result = rsa ? check_rsa(subject, key) : check_curve(subject, key);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return result;
}

int jwt_key_read(const struct config *config, size_t index, char **text, char why[JWT_KEY_WHY_SIZE])
{
    const struct config_jwt *jwt = &config->auth.jwt[index];
    const struct subject subject = {config, index, why};
    char problem[KEY_FILE_PROBLEM_SIZE];
    bool secret = jwt->algorithm == CONFIG_JWT_HS256;
    struct key_file file;

    *text = NULL;
    if (key_file_read(jwt->key, secret ? S_IWGRP | S_IRWXO : S_IWGRP | S_IWOTH, &file, problem) < 0) {
        return refuse(&subject, "%s", problem);
    }
    int result = secret ? check_secret(&subject, &file) : check_public_key(&subject, &file);
    if (result < 0) {
        key_file_finish(&file);
        return result;
    }
    *text = file.text;
    return 0;
}

int jwt_keys_check(const struct config *config, char why[JWT_KEY_WHY_SIZE])
{
    int result = 0;

    for (size_t i = 0; result == 0 && i < config->auth.jwt_count; i++) {
        char *text;
        result = jwt_key_read(config, i, &text, why);
        secret_free(text);
    }
    return result;
}
