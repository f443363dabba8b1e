/* SPDX-License-Identifier: MIT */
/*
 * What a viewer sends over its WebSocket, with one camera or several: a text message in pieces of any size, and a close frame's payload. The first byte
 * chooses the size of the pieces.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "fanout/feed/bundle.h"
#include "fanout/http/bundle_command.h"
#include "fanout/http/close_frame.h"
#include "fanout/http/viewer_command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool is_utf8_in_pieces(const uint8_t *data, size_t size, size_t piece)
{
    struct text_stream stream = {0};
    bool valid = true;

    for (size_t at = 0; valid && at < size; at += piece) {
        valid = text_stream_add(&stream, data + at, size - at < piece ? size - at : piece);
    }
    return text_stream_end(&stream) && valid;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    size_t piece = 1 + data[0] % 7;
    data++;
    size--;
    char *text = malloc(size + 1);
    if (!text) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';

    bool valid = is_utf8_in_pieces(data, size, piece);
    require(valid == is_utf8_in_pieces(data, size, size + 1));
    if (strlen(text) == size) {
        require(valid == text_is_utf8(text));
    }
    struct viewer_command command = viewer_command_parse(text, size);
    require(command.kind == VIEWER_COMMAND_NONE || valid);

    struct bundle_command bundle = bundle_command_parse(text, size);
    require(bundle.kind == BUNDLE_COMMAND_WRONG || valid);
    require((bundle.kind == BUNDLE_COMMAND_WRONG) == (bundle.error != NULL));
    require(bundle.id <= BUNDLE_ID_MAX &&
            strnlen(bundle.camera, sizeof(bundle.camera)) < sizeof(bundle.camera));
    require(bundle.id > 0 ||
            (bundle.kind != BUNDLE_COMMAND_SUBSCRIBE && bundle.kind != BUNDLE_COMMAND_UNSUBSCRIBE &&
             bundle.kind != BUNDLE_COMMAND_CHANGE));

    const char *reason = NULL;
    uint16_t code = close_frame_check(data, size, &reason);
    require(code == 0 || ((code == 1002 || code == 1007) && reason));
    require(size != 1 || code == 1002);
    require(code != 0 || size < 2 || is_utf8_in_pieces(data + 2, size - 2, piece));
    free(text);
    return 0;
}
