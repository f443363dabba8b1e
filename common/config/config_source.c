/* SPDX-License-Identifier: MIT */
/*
 * A scanner that knows just enough of libconfig's lexical rules to find @include at the beginning of a line,
 * outside strings and comments. It also does what libconfig 1.5 leaves out: an integer that does not fit 32
 * bits would be wrapped silently, so it gets the suffix of a 64-bit integer; "\x00" would cut a string
 * silently, so it is refused; a string where the grammar allows none would be leaked, so it is refused, too, which is why
 * brackets are tracked.
 */
#include "common/config/config_source.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/config/config_memory.h"
#include "common/config/config_report.h"

/* Bytes of all files together: 1000 cameras take about 200 kB. */
#define SOURCE_MAX_BYTES 4194304

/* Files within files, as deep as libconfig itself goes. */
#define INCLUDE_DEPTH_MAX 10

/* Files altogether: one per camera with the largest number of cameras, and some. */
#define INCLUDE_FILES_MAX 1100

/* Brackets within brackets: libconfig gives up at some thousands, a configuration needs three. */
#define BRACKETS_MAX 64

static const char include_word[] = "@include";

struct config_source {
    char *text;
    size_t length;
    size_t allocated;
    unsigned line; /* of the text, where the scanner is */
    struct config_places places;
    struct config_report *report; /* only while reading */
    bool failed;
    char last; /* the last token: '"' for a string, 'a' for a word, else its only character */
    char brackets[BRACKETS_MAX]; /* opened and not closed */
    size_t bracket_count;
};

/* One file while it is scanned. */
struct scanner {
    struct config_source *source;
    const char *file;
    const char *at;
    const char *end;
    unsigned line; /* of the file */
    int depth;
};

static void fail(struct config_source *source, const char *field, const char *problem)
{
    config_report_add(source->report, source->line, field, "%s", problem);
    source->failed = true;
}

/* libconfig multiplies what it is given, so the text is bounded here, not only each file. */
static void append(struct config_source *source, const char *bytes, size_t length)
{
    if (source->length + length > SOURCE_MAX_BYTES) {
        if (!source->failed) {
            fail(source, NULL,
                 "the configuration is larger than 4 MiB with all it includes; is it the right file?");
        }
        return;
    }
    if (source->length + length + 1 > source->allocated) {
        size_t larger = (source->length + length + 1) * 2;
        char *text = config_need(malloc(larger)); /* not realloc: it would leave secrets behind */
        if (source->text) {
            memcpy(text, source->text, source->length);
            explicit_bzero(source->text, source->length);
        }
        free(source->text);
        source->text = text;
        source->allocated = larger;
    }
    memcpy(source->text + source->length, bytes, length);
    source->length += length;
    source->text[source->length] = '\0';
}

/* Copies up to TO, counting lines. */
static void copy_to(struct scanner *scanner, const char *to)
{
    for (const char *byte = scanner->at; byte < to; byte++) {
        if (*byte == '\n') {
            scanner->line++;
            scanner->source->line++;
        }
    }
    append(scanner->source, scanner->at, (size_t)(to - scanner->at));
    scanner->at = to;
}

static bool looking_at(const struct scanner *scanner, const char *word)
{
    size_t length = strlen(word);

    return (size_t)(scanner->end - scanner->at) >= length && memcmp(scanner->at, word, length) == 0;
}

static bool is_within_list(const struct config_source *source)
{
    return source->bracket_count > 0 && source->brackets[source->bracket_count - 1] != '{';
}

/* A string is a value, an element of a list or array, or goes on where the string before it ended. */
static bool can_be_string(const struct config_source *source)
{
    if (source->last == ',') {
        return is_within_list(source);
    }
    return source->last != '\0' && strchr("=:([\"", source->last) != NULL;
}

static void copy_bracket(struct scanner *scanner)
{
    struct config_source *source = scanner->source;

    if (strchr("([{", *scanner->at) == NULL) {
        source->bracket_count -= source->bracket_count > 0;
    } else if (source->bracket_count < BRACKETS_MAX) {
        source->brackets[source->bracket_count++] = *scanner->at;
    } else {
        fail(source, NULL, "brackets within brackets, too many of them; close them earlier");
    }
    copy_to(scanner, scanner->at + 1);
}

static void copy_string(struct scanner *scanner)
{
    const char *at = scanner->at + 1;

    if (!can_be_string(scanner->source)) {
        fail(scanner->source, NULL, "a string without = before it; write name = \"value\";");
    }
    for (; at < scanner->end && *at != '"'; at++) {
        if (*at != '\\' || at + 1 == scanner->end) {
            continue;
        }
        if (scanner->end - at >= 4 && memcmp(at, "\\x00", 4) == 0) {
            copy_to(scanner, at);
            fail(scanner->source, NULL, "a string cannot hold a NUL character; remove \\x00");
        }
        at++;
    }
    if (at >= scanner->end) {
        fail(scanner->source, NULL, "this string is never closed; add a \" at its end");
        at = scanner->end - 1;
    }
    copy_to(scanner, at + 1);
}

static void copy_line_comment(struct scanner *scanner)
{
    const char *newline = memchr(scanner->at, '\n', (size_t)(scanner->end - scanner->at));

    copy_to(scanner, newline ? newline : scanner->end);
}

static void copy_block_comment(struct scanner *scanner)
{
    const char *close = memmem(scanner->at + 2, (size_t)(scanner->end - scanner->at) - 2, "*/", 2);

    if (!close) {
        fail(scanner->source, NULL, "this comment is never closed; add */ at its end");
    }
    copy_to(scanner, close ? close + 2 : scanner->end);
}

static void copy_name(struct scanner *scanner)
{
    const char *at = scanner->at;

    while (at < scanner->end && (isalnum((unsigned char)*at) || strchr("_-*", *at))) {
        at++;
    }
    copy_to(scanner, at);
}

/*
 * A number and what sticks to it. Only a plain decimal or hexadecimal integer is looked at. One that does not fit an int is
 * replaced by its 64-bit form, one that does not fit that either by the largest integer, which every range check refuses.
 */
static void copy_number(struct scanner *scanner)
{
    char digits[32] = "";
    char *rest;
    const char *at = scanner->at + 1;

    while (at < scanner->end && (isalnum((unsigned char)*at) || *at == '.')) {
        at++;
    }
    size_t length = (size_t)(at - scanner->at);
    memcpy(digits, scanner->at, length < sizeof(digits) ? length : sizeof(digits) - 1);
    bool hexadecimal = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    errno = 0;
    long long value = strtoll(digits, &rest, hexadecimal ? 16 : 10);
    bool whole = *rest == '\0' || strcmp(rest, "L") == 0 || strcmp(rest, "LL") == 0;
    if (whole && (length >= sizeof(digits) || errno == ERANGE || value > INT_MAX || value < INT_MIN)) {
        int written = snprintf(digits, sizeof(digits), "%lldL", length >= sizeof(digits) ? LLONG_MAX : value);
        append(scanner->source, digits, (size_t)written);
        scanner->at = at;
        return;
    }
    copy_to(scanner, at);
}

static bool starts_number(const struct scanner *scanner)
{
    unsigned char first = (unsigned char)scanner->at[0];

    if (isdigit(first)) {
        return true;
    }
    return (first == '-' || first == '+') && scanner->end - scanner->at > 1 &&
           isdigit((unsigned char)scanner->at[1]);
}

static void include_file(struct scanner *scanner);

/* Spaces at the beginning of a line, and an @include after them. */
static void copy_line_start(struct scanner *scanner)
{
    const char *at = scanner->at;

    while (at < scanner->end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    copy_to(scanner, at);
    if (looking_at(scanner, include_word)) {
        include_file(scanner);
    }
}

/* Space and comments. False: something else is next. */
static bool copy_space(struct scanner *scanner)
{
    if (isspace((unsigned char)*scanner->at)) {
        copy_to(scanner, scanner->at + 1);
    } else if (*scanner->at == '#' || looking_at(scanner, "//")) {
        copy_line_comment(scanner);
    } else if (looking_at(scanner, "/*")) {
        copy_block_comment(scanner);
    } else {
        return false;
    }
    return true;
}

static void copy_token(struct scanner *scanner)
{
    const char *start = scanner->at;
    unsigned char first = (unsigned char)*start;
    bool word = starts_number(scanner) || isalpha(first) || first == '*';

    if (starts_number(scanner)) {
        copy_number(scanner);
    } else if (word) {
        copy_name(scanner);
    } else if (first == '"') {
        copy_string(scanner);
    } else if (strchr("([{}])", first) != NULL) {
        copy_bracket(scanner);
    } else {
        copy_to(scanner, scanner->at + 1);
    }
    scanner->source->last = *start;
    if (word) {
        scanner->source->last = 'a';
    }
}

static void scan(struct scanner *scanner)
{
    copy_line_start(scanner);
    while (scanner->at < scanner->end && !scanner->source->failed) {
        bool newline = *scanner->at == '\n';
        if (!copy_space(scanner)) {
            copy_token(scanner);
        } else if (newline) {
            copy_line_start(scanner);
        }
    }
}

/* NULL; or why the file must not be read. */
static const char *check_file(int fd, size_t *size, bool *is_public)
{
    struct stat status;

    if (fstat(fd, &status) < 0) {
        return strerror(errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return S_ISDIR(status.st_mode) ? "it is a directory" : "it is not a regular file";
    }
    if (status.st_size > SOURCE_MAX_BYTES) {
        return "it is larger than 4 MiB";
    }
    *size = (size_t)status.st_size;
    *is_public = (status.st_mode & S_IROTH) != 0;
    return NULL;
}

/* Reads SIZE bytes into CONTENT, which has room for one more. NULL, or what went wrong. */
static const char *read_content(int fd, char *content, size_t size)
{
    size_t length = 0;

    for (;;) {
        ssize_t got = read(fd, content + length, size + 1 - length);
        if (got < 0) {
            return strerror(errno);
        }
        length += (size_t)got;
        if (length > size || (got == 0 && length < size)) {
            return "it changed while it was read";
        }
        if (got == 0) {
            return memchr(content, '\0', size) ? "it holds a NUL byte, so it is not a text file" : NULL;
        }
    }
}

/* The whole file, malloc'ed; NULL, and *problem says why. */
static char *read_descriptor(int fd, size_t *length, bool *is_public, const char **problem)
{
    *problem = check_file(fd, length, is_public);
    if (*problem) {
        return NULL;
    }
    char *content = config_need(malloc(*length + 1));
    *problem = read_content(fd, content, *length);
    if (*problem) {
        explicit_bzero(content, *length);
        free(content);
        return NULL;
    }
    return content;
}

/*
 * Adds the content of FILE, which the source keeps. FIELD and HINT are for the error when it cannot be read.
 */
static void add_file(struct config_source *source, const char *file, int depth, const char *field,
                     const char *hint)
{
    size_t length = 0;
    const char *problem = NULL;
    char *content = NULL;
    bool is_public = false;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0) {
        problem = strerror(errno);
    } else {
        content = read_descriptor(fd, &length, &is_public, &problem);
    }
    if (!content) {
        config_report_add(source->report, field ? source->line : 0, field, "%s%scannot be read: %s; %s",
                          field ? file : "", field ? " " : "", problem, hint);
        source->failed = true;
    } else {
        if (is_public) {
            config_places_note_public(&source->places, file);
        }
        config_places_begin(&source->places, source->line, file, 1);
        struct scanner scanner = {.source = source,
                                  .file = file,
                                  .at = content,
                                  .end = content + length,
                                  .line = 1,
                                  .depth = depth};
        scan(&scanner);
        explicit_bzero(content, length);
        free(content);
    }
    if (fd >= 0) {
        close(fd);
    }
}

/*
 * The name between the quotes that the scanner is at, relative to the file it stands in; NULL: there is none.
 */
static char *take_include_name(struct scanner *scanner)
{
    const char *slash = strrchr(scanner->file, '/');
    const char *start = scanner->at + strlen(include_word);

    while (start < scanner->end && (*start == ' ' || *start == '\t')) {
        start++;
    }
    if (start == scanner->end || *start++ != '"') {
        return NULL;
    }
    const char *close = start;
    while (close < scanner->end && *close != '"' && *close != '\n') {
        close++;
    }
    if (close == scanner->end || *close != '"' || close == start) {
        return NULL;
    }
    scanner->at = close + 1;
    char *name = NULL;
    int prefix = slash && *start != '/' ? (int)(slash - scanner->file) + 1 : 0;
    if (asprintf(&name, "%.*s%.*s", prefix, scanner->file, (int)(close - start), start) < 0) {
        abort();
    }
    return name;
}

static void include_file(struct scanner *scanner)
{
    struct config_source *source = scanner->source;
    char *name = take_include_name(scanner);

    if (!name) {
        fail(source, include_word, "no file is named; write @include \"file\"");
        return;
    }
    const char *file = config_places_add_file(&source->places, name);
    if (scanner->depth + 1 > INCLUDE_DEPTH_MAX || source->places.file_count > INCLUDE_FILES_MAX) {
        fail(source, include_word, "too many files include each other; does one include itself?");
        return;
    }
    add_file(source, file, scanner->depth + 1, include_word,
             "a relative name is looked for beside the file that includes it");
    append(source, "\n", 1); /* ends a comment on the included file's last line */
    if (!source->failed) {
        source->line++;
        config_places_begin(&source->places, source->line, scanner->file, scanner->line);
    }
}

struct config_source *config_source_create(const char *path, struct config_report *report)
{
    struct config_source *source = config_need(calloc(1, sizeof(*source)));

    source->line = 1;
    source->report = report;
    const char *file = config_places_add_file(&source->places, strdup(path));
    add_file(source, file, 0, NULL, "name a configuration file that this user can read");
    source->report = NULL;
    return source;
}

void config_source_destroy(struct config_source *source)
{
    if (!source) {
        return;
    }
    config_places_finish(&source->places);
    if (source->text) {
        explicit_bzero(source->text, source->length);
    }
    free(source->text);
    free(source);
}

const char *config_source_text(const struct config_source *source)
{
    if (source->failed) {
        return NULL;
    }
    return source->text ? source->text : "";
}

const struct config_places *config_source_places(const struct config_source *source)
{
    return &source->places;
}
