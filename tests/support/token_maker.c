/* SPDX-License-Identifier: MIT */
#include "tests/support/token_maker.h"

#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MAC_SIZE 32
#define COORDINATE_MAX 66 /* of P-521 */

static char made[TOKEN_MAKER_SIZE];

size_t token_maker_encode(char *out, const void *data, size_t bytes)
{
    size_t length = (size_t)EVP_EncodeBlock((unsigned char *)out, data, (int)bytes);

    while (length > 0 && out[length - 1] == '=') {
        length--;
    }
    out[length] = '\0';
    for (char *c = out; *c != '\0'; c++) {
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    }
    return length;
}

static size_t begin(const char *header, const char *payload)
{
    assert_true((strlen(header) + strlen(payload)) * 2 < sizeof(made));
    size_t length = token_maker_encode(made, header, strlen(header));

    made[length++] = '.';
    return length + token_maker_encode(made + length, payload, strlen(payload));
}

static const char *finish(size_t length, const void *signature, size_t size)
{
    made[length++] = '.';
    token_maker_encode(made + length, signature, size);
    return made;
}

const char *token_make_hmac(const char *header, const char *payload, const void *secret, size_t size)
{
    uint8_t mac[MAC_SIZE];
    size_t length = begin(header, payload);

    assert_non_null(HMAC(EVP_sha256(), secret, (int)size, (const unsigned char *)made, length, mac, NULL));
    return finish(length, mac, sizeof(mac));
}

/* An ECDSA signature's r and s, each as long as the curve's field. */
static size_t to_r_and_s(uint8_t *out, const uint8_t *der, size_t size, int bits)
{
    int each = (bits + 7) / 8;
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)size);

    assert_non_null(signature);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, each), each);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + each, each), each);
    ECDSA_SIG_free(signature);
    return 2 * (size_t)each;
}

const char *token_make_signed(const char *header, const char *payload, EVP_PKEY *key)
{
    uint8_t signature[1024], raw[2 * COORDINATE_MAX];
    size_t length = begin(header, payload);
    size_t size = sizeof(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &size, (const unsigned char *)made, length), 1);
    EVP_MD_CTX_free(context);
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) {
        return finish(length, signature, size);
    }
    size = to_r_and_s(raw, signature, size, EVP_PKEY_get_bits(key));
    return finish(length, raw, size);
}

const char *token_make_raw(const char *header, const char *payload, const char *signature)
{
    size_t length = begin(header, payload);

    snprintf(made + length, sizeof(made) - length, ".%s", signature);
    return made;
}

const char *token_make(const char *payload)
{
    return token_make_hmac("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", payload, TOKEN_MAKER_SECRET,
                           strlen(TOKEN_MAKER_SECRET));
}

char *token_maker_public_pem(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;

    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    long length = BIO_get_mem_data(bio, &text);
    char *copy = strndup(text, (size_t)length);
    BIO_free(bio);
    return copy;
}
