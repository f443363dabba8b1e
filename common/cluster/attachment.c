/* SPDX-License-Identifier: MIT */
#include "common/cluster/attachment.h"

#include <errno.h>

#include "common/base/bytes.h"

void attachment_write(uint8_t header[ATTACHMENT_HEADER], enum attachment_type type, size_t size)
{
    bytes_put_be32(header, (uint32_t)(size + 1));
    header[4] = (uint8_t)type;
}

long attachment_read(const uint8_t header[ATTACHMENT_HEADER], uint8_t *type)
{
    uint32_t length = bytes_get_be32(header);

    if (length < 1 || length - 1 > ATTACHMENT_MAX) {
        return -EBADMSG;
    }
    *type = header[4];
    return (long)(length - 1);
}
