/* SPDX-License-Identifier: MIT */
#include "ctl/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "common/log/log.h"
#include "ctl/request.h"

/* Bytes of a line; a longer one is cut, because half a secret is not known to the redaction. */
#define LINE_SIZE 16384

static const char *const secret_names[] = {"user",   "password", "passwd", "pwd",
                                           "secret", "token",    "key",    "login"};

/* Whether the word that ends before END, at or behind BEGIN, is the name of a setting whose value may be secret. */
static bool names_secret(const char *begin, const char *end)
{
    while (end > begin && strchr(" \t=:", end[-1])) {
        end--;
    }
    const char *word = end;
    while (word > begin && !strchr(" \t{}(),;=#\"", word[-1])) {
        word--;
    }
    for (size_t i = 0; i < sizeof(secret_names) / sizeof(secret_names[0]); i++) {
        size_t length = strlen(secret_names[i]);
        for (const char *at = word; at + length <= end; at++) {
            if (strncasecmp(at, secret_names[i], length) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* The quotation mark that ends the string whose text begins at TEXT, or the end of the line. */
static char *end_of_string(char *text)
{
    while (*text != '\0' && *text != '"') {
        text += text[0] == '\\' && text[1] != '\0' ? 2 : 1;
    }
    return text;
}

/* Puts "***" in place of what lies between BEGIN and END, if that is anything; the new end. */
static char *replace(char *begin, char *end, const char *limit)
{
    static const char stars[] = "***";
    size_t length = strlen(stars), rest = strlen(end) + 1;

    if (end == begin || begin + length + rest > limit) {
        return end;
    }
    memmove(begin + length, end, rest);
    memcpy(begin, stars, length);
    return begin + length;
}

/* Of a URL: its user information, and its query, which in some cameras' URLs has the password. */
static char *hide_in_url(char *begin, char *end, const char *limit)
{
    char *host = strstr(begin, "://");

    if (!host || host > end) {
        return end;
    }
    host += 3;
    char *at = NULL;
    for (char *p = host; p < end && *p != '?'; p++) {
        at = *p == '@' ? p : at;
    }
    if (at) {
        char *moved = replace(host, at, limit);
        end += moved - at;
    }
    char *query = memchr(host, '?', (size_t)(end - host));
    return query ? replace(query + 1, end, limit) : end;
}

void bundle_hide(char *line, size_t size)
{
    const char *limit = line + size;

    for (char *quote = strchr(line, '"'); quote; quote = strchr(quote, '"')) {
        char *text = quote + 1, *end = end_of_string(text);
        end = names_secret(line, quote) ? replace(text, end, limit) : hide_in_url(text, end, limit);
        if (*end == '\0') {
            return;
        }
        quote = end + 1;
    }
}

/* --- The file -------------------------------------------------------------------------------------------- */

/* Writes TEXT line by line, redacted. */
static void put_text(FILE *file, const char *text)
{
    char line[LINE_SIZE];

    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        snprintf(line, sizeof(line), "%.*s", (int)(length < sizeof(line) ? length : sizeof(line) - 1), text);
        log_redact(line, sizeof(line));
        fprintf(file, "%s\n", line);
        text += length + (text[length] == '\n' ? 1 : 0);
    }
}

static void put_title(FILE *file, const char *title)
{
    fprintf(file, "\n=== ");
    put_text(file, title);
}

static void put_json(FILE *file, const char *title, const json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(1) | JSON_ENSURE_ASCII);

    put_title(file, title);
    put_text(file, text ? text : "");
    free(text);
}

/* The file as it is, but for secrets. */
static void put_file(FILE *file, const char *path, bool configuration)
{
    char line[LINE_SIZE];
    FILE *source = fopen(path, "re");

    put_title(file, path);
    if (!source) {
        fprintf(file, "(cannot be read: %s)\n", strerror(errno));
        return;
    }
    while (fgets(line, sizeof(line), source)) {
        line[strcspn(line, "\n")] = '\0';
        if (configuration) {
            bundle_hide(line, sizeof(line));
        }
        put_text(file, line);
    }
    fclose(source);
}

static void put_system(FILE *file)
{
    struct utsname name;

    put_title(file, "system");
    fprintf(file, "ringcastctl %s\n", RINGCAST_VERSION);
    if (uname(&name) == 0) {
        fprintf(file, "%s %s %s %s\n", name.sysname, name.release, name.version, name.machine);
    }
    put_file(file, "/etc/os-release", false);
    put_file(file, "/proc/meminfo", false);
    put_file(file, "/proc/loadavg", false);
}

/* MEMBER: "camera" or "process". */
static void put_log(FILE *file, struct client *client, const char *member, const char *name)
{
    json_t *request = message_new("log"), *reply = NULL, *line;
    size_t index;

    json_object_set_new(request, member, json_string(name));
    if (client_ask(client, request, &reply) == EXIT_CODE_OK && message_is(reply, "log")) {
        put_title(file, name);
        json_array_foreach(json_object_get(reply, "lines"), index, line) {
            put_text(file, json_is_string(line) ? json_string_value(line) : "");
            fputs("\n", file);
        }
        put_json(file, "its last end", json_object_get(reply, "last_exit"));
    }
    json_decref(reply);
}

static void put_logs(FILE *file, struct client *client, const json_t *status)
{
    static const char *const processes[] = {"fanout", "template", "keeper"};
    const json_t *camera;
    size_t index;

    for (size_t i = 0; i < sizeof(processes) / sizeof(processes[0]); i++) {
        put_log(file, client, "process", processes[i]);
    }
    json_array_foreach(json_object_get(status, "cameras"), index, camera) {
        put_log(file, client, "camera", message_string(camera, "name", ""));
    }
}

enum exit_code bundle_write(const char *path, const json_t *findings, const char *config_path,
                            const json_t *status, struct client *client, const struct options *options)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (!file) {
        client_complain("%s: %s", path, strerror(errno));
        return EXIT_CODE_FAILED;
    }
    fputs("A report for ringcast. Passwords, user names and queries of URLs are left out; names and "
          "addresses of cameras are in it: look\n"
          "through it before you publish it.\n",
          file);
    put_json(file, "findings", findings);
    put_system(file);
    if (config_path) {
        put_file(file, config_path, true);
    }
    if (status) {
        put_json(file, "status", status);
    }
    if (client) {
        put_logs(file, client, status);
    }
    bool failed = ferror(file) != 0;
    if (fclose(file) != 0 || failed) {
        client_complain("%s: it could not be written", path);
        return EXIT_CODE_FAILED;
    }
    if (!options->json) {
        printf("%s: for a report; look through it before you publish it\n", path);
    }
    return EXIT_CODE_OK;
}
