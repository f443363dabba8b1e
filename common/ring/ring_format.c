/* SPDX-License-Identifier: MIT */
#include "common/ring/ring_format.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static bool identity_valid(const struct ring_identity *identity)
{
    uint64_t slots = (uint64_t)identity->header_size + RING_GENERATIONS * sizeof(struct ring_generation_slot);

    return memcmp(identity->magic, RING_MAGIC, sizeof(identity->magic)) == 0 &&
           identity->version_major == RING_VERSION_MAJOR &&
           (identity->incompatible_flags & ~RING_KNOWN_INCOMPATIBLE) == 0 &&
           identity->header_size >= sizeof(struct ring_header) && identity->header_size % RING_ALIGN == 0 &&
           identity->capacity >= RING_CAPACITY_MIN && identity->capacity <= RING_CAPACITY_MAX &&
           identity->capacity % RING_CAPACITY_STEP == 0 &&
           (ring_is_power_of_two(identity->capacity) ||
            (identity->incompatible_flags & RING_ANY_CAPACITY) != 0) &&
           identity->data_offset >= slots && identity->data_offset <= RING_DATA_OFFSET_MAX &&
           identity->data_offset % RING_ALIGN == 0;
}

/* An index that does not lie where it should is left alone: the ring can be read without it. */
static void read_index(const struct ring_identity *identity, struct ring_geometry *geometry)
{
    uint64_t slots = (uint64_t)identity->header_size + RING_GENERATIONS * sizeof(struct ring_generation_slot);
    uint32_t count = identity->index_count;
    uint64_t end = (uint64_t)identity->index_offset + (uint64_t)count * sizeof(struct ring_index_place);

    if ((identity->compatible_flags & RING_HAS_INDEX) && count > 0 && count <= RING_INDEX_MAX &&
        (count & (count - 1)) == 0 && identity->index_offset % RING_ALIGN == 0 &&
        identity->index_offset >= slots && end <= identity->data_offset) {
        geometry->index_offset = identity->index_offset;
        geometry->index_count = count;
        geometry->index_spacing_ms = identity->index_spacing_ms;
    }
}

int ring_geometry_read(int fd, struct ring_geometry *geometry)
{
    struct ring_identity identity;
    struct stat status;

    if (fstat(fd, &status) < 0) {
        return -errno;
    }
    if (!S_ISREG(status.st_mode)) {
        return -EPROTO;
    }
    ssize_t got = pread(fd, &identity, sizeof(identity), 0);
    if (got < 0) {
        return -errno;
    }
    if ((size_t)got != sizeof(identity) || !identity_valid(&identity)) {
        return -EPROTO;
    }
    if ((uint64_t)status.st_size < identity.data_offset + identity.capacity) {
        return -EPROTO;
    }
    *geometry = (struct ring_geometry){
        .capacity = identity.capacity,
        .slots_offset = identity.header_size,
        .data_offset = (size_t)identity.data_offset,
        .length = (size_t)(identity.data_offset + identity.capacity),
    };
    read_index(&identity, geometry);
    return 0;
}

bool ring_codecs_valid(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,-_+% ";

    return text[strspn(text, allowed)] == '\0';
}
