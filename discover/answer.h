/* SPDX-License-Identifier: MIT */
/*
 * What a device answers, from the bytes of a SOAP message (SOAP 1.2; 1.1 from old devices): WS-Discovery 2005/04, ONVIF Core (device), ONVIF Media
 * and Media2. Nothing in it is believed: sizes, counts and numbers are bounded, texts have no control characters. An answer of
 * another namespace than the question's is none. Pure functions: any process, any thread.
 *
 * Each function returns 0; -EBADMSG: not such an answer; -EACCES: the device wants other credentials; -EPROTO: it refuses for
 * another reason. REASON is then what it says, possibly empty; NULL: not wanted.
 */
#ifndef DISCOVER_ANSWER_H
#define DISCOVER_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#define ANSWER_TEXT_SIZE 128
#define ANSWER_URL_SIZE 1024

/* Devices in one answer of WS-Discovery, addresses of one of them, and profiles of one device. */
#define ANSWER_MATCHES_MAX 8
#define ANSWER_URLS_MAX 4
#define ANSWER_PROFILES_MAX 64

#define ANSWER_DEVICE "http://www.onvif.org/ver10/device/wsdl"
#define ANSWER_MEDIA "http://www.onvif.org/ver10/media/wsdl"
#define ANSWER_MEDIA2 "http://www.onvif.org/ver20/media/wsdl"
#define ANSWER_SCHEMA "http://www.onvif.org/ver10/schema"

struct answer_reason {
    char text[ANSWER_TEXT_SIZE];
};

struct answer_match {
    char endpoint[ANSWER_TEXT_SIZE]; /* the device's own identifier, such as urn:uuid:…; may be empty */
    char name[ANSWER_TEXT_SIZE];     /* of its scopes; may be empty, as the next */
    char hardware[ANSWER_TEXT_SIZE];
    char urls[ANSWER_URLS_MAX][ANSWER_URL_SIZE]; /* of its device service */
    size_t url_count;                            /* at least 1 */
};

struct answer_identity {
    char manufacturer[ANSWER_TEXT_SIZE], model[ANSWER_TEXT_SIZE], firmware[ANSWER_TEXT_SIZE],
        serial[ANSWER_TEXT_SIZE];
};

struct answer_services {
    char media[ANSWER_URL_SIZE], media2[ANSWER_URL_SIZE]; /* empty: there is none */
};

struct answer_profile {
    char token[ANSWER_TEXT_SIZE], name[ANSWER_TEXT_SIZE];
    char
        source[ANSWER_TEXT_SIZE]; /* the video source's token: which of the device's pictures; may be empty */
    char video[32], audio[32];    /* encodings as the device calls them; empty: there is none */
    int width, height;            /* 0: not told, as the others */
    int fps, bitrate, gop;        /* bitrate: kbit/s; gop: pictures from keyframe to keyframe */
};

/* The devices of a ProbeMatches; *count is at most ANSWER_MATCHES_MAX. */
int answer_matches(const char *data, size_t length, struct answer_match *matches, size_t *count);

/* The device's time, in seconds since 1970. -ENODATA: it tells none. */
int answer_time(const char *data, size_t length, int64_t *seconds, struct answer_reason *reason);

int answer_identity(const char *data, size_t length, struct answer_identity *identity,
                    struct answer_reason *reason);

/* Of GetServices, or of GetCapabilities. */
int answer_services(const char *data, size_t length, struct answer_services *services,
                    struct answer_reason *reason);

/* Of the service NAMESPACE, ANSWER_MEDIA or ANSWER_MEDIA2; *count is at most ANSWER_PROFILES_MAX. A profile without video is left out. */
int answer_profiles(const char *data, size_t length, const char *namespace, struct answer_profile *profiles,
                    size_t *count, struct answer_reason *reason);

/* That the service NAMESPACE did what SetSynchronizationPoint asks. */
int answer_synchronized(const char *data, size_t length, const char *namespace, struct answer_reason *reason);

/* The address of a profile's stream. -ENAMETOOLONG: it is longer than URI holds. */
int answer_uri(const char *data, size_t length, const char *namespace, char uri[ANSWER_URL_SIZE],
               struct answer_reason *reason);

#endif
