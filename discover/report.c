/* SPDX-License-Identifier: MIT */
#include "discover/report.h"

#include <errno.h>
#include <poll.h>

#include "common/ipc/channel.h"

int report_send(int channel, json_t *message)
{
    int result = message ? channel_send(channel, message, NULL, 0) : -ENOMEM;

    while (result == -EAGAIN) {
        struct pollfd writable = {.fd = channel, .events = POLLOUT};
        poll(&writable, 1, -1);
        result = channel_send(channel, message, NULL, 0);
    }
    json_decref(message);
    return result;
}
