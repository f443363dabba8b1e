/* SPDX-License-Identifier: MIT */
/*
 * A control message of any content: it is refused with a reason, or it is an object with version and type
 * that comes back the same when it is encoded and decoded again.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/ipc/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *error = NULL;
    size_t length = 0;
    json_t *message = message_decode(data, size, &error);

    require((message == NULL) == (error != NULL));
    if (message == NULL) {
        return 0;
    }
    require(message_type(message) != NULL && message_is(message, message_type(message)));
    require(message_integer(message, "v", 0) == MESSAGE_VERSION);
    message_string(message, "camera", NULL);
    message_boolean(message, "audio", false);
    char *text = message_encode(message, &length);
    if (text != NULL) { /* it may have grown over the limit: escapes are longer than what they stand for */
        json_t *again = message_decode(text, length, &error);
        require(again != NULL && json_equal(message, again));
        json_decref(again);
        free(text);
    }
    json_decref(message);
    return 0;
}
