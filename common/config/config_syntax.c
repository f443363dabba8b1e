/* SPDX-License-Identifier: MIT */
#include "common/config/config_syntax.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Brackets within brackets that are told apart. */
#define DEPTH_MAX 32

/* Bytes of a word that an advice repeats. */
#define WORD_MAX 40

/* What stood last, comments and blanks left out. */
enum token {
    TOKEN_NONE,
    TOKEN_WORD,   /* a setting's name, or a value without quotes */
    TOKEN_STRING, /* "…" */
    TOKEN_EQUALS, /* = or : */
    TOKEN_COMMA,
    TOKEN_OPENS,
    TOKEN_CLOSES,
    TOKEN_OTHER,
};

struct scan {
    const char *at;
    unsigned line;
    bool begins; /* nothing but blanks stood before in this line */
    enum token last;
    char last_char;       /* the first one of `last` */
    unsigned last_line;   /* where it stood */
    char open[DEPTH_MAX]; /* brackets that are not closed yet */
    unsigned opened_in[DEPTH_MAX];
    size_t depth;
    char *advice;
    unsigned found; /* the line of the advice; 0: there is none yet */
};

static void advise(struct scan *scan, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void advise(struct scan *scan, unsigned line, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(scan->advice, CONFIG_SYNTAX_SIZE, format, arguments);
    va_end(arguments);
    scan->found = line;
}

/* --- Walking over the text ------------------------------------------------------------------------------ */

static void step(struct scan *scan, size_t count)
{
    for (; count > 0 && *scan->at != '\0'; count--, scan->at++) {
        if (*scan->at == '\n') {
            scan->line++;
            scan->begins = true;
        }
    }
}

static bool starts(const struct scan *scan, const char *text)
{
    return strncmp(scan->at, text, strlen(text)) == 0;
}

/* True if a blank, or a comment, stood here and was left behind. */
static bool skip_nothing(struct scan *scan)
{
    if (isspace((unsigned char)*scan->at)) {
        step(scan, 1);
    } else if (*scan->at == '#' || starts(scan, "//")) {
        step(scan, strcspn(scan->at, "\n"));
    } else if (starts(scan, "/*")) {
        const char *end = strstr(scan->at + 2, "*/");
        step(scan, end ? (size_t)(end - scan->at) + 2 : strlen(scan->at));
    } else {
        return false;
    }
    return true;
}

static size_t string_length(const char *text)
{
    size_t length = 1;

    while (text[length] != '\0' && text[length] != '"') {
        length += text[length] == '\\' && text[length + 1] != '\0' ? 2 : 1;
    }
    return length + (text[length] == '"');
}

static size_t word_length(const char *text)
{
    size_t length = 0;

    while (isalnum((unsigned char)text[length]) || (text[length] != '\0' && strchr("_-*.", text[length]))) {
        length++;
    }
    return length;
}

/* --- What can be wrong ---------------------------------------------------------------------------------- */

/* Of a value without quotes: a number, true or false. */
static bool is_value(const char *word, size_t length)
{
    return isdigit((unsigned char)word[0]) || (length == 4 && strncasecmp(word, "true", 4) == 0) ||
           (length == 5 && strncasecmp(word, "false", 5) == 0);
}

/* "1.2.3.4" and "8080:" begin as numbers do. */
static bool is_number(const char *word, size_t length)
{
    size_t digits = strspn(word, "0123456789");

    return digits == length ||
           (word[digits] == '.' && strspn(word + digits + 1, "0123456789") == length - digits - 1) ||
           word[0] == '0' || tolower((unsigned char)word[length - 1]) == 'l';
}

static void take_word(struct scan *scan, size_t length)
{
    bool value = scan->last == TOKEN_EQUALS;
    int shown = (int)(length < WORD_MAX ? length : WORD_MAX);

    if (scan->last == TOKEN_EQUALS && scan->last_char == ':' && scan->last_line < scan->line) {
        advise(scan, scan->last_line,
               "this looks like YAML; write name = \"value\"; and lists as cameras = ( { … } );");
    } else if (value && (!is_value(scan->at, length) ||
                         (isdigit((unsigned char)*scan->at) && !is_number(scan->at, length)))) {
        advise(scan, scan->line, "a text stands in quotes: write \"%.*s…\" with \" before and after it",
               shown, scan->at);
    }
}

static void take_string(struct scan *scan, size_t length)
{
    const char *behind = scan->at + length;

    behind += strspn(behind, " \t");
    if ((*behind == ':' || *behind == '=') && scan->last != TOKEN_EQUALS) {
        advise(scan, scan->line, "the name of a setting has no quotes: write name = \"value\";");
    } else if (scan->last == TOKEN_WORD) {
        advise(scan, scan->last_line, "there is no = between a name and its value; write name = \"value\";");
    }
}

static char closing(char opening)
{
    return opening == '(' ? ')' : opening == '[' ? ']' : '}';
}

static void open_bracket(struct scan *scan, char bracket)
{
    if (bracket == '{' && scan->last == TOKEN_OPENS && scan->last_char == '[') {
        advise(scan, scan->last_line,
               "a list of groups stands in ( ) and not in [ ]: write ( { … }, { … } );");
    } else if (bracket == '{' && scan->last == TOKEN_CLOSES && scan->last_char == '}') {
        advise(scan, scan->last_line, "a comma is missing between } and {");
    } else if (scan->last == TOKEN_WORD) {
        advise(scan, scan->last_line, "there is no = before the %c; write name = %c … %c;", bracket, bracket,
               closing(bracket));
    }
    if (scan->depth < DEPTH_MAX) {
        scan->open[scan->depth] = bracket;
        scan->opened_in[scan->depth] = scan->line;
    }
    scan->depth++;
}

static void close_bracket(struct scan *scan, char bracket)
{
    if (scan->last == TOKEN_COMMA) {
        advise(scan, scan->last_line, "remove the comma: nothing follows it before the %c", bracket);
        return;
    }
    if (scan->depth == 0) {
        advise(scan, scan->line, "this %c closes nothing; remove it", bracket);
        return;
    }
    scan->depth--;
    if (scan->depth < DEPTH_MAX && closing(scan->open[scan->depth]) != bracket) {
        advise(scan, scan->line, "a %c stands where the %c of line %u is to be closed with %c", bracket,
               scan->open[scan->depth], scan->opened_in[scan->depth], closing(scan->open[scan->depth]));
    }
}

/* Bytes of a quotation mark of a word processor, or of an apostrophe, at TEXT; 0: there is none. */
static size_t foreign_quote(const char *text)
{
    static const char *const quotes[] = {"\u201c", "\u201d", "\u201e", "\u2018",
                                         "\u2019", "\u00ab", "\u00bb"};

    for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++) {
        if (strncmp(text, quotes[i], strlen(quotes[i])) == 0) {
            return strlen(quotes[i]);
        }
    }
    return *text == '\'' || *text == '`';
}

static void take_other(struct scan *scan)
{
    if (foreign_quote(scan->at) > 0) {
        advise(scan, scan->line, "a text stands in straight double quotes: write \"value\"");
    } else if (*scan->at == '-' && scan->begins && scan->at[1] == ' ') {
        advise(scan, scan->line,
               "this looks like YAML; write name = \"value\"; and lists as cameras = ( { … } );");
    }
}

/* Takes one token and looks at it with the one before it. */
static void take_token(struct scan *scan)
{
    char c = *scan->at;
    size_t length = 1;
    enum token token = TOKEN_OTHER;

    if (c == '"') {
        length = string_length(scan->at);
        token = TOKEN_STRING;
        take_string(scan, length);
    } else if (c == '-' && scan->begins && scan->at[1] == ' ') {
        take_other(scan);
    } else if (word_length(scan->at) > 0) {
        length = word_length(scan->at);
        token = TOKEN_WORD;
        take_word(scan, length);
    } else if (c == '=' || c == ':') {
        token = TOKEN_EQUALS;
    } else if (c == ',') {
        token = TOKEN_COMMA;
    } else if (strchr("([{", c)) {
        token = TOKEN_OPENS;
        open_bracket(scan, c);
    } else if (strchr(")]}", c)) {
        token = TOKEN_CLOSES;
        close_bracket(scan, c);
    } else {
        take_other(scan);
    }
    scan->last = token;
    scan->last_char = c;
    scan->last_line = scan->line;
    step(scan, length);
    scan->begins = false;
}

unsigned config_syntax_advise(const char *text, unsigned line, char advice[CONFIG_SYNTAX_SIZE])
{
    struct scan scan = {.at = text, .line = 1, .begins = true, .advice = advice};

    while (*scan.at != '\0' && scan.line <= line && scan.found == 0) {
        if (!skip_nothing(&scan)) {
            take_token(&scan);
        }
    }
    if (scan.found == 0 && *scan.at == '\0' && scan.depth > 0 && scan.depth <= DEPTH_MAX) {
        char bracket = scan.open[scan.depth - 1];
        advise(&scan, scan.opened_in[scan.depth - 1], "the %c that is opened here is never closed; add %c",
               bracket, closing(bracket));
    }
    return scan.found;
}
