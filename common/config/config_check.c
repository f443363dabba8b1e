/* SPDX-License-Identifier: MIT */
#include "common/config/config_check.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "common/base/text.h"
#include "common/base/url.h"
#include "common/cluster/subject.h"
#include "common/config/camera_remote.h"
#include "common/config/camera_url.h"
#include "common/config/config.h"

/* Longest scheme that an error repeats: a longer one may be something else, such as a password. */
#define SCHEME_SHOWN_MAX 10

/* Bytes of an instance's name: as long as the names in /dev/shm have room for. */
#define INSTANCE_MAX 32

static const char *const url_schemes[] = {"rtsp",  "rtsps", "http", "https",   "rtmp",
                                          "rtmps", "srt",   "file", "ringcast"};

static bool refuse(char problem[CONFIG_PROBLEM_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(char problem[CONFIG_PROBLEM_SIZE], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(problem, CONFIG_PROBLEM_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

bool config_check_name(const char *name, char problem[CONFIG_PROBLEM_SIZE])
{
    if (text_has_control(name)) {
        return refuse(problem, "a control character; use printable characters only");
    }
    if (strchr(name, '/')) {
        return refuse(problem,
                      "\"/\" cannot be in a name, which is part of web addresses; use \"-\" instead");
    }
    if (name[0] == '.') {
        return refuse(problem, "a name cannot begin with \".\"; begin with a letter or digit");
    }
    return true;
}

/* RFC 7617, section 2: no control characters in user-id and password. */
bool config_check_credential(const char *text, char problem[CONFIG_PROBLEM_SIZE])
{
    if (text_has_control(text)) {
        return refuse(problem, "a control character, which cannot be sent to a camera; remove it");
    }
    return true;
}

bool config_check_aspect(const char *text, char problem[CONFIG_PROBLEM_SIZE])
{
    unsigned width, height;

    if (!camera_task_aspect(text, &width, &height)) {
        return refuse(problem, "not an aspect ratio; write width and height, such as \"16:9\"");
    }
    return true;
}

/* Per cent: what is left must be a picture still. */
#define CROP_LEFT_OVER 5

bool config_parse_crop(const char *text, unsigned shares[4])
{
    for (size_t i = 0; i < 4; i++) {
        text += strspn(text, " ");
        size_t digits = strspn(text, "0123456789");
        if (digits < 1 || digits > 2) {
            return false;
        }
        shares[i] = (unsigned)strtoul(text, NULL, 10);
        text += digits;
        text += strspn(text, " ");
        if (*text != (i < 3 ? ',' : '\0')) {
            return false;
        }
        text++;
    }
    return shares[0] + shares[2] <= 100 - CROP_LEFT_OVER && shares[1] + shares[3] <= 100 - CROP_LEFT_OVER;
}

bool config_check_crop(const char *text, char problem[CONFIG_PROBLEM_SIZE])
{
    unsigned shares[4];

    if (!config_parse_crop(text, shares)) {
        return refuse(problem,
                      "not what to leave out at the left, top, right and bottom in per cent, such as "
                      "\"10,0,25,0\", of which at least 5 are left in each direction");
    }
    return true;
}

/* Names are not resolved where devices are asked, and the credentials are those of the camera. */
bool config_check_onvif(const char *text, char problem[CONFIG_PROBLEM_SIZE])
{
    struct camera_url url;
    struct in_addr address;
    bool plain = text[strcspn(text, " \"<>\\^`{|}")] == '\0';
    bool good = false;

    if (plain && camera_url_parse(text, &url) == 0) {
        url.host[strcspn(url.host, ":")] = '\0';
        good = (strcmp(url.scheme, "http") == 0 || strcmp(url.scheme, "https") == 0) && !url.userinfo &&
               inet_pton(AF_INET, url.host, &address) == 1;
        camera_url_finish(&url);
    }
    return good ||
           refuse(problem, "not the address of an ONVIF device; write it with a numeric address, such as "
                           "\"http://192.168.1.20/onvif/device_service\", without user and password");
}

/* A stream with sound takes four ports: RTP and RTCP of each. */
#define PORTS_MIN 4

bool config_parse_ports(const char *text, unsigned *first, unsigned *last)
{
    const char *dash = strchr(text, '-');
    int one = dash ? url_port(text, (size_t)(dash - text)) : -1;
    int other = dash ? url_port(dash + 1, strlen(dash + 1)) : -1;

    *first = one > 0 ? (unsigned)one : 0;
    *last = other > 0 ? (unsigned)other : 0;
    return one > 0 && other > 0;
}

bool config_check_ports(const char *text, char problem[CONFIG_PROBLEM_SIZE])
{
    unsigned first, last;

    if (!config_parse_ports(text, &first, &last)) {
        return refuse(problem, "not a range of ports; write the first and the last, such as \"20000-20199\"");
    }
    if (first % 2 != 0 || last < first + PORTS_MIN - 1) {
        return refuse(problem,
                      "begin with an even port, and have four for each stream that is watched at once, such "
                      "as \"20000-20199\"");
    }
    return true;
}

/* 32 bytes in hexadecimal, with or without colons, as "openssl x509 -fingerprint -sha256" prints them. */
bool config_check_fingerprint(const char *text, char problem[CONFIG_PROBLEM_SIZE])
{
    size_t digits = 0;

    for (const char *c = text; *c != '\0'; c++) {
        bool colon = *c == ':' && digits > 0 && digits % 2 == 0 && c[-1] != ':' && c[1] != '\0';
        if (!colon && !isxdigit((unsigned char)*c)) {
            return refuse(problem, "not a fingerprint; write the certificate's SHA-256 in hexadecimal");
        }
        digits += !colon;
    }
    if (digits != 64) {
        return refuse(problem, "%zu hexadecimal digits; the SHA-256 of a certificate has 64", digits);
    }
    return true;
}

bool config_check_instance(const char *instance, char problem[CONFIG_PROBLEM_SIZE])
{
    if (instance[strspn(instance, CONFIG_INSTANCE_BYTES)] != '\0' || strlen(instance) > INSTANCE_MAX) {
        return refuse(problem,
                      "cannot be part of the names in /dev/shm; use 1 to %d letters, digits, \"_\" and \"-\"",
                      INSTANCE_MAX);
    }
    return true;
}

/* As subject_check_node: it is a part of NATS subjects. */
bool config_check_node(const char *name, char problem[CONFIG_PROBLEM_SIZE])
{
    if (subject_check_node(name) < 0) {
        return refuse(problem,
                      "cannot be part of the subjects of NATS; use 1 to %d letters, digits, \"_\" and \"-\"",
                      SUBJECT_NODE_MAX);
    }
    return true;
}

/* Written as nodes are, so that tables and subjects can have it. */
bool config_check_site(const char *name, char problem[CONFIG_PROBLEM_SIZE])
{
    if (subject_check_node(name) < 0) {
        return refuse(problem, "not a site; use 1 to %d letters, digits, \"_\" and \"-\"", SUBJECT_NODE_MAX);
    }
    return true;
}

bool config_check_user(const char *name, char problem[CONFIG_PROBLEM_SIZE])
{
    if (!getpwnam(name)) {
        return refuse(problem, "there is no user \"%.32s\" here; make one, or name another", name);
    }
    return true;
}

/* True if PATH has the part "..". */
static bool goes_up(const char *path)
{
    for (const char *at = strstr(path, ".."); at; at = strstr(at + 1, "..")) {
        if ((at == path || at[-1] == '/') && (at[2] == '/' || at[2] == '\0')) {
            return true;
        }
    }
    return false;
}

bool config_check_path(const char *path, char problem[CONFIG_PROBLEM_SIZE])
{
    if (path[0] != '/') {
        return refuse(problem, "not an absolute path; begin it with \"/\"");
    }
    if (text_has_control(path) || goes_up(path)) {
        return refuse(problem, "control characters and \"..\" cannot be in it; write the path out");
    }
    return true;
}

bool config_check_runtime_dir(const char *path, char problem[CONFIG_PROBLEM_SIZE])
{
    const size_t longest = sizeof(((struct sockaddr_un *)NULL)->sun_path) - sizeof("/control.sock");

    if (path[0] != '/') {
        return refuse(problem, "not an absolute path; begin it with \"/\"");
    }
    if (text_has_control(path) || goes_up(path)) {
        return refuse(problem, "control characters and \"..\" cannot be in it; write the path out");
    }
    if (path[strspn(path, "/.")] == '\0') {
        return refuse(problem, "the root directory cannot be used; name a directory of ringcast's own");
    }
    if (strlen(path) > longest) {
        return refuse(problem, "%zu bytes, too long for the control socket in it; use at most %zu bytes",
                      strlen(path), longest);
    }
    return true;
}

/* HOST, without brackets, to the usual spelling of its address; NULL: not a numeric address of FAMILY. */
static char *normal_address(int family, const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    char text[INET6_ADDRSTRLEN];

    if (inet_pton(family, host, address) != 1 || !inet_ntop(family, address, text, sizeof(text))) {
        return NULL;
    }
    return strdup(text);
}

static bool parse_listen_host(const char *text, const char *colon, char **host,
                              char problem[CONFIG_PROBLEM_SIZE])
{
    char copy[INET6_ADDRSTRLEN + 2] = "";
    size_t length = (size_t)(colon - text);
    bool brackets = length >= 2 && text[0] == '[' && colon[-1] == ']';

    *host = NULL;
    if (length == 0) {
        return refuse(problem, "no address before the port; write \"127.0.0.1:8080\"");
    }
    if (!brackets && memchr(text, ':', length)) {
        return refuse(problem, "an IPv6 address needs brackets; write \"[::1]:8080\"");
    }
    if (length < sizeof(copy)) {
        memcpy(copy, text + brackets, brackets ? length - 2 : length);
    }
    if (strcasecmp(copy, "localhost") == 0) {
        *host = strdup("127.0.0.1");
    } else {
        *host = normal_address(brackets ? AF_INET6 : AF_INET, copy);
    }
    if (!*host) {
        return refuse(problem,
                      "not a numeric address; write one such as \"127.0.0.1:8080\" or \"[::1]:8080\"");
    }
    return true;
}

bool config_parse_listen(const char *text, char **host, int *port, char problem[CONFIG_PROBLEM_SIZE])
{
    const char *colon = strrchr(text, ':');

    if (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0') {
        return refuse(problem, "only a port; write \"127.0.0.1:%.5s\"", text);
    }
    if (!colon || (text[0] == '[' && strchr(colon, ']'))) {
        return refuse(problem, "no port; write \"127.0.0.1:8080\" or \"[::1]:8080\"");
    }
    *port = url_port(colon + 1, strlen(colon + 1));
    if (*port < 0) {
        return refuse(problem, "the port is not a number from 0 to 65535; write \"127.0.0.1:8080\"");
    }
    return parse_listen_host(text, colon, host, problem);
}

bool config_host_is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, host, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    if (inet_pton(AF_INET6, host, &v6) != 1) {
        return false;
    }
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

/* Where the authority begins (after "://"), or NULL. */
static const char *url_authority(const char *url)
{
    size_t scheme = 0;

    while (isalnum((unsigned char)url[scheme]) ||
           (scheme > 0 && url[scheme] != '\0' && strchr("+-.", url[scheme]))) {
        scheme++;
    }
    if (scheme == 0 || !isalpha((unsigned char)url[0]) || strncmp(url + scheme, "://", 3) != 0) {
        return NULL;
    }
    return url + scheme + 3;
}

const char *config_url_userinfo(const char *url, size_t *length)
{
    const char *authority = url_authority(url);

    if (!authority) {
        return NULL;
    }
    const char *at = memrchr(authority, '@', strcspn(authority, "/?#"));
    if (!at) {
        return NULL;
    }
    *length = (size_t)(at - authority);
    return authority;
}

static bool check_url_scheme(const char *url, char problem[CONFIG_PROBLEM_SIZE])
{
    const char *authority = url_authority(url);

    if (!authority) {
        return refuse(problem, "not a URL; write \"rtsp://host/path\"");
    }
    size_t length = (size_t)(authority - url) - 3;
    for (size_t i = 0; i < sizeof(url_schemes) / sizeof(url_schemes[0]); i++) {
        if (strlen(url_schemes[i]) == length && strncasecmp(url, url_schemes[i], length) == 0) {
            return true;
        }
    }
    if (length > SCHEME_SHOWN_MAX) {
        return refuse(problem,
                      "unsupported scheme; use rtsp, rtsps, http, https, rtmp, rtmps, srt, file or ringcast");
    }
    if (length == strlen("rtspx") && strncasecmp(url, "rtspx", length) == 0) {
        return refuse(problem,
                      "unsupported scheme \"rtspx\", which elsewhere means RTSP over TLS with a certificate "
                      "that is not checked; write \"rtsps://…\" and add tls_verify = false");
    }
    return refuse(
        problem,
        "unsupported scheme \"%.*s\"; use rtsp, rtsps, http, https, rtmp, rtmps, srt, file or ringcast",
        (int)length, url);
}

/* Length of the host that HOST begins with, brackets included, or 0. */
static size_t host_length(const char *host)
{
    if (host[0] != '[') {
        size_t length = 0;
        while (isalnum((unsigned char)host[length]) || (unsigned char)host[length] >= 0x80 ||
               (host[length] != '\0' && strchr("-._~%", host[length]))) {
            length++;
        }
        return length;
    }
    size_t inside = strspn(host + 1, "0123456789abcdefABCDEF:.");
    size_t zone = host[1 + inside] == '%' ? strcspn(host + 1 + inside, "]/?#@") : 0;
    return inside > 0 && host[1 + inside + zone] == ']' ? inside + zone + 2 : 0;
}

bool config_check_nats(const char *url, char problem[CONFIG_PROBLEM_SIZE])
{
    size_t skip = 0;
    bool nats = strncasecmp(url, "nats://", 7) == 0 || strncasecmp(url, "tls://", 6) == 0;

    if (text_has_control(url) || strpbrk(url, " ,\"<>\\")) {
        return refuse(problem, "a space, control character, comma, \", \\, < or > cannot be in a URL; "
                               "percent-encode it, and write one URL in each string");
    }
    if (!nats) {
        return refuse(problem, "not the URL of a NATS server; write \"nats://host:4222\", or "
                               "\"tls://host:4222\" for TLS");
    }
    if (config_url_userinfo(url, &skip)) {
        skip++;
    }
    const char *host = url_authority(url) + skip;
    const char *port = host + host_length(host);
    size_t rest = strcspn(port, "/?#");
    if (port == host || (rest > 0 && (port[0] != ':' || url_port(port + 1, rest - 1) <= 0))) {
        return refuse(problem,
                      "host or port are not valid; write \"nats://host:4222\", and percent-encode / ? # "
                      "@ in a user name or password");
    }
    if (port[rest] != '\0' && strcmp(port + rest, "/") != 0) {
        return refuse(problem,
                      "nothing comes after host and port; write \"nats://host:4222\", with user name and "
                      "password, if any, as \"nats://user:password@host:4222\"");
    }
    return true;
}

/* SRT has no user information, and its stream ids hold any characters. */
static bool check_stray(const char *url, char problem[CONFIG_PROBLEM_SIZE])
{
    struct camera_url parts;

    if (strncasecmp(url, "srt:", 4) == 0 || strncasecmp(url, "file:", 5) == 0 ||
        camera_url_parse(url, &parts) < 0) {
        return true;
    }
    char stray = parts.stray;
    camera_url_finish(&parts);
    if (stray == '\0') {
        return true;
    }
    return refuse(
        problem,
        "a \"%c\" cuts off the user name or password in a URL; take both out of it and write them as "
        "username = \"…\"; password = \"…\"; (in a path, write \"@\" as %%40)",
        stray);
}

bool config_check_url(const char *url, char problem[CONFIG_PROBLEM_SIZE])
{
    size_t skip = 0;
    struct camera_remote remote;

    if (text_has_control(url) || strpbrk(url, " \"<>")) {
        return refuse(problem,
                      "a space, control character, \", < or > cannot be in a URL; percent-encode it");
    }
    if (!check_url_scheme(url, problem)) {
        return false;
    }
    if (camera_is_remote(url)) {
        return camera_remote_read(url, &remote, problem);
    }
    if (!check_stray(url, problem)) {
        return false;
    }
    if (config_url_userinfo(url, &skip)) {
        skip++;
    }
    const char *host = url_authority(url) + skip;
    if (strncasecmp(url, "file:", 5) == 0) {
        return host[0] == '/' && host[1] != '\0'
                   ? true
                   : refuse(problem, "a file has an absolute path; write \"file:///path\"");
    }
    size_t length = host_length(host);
    if (length == 0) {
        return refuse(problem, "no host; write \"rtsp://host/path\"");
    }
    const char *port = host + length;
    size_t rest = strcspn(port, "/?#");
    if (rest > 0 && (port[0] != ':' || url_port(port + 1, rest - 1) <= 0)) {
        return refuse(problem,
                      "host or port are not valid; write \"rtsp://host:554/path\", and a user name or "
                      "password with / ? # @ in it as the fields username and password");
    }
    return true;
}
