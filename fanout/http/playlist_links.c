/* SPDX-License-Identifier: MIT */
#include "fanout/http/playlist_links.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URI_ATTRIBUTE "URI=\""

struct piece {
    const char *text;
    size_t length;
};

/* Letters, digits, "-" and ".", and not only dots: no scheme, no path, no query. */
static bool is_name(struct piece piece)
{
    bool other = false;

    for (size_t i = 0; i < piece.length; i++) {
        char c = piece.text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '-' && c != '.') {
            return false;
        }
        other = other || c != '.';
    }
    return other;
}

/* RFC 3986, 2.3: what stands for itself. */
static void put_token(FILE *out, const char *token)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    if (!token) {
        return;
    }
    fputs("?token=", out);
    for (; *token != '\0'; token++) {
        if (strchr(unreserved, *token)) {
            fputc(*token, out);
        } else {
            fprintf(out, "%%%02X", (unsigned)(unsigned char)*token);
        }
    }
}

static void put_piece(FILE *out, struct piece piece)
{
    fwrite(piece.text, 1, piece.length, out);
}

/* A tag, with its attribute URI if it has one. */
static bool put_tag(FILE *out, struct piece line, const char *token)
{
    char *attribute = memmem(line.text, line.length, URI_ATTRIBUTE, strlen(URI_ATTRIBUTE));

    if (!attribute) {
        put_piece(out, line);
        return true;
    }
    const char *link = attribute + strlen(URI_ATTRIBUTE), *end = line.text + line.length;
    const char *quote = memchr(link, '"', (size_t)(end - link));
    struct piece rest = {quote, quote ? (size_t)(end - quote) : 0};
    if (!quote || !is_name((struct piece){link, (size_t)(quote - link)}) ||
        memmem(rest.text, rest.length, URI_ATTRIBUTE, strlen(URI_ATTRIBUTE))) {
        return false;
    }
    put_piece(out, (struct piece){line.text, (size_t)(quote - line.text)});
    put_token(out, token);
    put_piece(out, rest);
    return true;
}

static bool put_line(FILE *out, struct piece line, const char *token)
{
    if (line.length == 0 || line.text[0] == '#') {
        return put_tag(out, line, token);
    }
    if (!is_name(line)) {
        return false;
    }
    put_piece(out, line);
    put_token(out, token);
    return true;
}

/* A carriage return would make two lines of one for some clients, and a NUL hide one. */
static bool is_text(const char *playlist, size_t length)
{
    return !memchr(playlist, '\r', length) && !memchr(playlist, '\0', length);
}

char *playlist_links_add(const char *playlist, size_t length, const char *token, size_t *added_length)
{
    const char *end = playlist + length;
    char *added = NULL;
    bool good = is_text(playlist, length);
    FILE *out = good ? open_memstream(&added, added_length) : NULL;

    if (!out) {
        return NULL;
    }
    while (good && playlist < end) {
        const char *next = memchr(playlist, '\n', (size_t)(end - playlist));
        next = next ? next : end;
        good = put_line(out, (struct piece){playlist, (size_t)(next - playlist)}, token);
        if (next < end) {
            fputc('\n', out);
        }
        playlist = next + 1;
    }
    if (fclose(out) != 0 || !good) {
        free(added);
        return NULL;
    }
    return added;
}
