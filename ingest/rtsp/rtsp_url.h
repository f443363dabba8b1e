/* SPDX-License-Identifier: MIT */
/*
 * URLs as RTSP uses them: where to connect, and which URL a control attribute means. Pure functions without
 * allocation; any process, any thread.
 */
#ifndef INGEST_RTSP_RTSP_URL_H
#define INGEST_RTSP_RTSP_URL_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a URL in a request, with its NUL. */
#define RTSP_URL_SIZE 4096

/* Bytes of a host name (RFC 1035: 253) with a zone. */
#define RTSP_HOST_SIZE 320

#define RTSP_PORT 554
#define RTSPS_PORT 322

struct rtsp_endpoint {
    char host[RTSP_HOST_SIZE]; /* without brackets */
    int port;
    bool tls;
};

/*
 * AUTHORITY is host[:port] or [address][:port]. 0; -EINVAL: it has another form, or SCHEME is neither rtsp nor rtsps.
 */
int rtsp_endpoint_parse(const char *scheme, const char *authority, struct rtsp_endpoint *endpoint);

/* The same host, port and protection. */
bool rtsp_endpoint_equal(const struct rtsp_endpoint *a, const struct rtsp_endpoint *b);

/* True for a numeric address, which is not a name that a certificate is checked against. */
bool rtsp_endpoint_is_address(const struct rtsp_endpoint *endpoint);

/*
 * The URL of a request, without user information and fragment; what cannot stand in a request line is
 * percent-encoded. 0; -ENAMETOOLONG.
 */
int rtsp_url_format(char *out, size_t size, const char *scheme, const char *authority, const char *path);

/*
 * The URL that CONTROL means, given BASE: "" and "*" are BASE itself, an absolute URL stands for itself (without its
 * user information), what begins with '/' is a path of the same host; everything else is appended, with a '/'
 * between, even behind a query, as cameras expect. 0; -ENAMETOOLONG.
 */
int rtsp_url_resolve(char *out, size_t size, const char *base, const char *control);

/*
 * The URLs that cameras mean by a control attribute, in the order in which clients try them. BASE is what the description
 * names as its base, REQUESTED the URL that DESCRIBE was for.
 */
enum rtsp_control_form {
    RTSP_CONTROL_ANNOUNCED, /* as rtsp_url_resolve has it */
    RTSP_CONTROL_APPENDED,  /* put behind BASE, even if it begins with '/' or '?' */
    RTSP_CONTROL_REQUESTED, /* resolved against REQUESTED; an absolute one at the host of REQUESTED */
    RTSP_CONTROL_REQUESTED_APPENDED, /* put behind REQUESTED */
    RTSP_CONTROL_DOUBLED,            /* behind BASE with one more '/', as FFmpeg puts it */
    RTSP_CONTROL_BEFORE_QUERY,       /* behind the path of REQUESTED, in front of its query */
    RTSP_CONTROL_WITHOUT_DOTS,       /* behind BASE, without "." and ".." (RFC 3986, 5.2.4) */
    RTSP_CONTROL_REFERENCE,          /* relative to BASE as in RFC 3986, 5.3: in place of its last segment */
    RTSP_CONTROL_WITHOUT_QUERY,      /* behind the path of REQUESTED, without its query */
    RTSP_CONTROL_FORMS,
};

/* CONTROL in this form. 0; -EALREADY: it is the same as an earlier form; -ENAMETOOLONG. */
int rtsp_url_control(char *out, size_t size, enum rtsp_control_form form, const char *base,
                     const char *requested, const char *control);

/*
 * The URL to which LOCATION, the header of a redirect, leads from the URL CURRENT (RFC 3986, section 5.2). LOCATION is an
 * absolute URL, whose user information is left out and whose scheme is written in small letters; or a URL without its
 * scheme ("//host/path", "host:port/path"); or a path, absolute or relative to the last '/' of CURRENT's; or a query.
 * 0; -ENAMETOOLONG; -EINVAL: empty, or neither rtsp nor rtsps.
 */
int rtsp_url_redirect(char *out, size_t size, const char *current, const char *location);

/* True if TEXT begins with rtsp:// or rtsps://. */
bool rtsp_url_is_absolute(const char *text);

#endif
