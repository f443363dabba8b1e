/* SPDX-License-Identifier: MIT */
#include "discover/answer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/url.h"
#include "discover/xml.h"

#define SOAP_12 "http://www.w3.org/2003/05/soap-envelope"
#define SOAP_11 "http://schemas.xmlsoap.org/soap/envelope/"
#define DISCOVERY "http://schemas.xmlsoap.org/ws/2005/04/discovery"

#define SCOPE_NAME "onvif://www.onvif.org/name/"
#define SCOPE_HARDWARE "onvif://www.onvif.org/hardware/"

/* Scopes and addresses come as lists with blanks between. */
#define LIST_SIZE 8192

#define PIXELS_MAX 65536
#define FPS_MAX 1000
#define KBIT_MAX 10000000
#define GOP_MAX 100000

/* --- The envelope ---------------------------------------------------------------------------------------- */

/* The last part of a code may have any prefix: "ter:NotAuthorized". */
static bool ends_in(const char *text, const char *word)
{
    size_t length = strlen(text), end = strlen(word);

    return length >= end && strcmp(text + length - end, word) == 0;
}

/* SOAP 1.2 nests codes; SOAP 1.1 has one. */
static bool is_not_authorized(const xmlNode *fault)
{
    static const char *const places[] = {"Code/Value", "Code/Subcode/Value", "Code/Subcode/Subcode/Value",
                                         "faultcode"};
    static const char *const words[] = {"NotAuthorized", "FailedAuthentication", "InvalidSecurity"};
    char code[ANSWER_TEXT_SIZE];

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        xml_text(xml_down(fault, places[i]), code, sizeof(code));
        for (size_t j = 0; j < sizeof(words) / sizeof(words[0]); j++) {
            if (ends_in(code, words[j])) {
                return true;
            }
        }
    }
    return false;
}

static int take_fault(const xmlNode *fault, struct answer_reason *reason)
{
    if (reason && xml_text(xml_down(fault, "Reason/Text"), reason->text, sizeof(reason->text)) == 0) {
        xml_text(xml_child(fault, NULL, "faultstring"), reason->text, sizeof(reason->text));
    }
    return is_not_authorized(fault) ? -EACCES : -EPROTO;
}

/*
 * The element NAME of NAMESPACE in the body of a SOAP message. 0: *document is to be freed, *body belongs to it; else what the
 * functions of the header return.
 */
static int open_answer(const char *data, size_t length, const char *namespace, const char *name,
                       xmlDoc **document, const xmlNode **body, struct answer_reason *reason)
{
    if (reason) {
        reason->text[0] = '\0';
    }
    *document = xml_read(data, length);
    if (!*document) {
        return -EBADMSG;
    }
    const xmlNode *envelope = xmlDocGetRootElement(*document);
    const char *soap = xml_is(envelope, SOAP_12, "Envelope")   ? SOAP_12
                       : xml_is(envelope, SOAP_11, "Envelope") ? SOAP_11
                                                               : NULL;
    const xmlNode *content = soap ? xml_child(envelope, soap, "Body") : NULL;
    const xmlNode *fault = xml_child(content, soap, "Fault");
    *body = xml_child(content, namespace, name);
    int result = fault ? take_fault(fault, reason) : *body ? 0 : -EBADMSG;
    if (result < 0) {
        xmlFreeDoc(*document);
        *document = NULL;
    }
    return result;
}

/* --- WS-Discovery ---------------------------------------------------------------------------------------- */

/* What follows PREFIX in LIST, up to a blank, decoded; false: it is not there. */
static bool take_scope(const char *list, const char *prefix, char out[ANSWER_TEXT_SIZE])
{
    const char *found = strstr(list, prefix);
    size_t length = 0;

    if (!found) {
        return false;
    }
    found += strlen(prefix);
    length = strcspn(found, " ");
    snprintf(out, ANSWER_TEXT_SIZE, "%.*s", (int)(length < ANSWER_TEXT_SIZE ? length : ANSWER_TEXT_SIZE - 1),
             found);
    url_decode(out);
    for (char *c = out; *c != '\0'; c++) {
        *c = (unsigned char)*c < 0x20 || *c == 0x7f ? ' ' : *c;
    }
    return true;
}

static bool is_http(const char *url)
{
    return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

static void take_urls(char *list, struct answer_match *match)
{
    char *rest = NULL;

    for (char *url = strtok_r(list, " ", &rest); url && match->url_count < ANSWER_URLS_MAX;
         url = strtok_r(NULL, " ", &rest)) {
        if (is_http(url) && strlen(url) < ANSWER_URL_SIZE) {
            memcpy(match->urls[match->url_count++], url, strlen(url) + 1);
        }
    }
}

static bool take_match(const xmlNode *node, struct answer_match *match)
{
    char list[LIST_SIZE];

    memset(match, 0, sizeof(*match));
    xml_text(xml_down(node, "EndpointReference/Address"), match->endpoint, sizeof(match->endpoint));
    xml_text(xml_child(node, NULL, "Scopes"), list, sizeof(list));
    take_scope(list, SCOPE_NAME, match->name);
    take_scope(list, SCOPE_HARDWARE, match->hardware);
    xml_text(xml_child(node, NULL, "XAddrs"), list, sizeof(list));
    take_urls(list, match);
    return match->url_count > 0;
}

int answer_matches(const char *data, size_t length, struct answer_match *matches, size_t *count)
{
    xmlDoc *document = NULL;
    const xmlNode *body = NULL;
    int result = open_answer(data, length, DISCOVERY, "ProbeMatches", &document, &body, NULL);

    *count = 0;
    if (result < 0) {
        return result;
    }
    for (const xmlNode *node = xml_child(body, DISCOVERY, "ProbeMatch"); node && *count < ANSWER_MATCHES_MAX;
         node = xml_next(node)) {
        *count += take_match(node, &matches[*count]);
    }
    xmlFreeDoc(document);
    return 0;
}

/* --- The device ------------------------------------------------------------------------------------------ */

int answer_time(const char *data, size_t length, int64_t *seconds, struct answer_reason *reason)
{
    xmlDoc *document = NULL;
    const xmlNode *body = NULL;
    int result =
        open_answer(data, length, ANSWER_DEVICE, "GetSystemDateAndTimeResponse", &document, &body, reason);

    if (result < 0) {
        return result;
    }
    const xmlNode *utc = xml_down(body, "SystemDateAndTime/UTCDateTime");
    struct tm parts = {
        .tm_year = xml_number(xml_down(utc, "Date/Year"), 9999) - 1900,
        .tm_mon = xml_number(xml_down(utc, "Date/Month"), 12) - 1,
        .tm_mday = xml_number(xml_down(utc, "Date/Day"), 31),
        .tm_hour = xml_number(xml_down(utc, "Time/Hour"), 23),
        .tm_min = xml_number(xml_down(utc, "Time/Minute"), 59),
        .tm_sec = xml_number(xml_down(utc, "Time/Second"), 60),
    };
    bool whole = parts.tm_year >= 70 && parts.tm_mon >= 0 && parts.tm_mday >= 1 && parts.tm_hour >= 0 &&
                 parts.tm_min >= 0 && parts.tm_sec >= 0;
    xmlFreeDoc(document);
    if (!whole) {
        return -ENODATA;
    }
    *seconds = timegm(&parts);
    return 0;
}

int answer_identity(const char *data, size_t length, struct answer_identity *identity,
                    struct answer_reason *reason)
{
    xmlDoc *document = NULL;
    const xmlNode *body = NULL;
    int result =
        open_answer(data, length, ANSWER_DEVICE, "GetDeviceInformationResponse", &document, &body, reason);

    if (result < 0) {
        return result;
    }
    xml_text(xml_child(body, NULL, "Manufacturer"), identity->manufacturer, sizeof(identity->manufacturer));
    xml_text(xml_child(body, NULL, "Model"), identity->model, sizeof(identity->model));
    xml_text(xml_child(body, NULL, "FirmwareVersion"), identity->firmware, sizeof(identity->firmware));
    xml_text(xml_child(body, NULL, "SerialNumber"), identity->serial, sizeof(identity->serial));
    xmlFreeDoc(document);
    return 0;
}

static void take_service(const xmlNode *service, struct answer_services *services)
{
    char namespace[ANSWER_TEXT_SIZE];
    const xmlNode *address = xml_child(service, NULL, "XAddr");

    xml_text(xml_child(service, NULL, "Namespace"), namespace, sizeof(namespace));
    if (strcmp(namespace, ANSWER_MEDIA) == 0) {
        xml_text(address, services->media, sizeof(services->media));
    } else if (strcmp(namespace, ANSWER_MEDIA2) == 0) {
        xml_text(address, services->media2, sizeof(services->media2));
    }
}

int answer_services(const char *data, size_t length, struct answer_services *services,
                    struct answer_reason *reason)
{
    xmlDoc *document = NULL;
    const xmlNode *body = NULL;

    memset(services, 0, sizeof(*services));
    int result = open_answer(data, length, ANSWER_DEVICE, "GetServicesResponse", &document, &body, reason);
    if (result == 0) {
        for (const xmlNode *node = xml_child(body, NULL, "Service"); node; node = xml_next(node)) {
            take_service(node, services);
        }
        xmlFreeDoc(document);
        return 0;
    }
    if (result != -EBADMSG) {
        return result;
    }
    result = open_answer(data, length, ANSWER_DEVICE, "GetCapabilitiesResponse", &document, &body, reason);
    if (result == 0) {
        xml_text(xml_down(body, "Capabilities/Media/XAddr"), services->media, sizeof(services->media));
        xmlFreeDoc(document);
    }
    return result;
}

/* --- Profiles -------------------------------------------------------------------------------------------- */

static int at_least_zero(int number)
{
    return number < 0 ? 0 : number;
}

static int attribute_number(const xmlNode *node, const char *name, int most)
{
    char text[16];
    int number = 0;

    return xml_attribute(node, name, text, sizeof(text)) > 0 && sscanf(text, "%9d", &number) == 1 &&
                   number >= 0 && number <= most
               ? number
               : 0;
}

/* Media has the parts right in the profile, Media2 in `Configurations`, and calls them a little differently. */
static bool take_profile(const xmlNode *node, bool second, struct answer_profile *profile)
{
    const xmlNode *parts = second ? xml_child(node, NULL, "Configurations") : node;
    const xmlNode *video = xml_child(parts, NULL, second ? "VideoEncoder" : "VideoEncoderConfiguration");
    const xmlNode *audio = xml_child(parts, NULL, second ? "AudioEncoder" : "AudioEncoderConfiguration");
    const xmlNode *source = xml_child(parts, NULL, second ? "VideoSource" : "VideoSourceConfiguration");

    memset(profile, 0, sizeof(*profile));
    xml_attribute(node, "token", profile->token, sizeof(profile->token));
    xml_text(xml_child(node, NULL, "Name"), profile->name, sizeof(profile->name));
    xml_text(xml_child(source, NULL, "SourceToken"), profile->source, sizeof(profile->source));
    xml_text(xml_child(video, NULL, "Encoding"), profile->video, sizeof(profile->video));
    xml_text(xml_child(audio, NULL, "Encoding"), profile->audio, sizeof(profile->audio));
    profile->width = at_least_zero(xml_number(xml_down(video, "Resolution/Width"), PIXELS_MAX));
    profile->height = at_least_zero(xml_number(xml_down(video, "Resolution/Height"), PIXELS_MAX));
    profile->fps = at_least_zero(xml_number(xml_down(video, "RateControl/FrameRateLimit"), FPS_MAX));
    profile->bitrate = at_least_zero(xml_number(xml_down(video, "RateControl/BitrateLimit"), KBIT_MAX));
    profile->gop = second ? attribute_number(video, "GovLength", GOP_MAX)
                          : at_least_zero(xml_number(xml_down(video, "H264/GovLength"), GOP_MAX));
    return profile->token[0] != '\0' && profile->video[0] != '\0';
}

int answer_profiles(const char *data, size_t length, const char *namespace, struct answer_profile *profiles,
                    size_t *count, struct answer_reason *reason)
{
    xmlDoc *document = NULL;
    const xmlNode *body = NULL;
    int result = open_answer(data, length, namespace, "GetProfilesResponse", &document, &body, reason);
    bool second = strcmp(namespace, ANSWER_MEDIA2) == 0;

    *count = 0;
    if (result < 0) {
        return result;
    }
    for (const xmlNode *node = xml_child(body, namespace, "Profiles"); node && *count < ANSWER_PROFILES_MAX;
         node = xml_next(node)) {
        *count += take_profile(node, second, &profiles[*count]);
    }
    xmlFreeDoc(document);
    return 0;
}

int answer_uri(const char *data, size_t length, const char *namespace, char uri[ANSWER_URL_SIZE],
               struct answer_reason *reason)
{
    xmlDoc *document = NULL;
    const xmlNode *body = NULL;
    int result = open_answer(data, length, namespace, "GetStreamUriResponse", &document, &body, reason);

    uri[0] = '\0';
    if (result < 0) {
        return result;
    }
    size_t given = xml_text(xml_down(body, strcmp(namespace, ANSWER_MEDIA2) == 0 ? "Uri" : "MediaUri/Uri"),
                            uri, ANSWER_URL_SIZE);
    xmlFreeDoc(document);
    return given == 0 ? -EBADMSG : given + 1 == ANSWER_URL_SIZE ? -ENAMETOOLONG : 0; /* it may be cut */
}

int answer_synchronized(const char *data, size_t length, const char *namespace, struct answer_reason *reason)
{
    xmlDoc *document = NULL;
    const xmlNode *body = NULL;
    int result =
        open_answer(data, length, namespace, "SetSynchronizationPointResponse", &document, &body, reason);

    xmlFreeDoc(document);
    return result;
}
