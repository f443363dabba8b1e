/* SPDX-License-Identifier: MIT */
/*
 * The links of an HLS playlist (RFC 8216bis), which ringcast-hls writes as names beside it. A client whose right is a token in the address gets
 * the token in each link, because it has no other way to show it. No program sees the token; and one that was taken over cannot have it carried
 * elsewhere, because every link is checked to be such a name. Pure functions; ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_PLAYLIST_LINKS_H
#define FANOUT_HTTP_PLAYLIST_LINKS_H

#include <stddef.h>

/*
 * PLAYLIST with the query TOKEN added to each link; TOKEN is decoded; NULL: nothing is added. The text, which the caller frees, and its
 * *ADDED_LENGTH; NULL: a link is not the name of a file beside the playlist, or there is no memory.
 */
char *playlist_links_add(const char *playlist, size_t length, const char *token, size_t *added_length);

#endif
