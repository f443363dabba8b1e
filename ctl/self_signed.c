/* SPDX-License-Identifier: MIT */
#include "ctl/self_signed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CERTIFICATE_FILE "ringcast-certificate.pem"
#define KEY_FILE "ringcast-key.pem"

/* As long as the strictest clients accept one that their user trusts. */
#define VALID_DAYS 825

/* Bytes of the list of names, in OpenSSL's form. */
#define NAMES_SIZE 4096

/* Bytes of a serial number: RFC 5280, section 4.1.2.2. */
#define SERIAL_BYTES 16

/* Longest host name, with the NUL. */
#define HOST_SIZE 256

#define FINGERPRINT_SIZE (3 * EVP_MAX_MD_SIZE)

/* --- Names ---------------------------------------------------------------------------------------------- */

static bool is_address(const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

/* RFC 1123, section 2.1; a wildcard may stand for the first label. */
static bool is_host_name(const char *name)
{
    const char *rest = strncmp(name, "*.", 2) == 0 ? name + 2 : name;

    return rest[0] != '\0' && strlen(name) < HOST_SIZE && rest[0] != '-' && rest[0] != '.' &&
           rest[strspn(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.")] == '\0';
}

static bool add_name(char names[NAMES_SIZE], const char *name)
{
    size_t length = strlen(names);
    int added = snprintf(names + length, NAMES_SIZE - length, "%s%s:%s", length > 0 ? "," : "",
                         is_address(name) ? "IP" : "DNS", name);

    return added > 0 && (size_t)added < NAMES_SIZE - length;
}

/* What viewers may call this machine, as "DNS:nvr,IP:192.0.2.7"; and the first of it. False: one is not a name; reported. */
static bool collect_names(const struct options *options, char names[NAMES_SIZE], char first[HOST_SIZE])
{
    static const char *const loopback[] = {"localhost", "127.0.0.1", "::1"};
    bool fits = true;

    names[0] = '\0';
    for (int i = 0; i < options->argument_count; i++) {
        const char *name = options->arguments[i];
        if (!is_address(name) && !is_host_name(name)) {
            fprintf(stderr, "ringcastctl: %s: neither a host name nor an address\n", name);
            return false;
        }
        fits = fits && add_name(names, name);
    }
    if (options->argument_count > 0) {
        snprintf(first, HOST_SIZE, "%s", options->arguments[0]);
    } else {
        bool named = gethostname(first, HOST_SIZE - 1) == 0 && is_host_name(first);
        first[HOST_SIZE - 1] = '\0';
        if (!named) {
            snprintf(first, HOST_SIZE, "localhost");
        } else if (strcmp(first, "localhost") != 0) {
            add_name(names, first);
        }
        for (size_t i = 0; i < sizeof(loopback) / sizeof(loopback[0]); i++) {
            add_name(names, loopback[i]);
        }
    }
    if (!fits) {
        fprintf(stderr, "ringcastctl: too many names for one certificate; give fewer\n");
    }
    return fits;
}

/* --- The certificate ------------------------------------------------------------------------------------ */

static bool add_extension(X509 *certificate, int kind, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool set_serial(X509 *certificate)
{
    unsigned char bytes[SERIAL_BYTES];

    if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
        return false;
    }
    bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, and always as long */
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return set;
}

static bool fill(X509 *certificate, EVP_PKEY *key, const char *names, const char *first)
{
    /* A common name has at most 64 characters, RFC 5280, appendix A.1; clients go by the list of names. */
    char common_name[65];

    snprintf(common_name, sizeof(common_name), "%.64s", first);
    X509_NAME *subject = X509_get_subject_name(certificate);
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_DAYS * 86400L) &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1,
                                      -1, 0) == 1 &&
           X509_set_issuer_name(certificate, subject) == 1 && X509_set_pubkey(certificate, key) == 1 &&
           add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
           add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
           add_extension(certificate, NID_subject_alt_name, names) &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

static bool format_fingerprint(const X509 *certificate, char text[FINGERPRINT_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    if (X509_digest(certificate, EVP_sha256(), digest, &length) != 1) {
        return false;
    }
    for (unsigned i = 0; i < length; i++) {
        snprintf(text + (size_t)3 * i, 4, "%02X%s", digest[i], i + 1 < length ? ":" : "");
    }
    return true;
}

/* --- The files ------------------------------------------------------------------------------------------ */

/* A new file of MODE; NULL: reported. */
static FILE *create(const char *path, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

    if (!file) {
        fprintf(stderr, "ringcastctl: %s: %s%s\n", path, strerror(errno),
                errno == EEXIST ? "; move it away, or choose another directory with --output" : "");
        if (fd >= 0) {
            close(fd);
        }
    }
    return file;
}

/* True if all of it is on the disk. Closes FILE. */
static bool finish(FILE *file, const char *path, bool written)
{
    bool whole = written && fflush(file) == 0 && fsync(fileno(file)) == 0;

    if (fclose(file) != 0 || !whole) {
        fprintf(stderr, "ringcastctl: %s: cannot be written as a whole\n", path);
        unlink(path);
        return false;
    }
    return true;
}

static bool write_both(const char *key_path, EVP_PKEY *key, const char *certificate_path, X509 *certificate)
{
    FILE *file = create(key_path, 0600);

    if (!file ||
        !finish(file, key_path, PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1)) {
        return false;
    }
    file = create(certificate_path, 0644);
    if (!file || !finish(file, certificate_path, PEM_write_X509(file, certificate) == 1)) {
        unlink(key_path);
        return false;
    }
    return true;
}

static void print_result(const struct options *options, const char *certificate, const char *key,
                         const char *names, const char *fingerprint)
{
    if (options->json) {
        json_t *result = json_pack("{s:s, s:s, s:s, s:s}", "certificate", certificate, "key", key, "names",
                                   names, "fingerprint", fingerprint);
        json_dumpf(result, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(result);
        return;
    }
    printf("A certificate for %s, valid for %d days.\n"
           "SHA-256 fingerprint, which browsers show: %s\n"
           "Write this into ringcast.conf, and run \"ringcastctl reload\":\n"
           "tls = { certificate = \"%s\"; key = \"%s\"; };\n",
           names, VALID_DAYS, fingerprint, certificate, key);
}

/* The directory's absolute path with FILE in it; false: reported. */
static bool place(const char *directory, const char *file, char path[PATH_MAX])
{
    char absolute[PATH_MAX];

    if (!realpath(directory, absolute)) {
        fprintf(stderr, "ringcastctl: %s: %s\n", directory, strerror(errno));
        return false;
    }
    if (snprintf(path, PATH_MAX, "%s/%s", absolute, file) >= PATH_MAX) {
        fprintf(stderr, "ringcastctl: %s: too long a path\n", directory);
        return false;
    }
    return true;
}

enum exit_code self_signed_make(const struct options *options)
{
    char names[NAMES_SIZE], first[HOST_SIZE], fingerprint[FINGERPRINT_SIZE];
    char certificate_path[PATH_MAX], key_path[PATH_MAX];
    const char *directory = options->output ? options->output : ".";

    if (!collect_names(options, names, first)) {
        return EXIT_CODE_USAGE;
    }
    if (!place(directory, CERTIFICATE_FILE, certificate_path) || !place(directory, KEY_FILE, key_path)) {
        return EXIT_CODE_FAILED;
    }
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    bool made = key && certificate && fill(certificate, key, names, first) &&
                format_fingerprint(certificate, fingerprint);
    if (!made) {
        fprintf(stderr, "ringcastctl: OpenSSL cannot make a certificate for %s\n", names);
    } else {
        made = write_both(key_path, key, certificate_path, certificate);
    }
    if (made) {
        print_result(options, certificate_path, key_path, names, fingerprint);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    return made ? EXIT_CODE_OK : EXIT_CODE_FAILED;
}
