/* SPDX-License-Identifier: MIT */
#include "discover/question.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/secret.h"

#define SHA1_BYTES 20
#define BASE64_SIZE 32 /* of at most 20 bytes, with the NUL */
#define CREATED_SIZE 32

#define WSSE "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
#define WSU "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
#define DIGEST_TYPE                                                                                          \
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
#define NONCE_TYPE                                                                                           \
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"

static const struct {
    const char *namespace, *before, *after; /* the profile's token stands between the two */
} bodies[] = {
    [QUESTION_TIME] = {ANSWER_DEVICE, "<q:GetSystemDateAndTime/>", ""},
    [QUESTION_IDENTITY] = {ANSWER_DEVICE, "<q:GetDeviceInformation/>", ""},
    [QUESTION_SERVICES] = {ANSWER_DEVICE,
                           "<q:GetServices><q:IncludeCapability>false</q:IncludeCapability></q:GetServices>",
                           ""},
    [QUESTION_CAPABILITIES] = {ANSWER_DEVICE,
                               "<q:GetCapabilities><q:Category>Media</q:Category></q:GetCapabilities>", ""},
    [QUESTION_PROFILES] = {ANSWER_MEDIA, "<q:GetProfiles/>", ""},
    [QUESTION_PROFILES2] = {ANSWER_MEDIA2,
                            "<q:GetProfiles><q:Type>VideoSource</q:Type><q:Type>VideoEncoder</q:Type>"
                            "<q:Type>AudioEncoder</q:Type></q:GetProfiles>",
                            ""},
    [QUESTION_URI] = {ANSWER_MEDIA,
                      "<q:GetStreamUri><q:StreamSetup><t:Stream>RTP-Unicast</t:Stream><t:Transport>"
                      "<t:Protocol>RTSP</t:Protocol></t:Transport></q:StreamSetup><q:ProfileToken>",
                      "</q:ProfileToken></q:GetStreamUri>"},
    [QUESTION_URI2] = {ANSWER_MEDIA2, "<q:GetStreamUri><q:Protocol>RTSP</q:Protocol><q:ProfileToken>",
                       "</q:ProfileToken></q:GetStreamUri>"},
    [QUESTION_SYNC] = {ANSWER_MEDIA, "<q:SetSynchronizationPoint><q:ProfileToken>",
                       "</q:ProfileToken></q:SetSynchronizationPoint>"},
    [QUESTION_SYNC2] = {ANSWER_MEDIA2, "<q:SetSynchronizationPoint><q:ProfileToken>",
                        "</q:ProfileToken></q:SetSynchronizationPoint>"},
};

struct out {
    char *text;
    size_t used;
    bool cut;
};

static void put(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct out *out, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(out->text + out->used, QUESTION_SIZE - out->used, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= QUESTION_SIZE - out->used) {
        out->cut = true;
        out->used = QUESTION_SIZE - 1;
    } else {
        out->used += (size_t)length;
    }
}

/* TEXT as the content of an element. */
static void put_text(struct out *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            put(out, "&amp;");
            break;
        case '<':
            put(out, "&lt;");
            break;
        case '>':
            put(out, "&gt;");
            break;
        case '\r':
            put(out, "&#13;"); /* else it is read as a line feed */
            break;
        default:
            put(out, "%c", *text);
        }
    }
}

/* Base64(SHA-1(nonce + created + password)): section 3.1 of the profile. */
static bool digest(const struct question_token *token, const char *created, char text[BASE64_SIZE])
{
    uint8_t hash[SHA1_BYTES];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context && EVP_DigestInit_ex(context, EVP_sha1(), NULL) == 1 &&
                EVP_DigestUpdate(context, token->nonce, sizeof(token->nonce)) == 1 &&
                EVP_DigestUpdate(context, created, strlen(created)) == 1 &&
                EVP_DigestUpdate(context, token->password, strlen(token->password)) == 1 &&
                EVP_DigestFinal_ex(context, hash, NULL) == 1;

    EVP_MD_CTX_free(context);
    if (done) {
        EVP_EncodeBlock((unsigned char *)text, hash, sizeof(hash));
    }
    secret_wipe(hash, sizeof(hash));
    return done;
}

static bool put_token(struct out *out, const struct question_token *token)
{
    char created[CREATED_SIZE], password[BASE64_SIZE], nonce[BASE64_SIZE];
    const time_t seconds = (time_t)token->time;
    struct tm utc;

    if (!gmtime_r(&seconds, &utc) || strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", &utc) == 0 ||
        !digest(token, created, password)) {
        return false;
    }
    EVP_EncodeBlock((unsigned char *)nonce, token->nonce, sizeof(token->nonce));
    put(out, "<s:Header><w:Security s:mustUnderstand=\"1\" xmlns:w=\"" WSSE "\" xmlns:u=\"" WSU
             "\"><w:UsernameToken><w:Username>");
    put_text(out, token->username);
    put(out,
        "</w:Username><w:Password Type=\"" DIGEST_TYPE "\">%s</w:Password><w:Nonce EncodingType=\"" NONCE_TYPE
        "\">%s</w:Nonce><u:Created>%s</u:Created></w:UsernameToken></w:Security></s:Header>",
        password, nonce, created);
    return true;
}

int question_write(enum question_kind kind, const struct question_token *token, const char *profile,
                   char out[QUESTION_SIZE])
{
    struct out message = {.text = out};

    put(&message,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><s:Envelope "
        "xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" "
        "xmlns:q=\"%s\" xmlns:t=\"" ANSWER_SCHEMA "\">",
        bodies[kind].namespace);
    if (token && !put_token(&message, token)) {
        return -EIO;
    }
    put(&message, "<s:Body>%s", bodies[kind].before);
    put_text(&message, profile ? profile : "");
    put(&message, "%s</s:Body></s:Envelope>", bodies[kind].after);
    return message.cut ? -EMSGSIZE : (int)message.used;
}

int question_probe(const char *id, char out[QUESTION_SIZE])
{
    struct out message = {.text = out};

    put(&message,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><s:Envelope "
        "xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" "
        "xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "
        "xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\" "
        "xmlns:dn=\"http://www.onvif.org/ver10/network/wsdl\"><s:Header>"
        "<a:Action s:mustUnderstand=\"1\">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>"
        "<a:MessageID>urn:uuid:%s</a:MessageID><a:ReplyTo><a:Address>"
        "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>"
        "<a:To s:mustUnderstand=\"1\">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>"
        "<s:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></s:Body></s:Envelope>",
        id);
    return (int)message.used;
}
