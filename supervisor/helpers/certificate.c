/* SPDX-License-Identifier: MIT */
#include "supervisor/helpers/certificate.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/secret.h"
#include "common/ipc/memory_file.h"
#include "common/log/log.h"
#include "supervisor/helpers/key_file.h"

/* A certificate that expires within so many days is logged at every start and reload. */
#define ENDS_SOON_DAYS 14

/* Bytes of a certificate's name in a message, and of a date. */
#define NAME_SIZE 128
#define DATE_SIZE 32

/* Of these OpenSSL takes what it needs. */
#define TICKET_SECRET_BYTES 128

/* Bytes of a problem, without the file and the field that have it. */
#define PROBLEM_SIZE 384

/* Where messages are about: a member of `tls`, and the file that it names. */
struct subject {
    const struct config *config;
    const char *field;
    const char *path;
    char *why;
};

static int refuse(const struct subject *subject, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int refuse(const struct subject *subject, const char *format, ...)
{
    char problem[PROBLEM_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(problem, sizeof(problem), format, arguments);
    va_end(arguments);
    snprintf(subject->why, CERTIFICATE_WHY_SIZE, "%s:%d: tls.%s: %s: %s",
             config_file_name(subject->config, subject->config->tls.file), subject->config->tls.line,
             subject->field, subject->path, problem);
    return -EINVAL;
}

static int read_file(const struct subject *subject, mode_t forbidden, struct key_file *file)
{
    char problem[KEY_FILE_PROBLEM_SIZE];

    return key_file_read(subject->path, forbidden, file, problem) < 0 ? refuse(subject, "%s", problem) : 0;
}

/* --- Certificates --------------------------------------------------------------------------------------- */

/* A key with a passphrase would make every start wait for a person. */
static int no_passphrase(char *buffer, int size, int writing, void *asked)
{
    (void)buffer;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

/* The certificates in PEM, the first being the server's own; NULL or empty: there are none. */
static STACK_OF(X509) * parse_chain(const struct key_file *pem)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    BIO *bio = BIO_new_mem_buf(pem->text, (int)pem->length);
    bool asked = false;

    while (chain && bio) {
        X509 *certificate = PEM_read_bio_X509(bio, NULL, no_passphrase, &asked);
        if (!certificate || sk_X509_push(chain, certificate) <= 0) {
            X509_free(certificate);
            break;
        }
    }
    BIO_free(bio);
    ERR_clear_error();
    return chain;
}

static int parse_key(const struct subject *subject, const struct key_file *pem, EVP_PKEY **key)
{
    BIO *bio = BIO_new_mem_buf(pem->text, (int)pem->length);
    bool asked = false;

    *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    if (*key) {
        return 0;
    }
    return asked ? refuse(subject,
                          "protected by a passphrase; write it without one: openssl pkey -in FILE -out FILE2")
                 : refuse(
                       subject,
                       "not a private key in PEM form; the file begins with \"-----BEGIN PRIVATE KEY-----\"");
}

static void format_name(const X509_NAME *name, char text[NAME_SIZE])
{
    BIO *bio = BIO_new(BIO_s_mem());
    int length = 0;

    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
        length = BIO_read(bio, text, NAME_SIZE - 1);
    }
    text[length > 0 ? length : 0] = '\0';
    BIO_free(bio);
}

static void format_date(const ASN1_TIME *time, char text[DATE_SIZE])
{
    struct tm tm;

    if (ASN1_TIME_to_tm(time, &tm) != 1 || strftime(text, DATE_SIZE, "%Y-%m-%d %H:%M UTC", &tm) == 0) {
        snprintf(text, DATE_SIZE, "an unknown time");
    }
}

static void warn_about_time(const struct subject *subject, const X509 *certificate)
{
    char date[DATE_SIZE];
    time_t soon = time(NULL) + (time_t)ENDS_SOON_DAYS * 86400;

    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
        format_date(X509_get0_notAfter(certificate), date);
        log_warning("tls.%s: %s: has expired on %s, and browsers refuse it; renew it", subject->field,
                    subject->path, date);
    } else if (X509_cmp_time(X509_get0_notAfter(certificate), &soon) < 0) {
        format_date(X509_get0_notAfter(certificate), date);
        log_warning("tls.%s: %s: expires on %s; renew it", subject->field, subject->path, date);
    }
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
        format_date(X509_get0_notBefore(certificate), date);
        log_warning("tls.%s: %s: is not valid before %s; check the clock of this machine", subject->field,
                    subject->path, date);
    }
}

/* True if an authority that this machine trusts has issued CERTIFICATE. */
static bool issued_by_root(X509 *certificate, STACK_OF(X509) * chain)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    bool trusted = false;

    if (store && context && X509_STORE_set_default_paths(store) == 1 &&
        X509_STORE_CTX_init(context, store, certificate, chain) == 1) {
        X509_STORE_CTX_set_flags(context, X509_V_FLAG_NO_CHECK_TIME);
        trusted = X509_verify_cert(context) == 1;
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    ERR_clear_error();
    return trusted;
}

/* Each certificate is to be followed by its issuer, up to one that browsers know: RFC 8446, section 4.4.2. */
static void warn_about_chain(const struct subject *subject, STACK_OF(X509) * chain)
{
    char name[NAME_SIZE];
    int count = sk_X509_num(chain), last = 0;

    while (last + 1 < count &&
           X509_check_issued(sk_X509_value(chain, last + 1), sk_X509_value(chain, last)) == X509_V_OK) {
        last++;
    }
    X509 *end = sk_X509_value(chain, last);
    if (X509_self_signed(end, 1) != 1 && !issued_by_root(end, chain)) {
        format_name(X509_get_issuer_name(end), name);
        log_warning("tls.%s: %s: incomplete, the certificate of \"%s\" does not follow the one that it "
                    "issued; append it, "
                    "or clients that do not know it refuse the connection",
                    subject->field, subject->path, name);
    }
}

static int check_chain(const struct subject *subject, STACK_OF(X509) * chain)
{
    if (!chain || sk_X509_num(chain) == 0) {
        return refuse(subject,
                      "no certificate in PEM form; the file begins with \"-----BEGIN CERTIFICATE-----\"");
    }
    warn_about_time(subject, sk_X509_value(chain, 0));
    warn_about_chain(subject, chain);
    return 0;
}

static int check_pair(const struct subject *subject, X509 *certificate, const struct key_file *key_pem)
{
    EVP_PKEY *key = NULL;
    int result = parse_key(subject, key_pem, &key);

    if (result == 0 && X509_check_private_key(certificate, key) != 1) {
        result =
            refuse(subject, "not the key of the certificate in %s; name the two files that belong together",
                   subject->config->tls.certificate);
    }
    EVP_PKEY_free(key);
    ERR_clear_error();
    return result;
}

/* --- Both ----------------------------------------------------------------------------------------------- */

static int check(const struct subject *of_chain, const struct key_file *chain_pem,
                 const struct subject *of_key, const struct key_file *key_pem)
{
    STACK_OF(X509) *chain = parse_chain(chain_pem);
    int result = check_chain(of_chain, chain);

    if (result == 0) {
        result = check_pair(of_key, sk_X509_value(chain, 0), key_pem);
    }
    sk_X509_pop_free(chain, X509_free);
    return result;
}

/* Another one for each certificate: a session does not outlive a reload. */
static int seal_tickets(void)
{
    uint8_t secret[TICKET_SECRET_BYTES];

    if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret)) {
        return -errno;
    }
    int result = memory_file_seal("ringcast-tickets", secret, sizeof(secret));
    secret_wipe(secret, sizeof(secret));
    return result;
}

static int seal_all(const struct key_file *chain, const struct key_file *key, struct certificate *certificate,
                    char *why)
{
    certificate->chain = memory_file_seal("ringcast-certificate", chain->text, chain->length);
    certificate->key = certificate->chain < 0 ? -1 : memory_file_seal("ringcast-key", key->text, key->length);
    certificate->tickets = certificate->key < 0 ? -1 : seal_tickets();
    int result = certificate->chain < 0 ? certificate->chain
                 : certificate->key < 0 ? certificate->key
                                        : certificate->tickets;
    if (result < 0) {
        snprintf(why, CERTIFICATE_WHY_SIZE, "tls: no memory file for the certificate: %s", strerror(-result));
        certificate_close(certificate);
        return result;
    }
    return 0;
}

int certificate_open(const struct config *config, struct certificate *certificate,
                     char why[CERTIFICATE_WHY_SIZE])
{
    const struct subject of_chain = {config, "certificate", config->tls.certificate, why};
    const struct subject of_key = {config, "key", config->tls.key, why};
    struct key_file chain = {0}, key = {0};

    *certificate = CERTIFICATE_NONE;
    if (!config->tls.certificate) {
        return 0;
    }
    int result = read_file(&of_chain, S_IWGRP | S_IWOTH, &chain);
    if (result == 0) {
        result = read_file(&of_key, S_IWGRP | S_IRWXO, &key);
    }
    if (result == 0) {
        result = check(&of_chain, &chain, &of_key, &key);
    }
    if (result == 0) {
        result = seal_all(&chain, &key, certificate, why);
    }
    key_file_finish(&chain);
    key_file_finish(&key);
    return result;
}

void certificate_close(struct certificate *certificate)
{
    if (certificate->chain >= 0) {
        close(certificate->chain);
    }
    if (certificate->key >= 0) {
        close(certificate->key);
    }
    if (certificate->tickets >= 0) {
        close(certificate->tickets);
    }
    *certificate = CERTIFICATE_NONE;
}
