/* SPDX-License-Identifier: MIT */
/* What settings about the web must be like: origins, headers, paths, proxies. Part of config_check.h. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/network.h"
#include "common/base/text.h"
#include "common/base/url.h"
#include "common/config/config_check.h"

/* Bytes of a host's name in an origin: RFC 1035, section 2.3.4. */
#define HOST_MAX 253

/* Bytes of a header's name. */
#define HEADER_MAX 64

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* "scheme://host[:port]", in the parts of its text. */
struct origin {
    const char *host; /* with its brackets */
    size_t host_length;
    const char *port; /* NULL: none */
    int default_port; /* of the scheme */
    const char *end;  /* what follows */
};

static bool refuse(char *problem, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(char *problem, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(problem, CONFIG_PROBLEM_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

/* --- Origins -------------------------------------------------------------------------------------------- */

/* False: TEXT does not begin with a scheme that a browser's page has. */
static bool split_origin(const char *text, struct origin *origin)
{
    if (strncasecmp(text, "https://", 8) == 0) {
        origin->host = text + 8;
        origin->default_port = 443;
    } else if (strncasecmp(text, "http://", 7) == 0) {
        origin->host = text + 7;
        origin->default_port = 80;
    } else {
        return false;
    }
    bool brackets = origin->host[0] == '[';
    size_t length = strcspn(origin->host, brackets ? "]/?#" : ":/?#");
    origin->host_length = length + (brackets && origin->host[length] == ']');
    const char *after = origin->host + origin->host_length;
    origin->port = after[0] == ':' ? after + 1 : NULL;
    origin->end = after + strcspn(after, "/?#");
    return true;
}

/* As RFC 5952 writes it, which is what browsers send. */
static bool is_normal_v6(const char *host, size_t length)
{
    char copy[INET6_ADDRSTRLEN] = "", normal[INET6_ADDRSTRLEN];
    unsigned char address[sizeof(struct in6_addr)];

    if (length < 3 || length - 2 >= sizeof(copy) || host[length - 1] != ']') {
        return false;
    }
    memcpy(copy, host + 1, length - 2);
    return inet_pton(AF_INET6, copy, address) == 1 &&
           inet_ntop(AF_INET6, address, normal, sizeof(normal)) != NULL && strcmp(copy, normal) == 0;
}

/* Names and IPv4 addresses; browsers send names of other scripts as "xn--…" (RFC 3490). */
static bool is_host(const char *host, size_t length)
{
    return length > 0 && length <= HOST_MAX && strspn(host, LOWER UPPER DIGITS "-._") >= length &&
           host[0] != '.' && host[0] != '-';
}

static bool check_host(const struct origin *origin, char *problem)
{
    if (origin->host[0] == '[') {
        return is_normal_v6(origin->host, origin->host_length) ||
               refuse(
                   problem,
                   "not an IPv6 address as browsers write it; write one such as \"https://[fd00::1]:8080\"");
    }
    for (size_t i = 0; i < origin->host_length; i++) {
        if ((unsigned char)origin->host[i] >= 0x80) {
            return refuse(problem,
                          "a letter that browsers send in another form; write the host's name as \"xn--…\"");
        }
        if (origin->host[i] == '@') {
            return refuse(problem, "a user's name is no part of an origin; write \"https://nvr.example\"");
        }
        if (origin->host[i] == '*') {
            return refuse(problem,
                          "\"*\" stands for nothing here; list each origin, such as \"https://nvr.example\"");
        }
    }
    return is_host(origin->host, origin->host_length) ||
           refuse(problem, "no valid host; write \"https://nvr.example\" or \"https://nvr.example:8443\"");
}

static bool check_port(const struct origin *origin, const char *text, char *problem)
{
    if (!origin->port) {
        return true;
    }
    int port = url_port(origin->port, (size_t)(origin->end - origin->port));
    if (port <= 0) {
        return refuse(problem,
                      "the port is not a number from 1 to 65535; write \"https://nvr.example:8443\"");
    }
    if (port == origin->default_port) {
        return refuse(problem, "browsers leave out port %d here; write \"%.*s\"", port,
                      (int)(origin->port - 1 - text), text);
    }
    if (origin->port[0] == '0') {
        return refuse(problem, "browsers write the port without zeros in front; write %d", port);
    }
    return true;
}

/* A browser's Origin header, RFC 6454: compared byte by byte, so it must be in the browser's own spelling. */
bool config_check_origin(const char *text, char problem[CONFIG_PROBLEM_SIZE])
{
    struct origin origin;

    if (text_has_control(text) || strpbrk(text, " ,;\"'<>")) {
        return refuse(problem,
                      "not one origin; list each as a string of its own, such as \"https://nvr.example\"");
    }
    if (strcmp(text, "*") == 0 || strcmp(text, "null") == 0) {
        return refuse(problem,
                      "\"%s\" would let every page in; list each origin, such as \"https://nvr.example\"",
                      text);
    }
    if (!split_origin(text, &origin)) {
        return refuse(problem, "not an origin; write scheme, host and port, such as \"https://nvr.example\"");
    }
    if (!check_host(&origin, problem) || !check_port(&origin, text, problem)) {
        return false;
    }
    if (origin.end[0] != '\0') {
        return refuse(problem, "an origin ends behind host and port; write \"%.*s\"",
                      (int)(origin.end - text), text);
    }
    for (const char *c = text; *c != '\0'; c++) {
        if (isupper((unsigned char)*c)) {
            return refuse(problem, "browsers send origins in small letters; write it so");
        }
    }
    return true;
}

/* A source of Content-Security-Policy's frame-ancestors (CSP Level 3, section 2.3.1): the header holds it as it is. */
bool config_check_frame_ancestor(const char *text, char problem[CONFIG_PROBLEM_SIZE])
{
    struct origin origin;
    static const char advice[] =
        "write \"'self'\", \"'none'\", \"*\", or an origin such as \"https://ha.example\" or "
        "\"https://*.example\"";

    if (strcmp(text, "'self'") == 0 || strcmp(text, "'none'") == 0 || strcmp(text, "*") == 0) {
        return true;
    }
    if (strcmp(text, "self") == 0 || strcmp(text, "none") == 0) {
        return refuse(problem, "the header has quotes around it; write \"'%s'\"", text);
    }
    if (!split_origin(text, &origin) || origin.end[0] != '\0') {
        return refuse(problem, "not a source of frames; %s", advice);
    }
    if (origin.port && strcmp(origin.port, "*") != 0 &&
        url_port(origin.port, (size_t)(origin.end - origin.port)) <= 0) {
        return refuse(problem, "the port is not a number from 1 to 65535; %s", advice);
    }
    if (origin.host_length > 2 && strncmp(origin.host, "*.", 2) == 0) {
        origin.host += 2;
        origin.host_length -= 2;
    }
    if (!is_host(origin.host, origin.host_length) && !is_normal_v6(origin.host, origin.host_length)) {
        return refuse(problem, "no valid host; %s", advice);
    }
    return true;
}

/* --- Proxies and paths ---------------------------------------------------------------------------------- */

bool config_check_network(const char *text, char problem[CONFIG_PROBLEM_SIZE])
{
    struct network network;
    char normal[NETWORK_TEXT_SIZE];
    int result = network_parse(text, &network);

    if (result == -ERANGE) {
        return refuse(problem, "the prefix has more bits than the address; write one such as \"10.0.0.0/8\"");
    }
    if (result == -EDOM) {
        network_format(&network, normal);
        return refuse(problem, "bits behind the prefix are set; write \"%s\", or the address alone", normal);
    }
    if (result < 0) {
        return refuse(problem,
                      "not a numeric address or network; write one such as \"127.0.0.1\", \"10.0.0.0/8\" or "
                      "\"fd00::/8\"");
    }
    const char *prefix = strchr(text, '/');
    if (prefix && strcmp(prefix, "/0") == 0) {
        return refuse(problem,
                      "every address would be trusted to say who a visitor is; list your proxy's own");
    }
    return true;
}

/* RFC 9110, section 5.6.2: a token. What every client sends, or the server itself obeys, says nothing about a user. */
bool config_check_header(const char *text, char problem[CONFIG_PROBLEM_SIZE])
{
    static const char *const taken[] = {
        "Accept",       "Authorization",   "Connection",        "Content-Length",
        "Content-Type", "Cookie",          "Forwarded",         "Host",
        "Origin",       "Referer",         "Transfer-Encoding", "Upgrade",
        "User-Agent",   "X-Forwarded-For", "X-Forwarded-Proto"};

    if (strlen(text) > HEADER_MAX || text[strspn(text, LOWER UPPER DIGITS "!#$%&'*+-.^_`|~")] != '\0') {
        return refuse(problem,
                      "not the name of a header; write one such as \"Remote-User\", without a colon");
    }
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        if (strcasecmp(taken[i], text) == 0) {
            return refuse(problem, "\"%s\" has a meaning of its own; use a header that only the proxy sets",
                          taken[i]);
        }
    }
    return true;
}

bool config_check_title(const char *text, char problem[CONFIG_PROBLEM_SIZE])
{
    return !text_has_control(text) || refuse(problem, "a control character; write the title as one line");
}

bool config_check_base_path(const char *text, char problem[CONFIG_PROBLEM_SIZE])
{
    size_t length = strlen(text);

    if (length == 0) {
        return true;
    }
    if (text[0] != '/') {
        return refuse(problem, "not an absolute path; begin it with \"/\", such as \"/cams\"");
    }
    if (text[length - 1] == '/') {
        return length == 1 ? refuse(problem, "the path of a server without a prefix; remove the setting")
                           : refuse(problem, "a \"/\" at its end; write \"%.*s\"", (int)length - 1, text);
    }
    if (text[strspn(text, LOWER UPPER DIGITS "/" URL_UNRESERVED)] != '\0') {
        return refuse(
            problem, "a character that addresses encode; use letters, digits, \"/\", \"-\", \"_\", \"~\" and "
                     "\".\"");
    }
    for (const char *part = text; part; part = strchr(part + 1, '/')) {
        size_t bytes = strcspn(part + 1, "/");
        if (bytes == 0 || (part[1] == '.' && (bytes == 1 || (bytes == 2 && part[2] == '.')))) {
            return refuse(problem, "\"//\", \"/./\" and \"/../\" cannot be in it; write the path out");
        }
    }
    return true;
}

bool config_check_claim(const char *text, char problem[CONFIG_PROBLEM_SIZE])
{
    if (text_has_control(text)) {
        return refuse(problem, "a control character; write the claim's name, such as \"sub\"");
    }
    return true;
}
