/* SPDX-License-Identifier: MIT */
#include "tests/process/fanout/tls.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/ipc/message.h"

#define LIFE_S 3600

/* A memory file, as a stream to write it with. */
static FILE *open_file(const char *name, int *fd)
{
    *fd = memfd_create(name, MFD_CLOEXEC);
    FILE *file = *fd >= 0 ? fdopen(dup(*fd), "w") : NULL;

    assert_non_null(file);
    return file;
}

/* Signed by itself. */
static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();

    assert_non_null(certificate);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), LIFE_S);
    X509_set_pubkey(certificate, key);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"cameras.example", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

void fanout_tell_tls(struct fanout *fanout)
{
    int fds[2];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *file = open_file("chain", &fds[0]);

    assert_non_null(key);
    X509 *certificate = make_certificate(key);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    fclose(file);
    file = open_file("key", &fds[1]);
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    fanout_tell(fanout, message_new("tls"), fds, 2);
    close(fds[0]);
    close(fds[1]);
    X509_free(certificate);
    EVP_PKEY_free(key);
}
