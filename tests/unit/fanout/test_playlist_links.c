/* SPDX-License-Identifier: MIT */
/* Links of a playlist: each gets the token, and none leads anywhere but beside the playlist. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fanout/http/playlist_links.h"

static void expect(const char *playlist, const char *token, const char *expected)
{
    size_t length = 0;
    char *copy = malloc(strlen(playlist) + 1); /* without a NUL, and of just that length for a sanitizer */
    memcpy(copy, playlist, strlen(playlist));
    char *added = playlist_links_add(copy, strlen(playlist), token, &length);

    free(copy);
    if (!expected) {
        assert_null(added);
        return;
    }
    assert_non_null(added);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(added, expected, length);
    free(added);
}

static void every_link_gets_the_token(void **state)
{
    (void)state;
    expect("#EXTM3U\n"
           "#EXT-X-MAP:URI=\"main-1-i1.mp4\"\n"
           "#EXT-X-PART:DURATION=0.34,URI=\"main-1-p1.m4s\",INDEPENDENT=YES\n"
           "\n"
           "#EXTINF:2.0,\n"
           "main-1-s1.m4s\n"
           "#EXT-X-RENDITION-REPORT:URI=\"sub.m3u8\",LAST-MSN=1\n",
           "a b\"&\xC3\xA9~",
           "#EXTM3U\n"
           "#EXT-X-MAP:URI=\"main-1-i1.mp4?token=a%20b%22%26%C3%A9~\"\n"
           "#EXT-X-PART:DURATION=0.34,URI=\"main-1-p1.m4s?token=a%20b%22%26%C3%A9~\",INDEPENDENT=YES\n"
           "\n"
           "#EXTINF:2.0,\n"
           "main-1-s1.m4s?token=a%20b%22%26%C3%A9~\n"
           "#EXT-X-RENDITION-REPORT:URI=\"sub.m3u8?token=a%20b%22%26%C3%A9~\",LAST-MSN=1\n");
    expect("#EXTM3U\nmain.m3u8", "t", "#EXTM3U\nmain.m3u8?token=t");
    expect("#EXTM3U\nmain.m3u8\n", NULL, "#EXTM3U\nmain.m3u8\n");
    expect("", "t", "");
}

static void no_link_leads_elsewhere(void **state)
{
    static const char *const links[] = {
        "https://elsewhere/x.m3u8",
        "//elsewhere/x",
        "/x.m3u8",
        "a/b",
        "..",
        ".",
        "x?y",
        "x#y",
        "x y",
        "\\x",
        "x%2F",
        "data:,",
        "",
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        if (links[i][0] != '\0') {
            strcpy(text, "#EXTM3U\n");
            strcat(text, links[i]);
            strcat(text, "\n");
            expect(text, "t", NULL);
            expect(text, NULL, NULL); /* nor without a token */
        }
        strcpy(text, "#EXT-X-MAP:URI=\"");
        strcat(text, links[i]);
        strcat(text, "\"\n");
        expect(text, "t", NULL);
    }
    expect("#EXT-X-MAP:URI=\"main.mp4\n", "t", NULL);
    expect("#EXT-X-MAP:URI=\"main.mp4\",URI=\"https://elsewhere/\"\n", "t", NULL);
    expect("#EXTM3U\r\nx.m3u8\r\n", "t", NULL);
    expect("#X\rhttps://elsewhere/\n", "t", NULL);
    size_t length;
    assert_null(playlist_links_add("#X\0\nhttps://x/\n", 15, "t", &length));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_link_gets_the_token),
        cmocka_unit_test(no_link_leads_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
