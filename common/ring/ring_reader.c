/*
 * Reading entries. The reader trusts nothing that it finds in the ring (invariant R7): each value is loaded
 * once, checked, and used from the local copy; an offset comes only from a position that was checked to be
 * aligned, masked with the capacity that ringcast_open checked against the size of the object.
 *
 * The writer may overwrite an entry while it is read (R4). So whatever a function concludes from the ring's
 * content, a fragment or a contradiction, becomes its answer only in verdict(), which tests whether the
 * writer was there first.
 */
#include "common/ring/ring_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Local copy of an entry's header, of which every field was loaded exactly once. */
struct found {
    uint64_t position; /* of the fragment itself, behind padding if there was some */
    uint64_t sequence;
    int64_t decode_time, wall_ns, capture_ns, published_ns;
    uint32_t length, duration, generation, flags;
};

static const struct ring_entry *entry_at(const ringcast_reader *reader, uint64_t position)
{
    const uint8_t *data = reader->map + reader->geometry.data_offset;

    return (const struct ring_entry *)(data + (position & (reader->geometry.capacity - 1)));
}

static void load_entry(const struct ring_entry *entry, struct found *found)
{
    found->sequence = ring_load_u64(&entry->sequence);
    found->decode_time = ring_load_i64(&entry->decode_time);
    found->wall_ns = ring_load_i64(&entry->wall_ns);
    found->capture_ns = ring_load_i64(&entry->capture_ns);
    found->published_ns = ring_load_i64(&entry->published_ns);
    found->length = ring_load_u32(&entry->length);
    found->duration = ring_load_u32(&entry->duration);
    found->generation = ring_load_u32(&entry->generation);
    found->flags = ring_load_u32(&entry->flags);
}

/* The bytes from POSITION on were, or may have been, overwritten. `intent` behind POSITION is damage and
 * counts too. */
static bool lapped(const ringcast_reader *reader, uint64_t position, memory_order order)
{
    uint64_t intent = atomic_load_explicit(&ring_reader_header(reader)->intent, order);

    return intent - position > reader->geometry.capacity;
}

static int verdict(const ringcast_reader *reader, uint64_t position, int result)
{
    ring_fence(memory_order_acquire);
    if (ring_reader_gone(reader)) {
        return -EPIPE;
    }
    if (lapped(reader, position, memory_order_relaxed)) {
        return -ESTALE;
    }
    return result;
}

/*
 * Loads and checks the one header at POSITION, which lies below HEAD. 0, or -EBADMSG, which verdict() must
 * still judge. An honest entry lies whole before HEAD and before the end of the data area; padding fills the
 * latter.
 */
static int check_entry(const ringcast_reader *reader, uint64_t position, uint64_t head, struct found *found)
{
    const struct ring_entry *entry = entry_at(reader, position);

    if (ring_load_u64(&entry->position) != position) {
        return -EBADMSG;
    }
    load_entry(entry, found);
    found->position = position;
    uint64_t span = ring_entry_span(found->length);
    uint64_t room = reader->geometry.capacity - (position & (reader->geometry.capacity - 1));
    if (span > room || span > head - position) {
        return -EBADMSG;
    }
    if (found->flags & RING_PADDING) {
        return span == room ? 0 : -EBADMSG;
    }
    if (found->length == 0 || found->length > reader->geometry.capacity / RING_FRAGMENT_PART) {
        return -EBADMSG;
    }
    return found->generation != 0 && found->sequence != 0 ? 0 : -EBADMSG;
}

/* The same for the fragment at or, behind padding, after POSITION. */
static int check_fragment(const ringcast_reader *reader, uint64_t position, uint64_t head,
                          struct found *found)
{
    int result = check_entry(reader, position, head, found);
    if (result < 0 || !(found->flags & RING_PADDING)) {
        return result;
    }
    position += ring_entry_span(found->length);
    if (position == head) {
        return -EBADMSG;
    }
    result = check_entry(reader, position, head, found);
    return result < 0 || (found->flags & RING_PADDING) ? -EBADMSG : 0;
}

/* 1: *found is there, unless it was overwritten meanwhile; else what ringcast_read returns. */
static int find(const ringcast_reader *reader, const ringcast_cursor *cursor, struct found *found)
{
    const struct ring_header *header = ring_reader_header(reader);
    uint64_t position = cursor->position;

    /* The state first: what was published before the ring was retired is seen then. */
    uint32_t state = atomic_load_explicit(&header->state, memory_order_acquire);
    uint64_t head = atomic_load_explicit(&header->head, memory_order_acquire);
    if (ring_reader_gone(reader)) {
        return -EPIPE;
    }
    if (position == head) {
        return state == RING_RETIRED ? -EPIPE : 0;
    }
    if (position < RING_FIRST_POSITION || lapped(reader, position, memory_order_acquire)) {
        return verdict(reader, position, -ESTALE);
    }
    if (position > head || position % RING_ALIGN != 0) {
        return verdict(reader, position, -EBADMSG);
    }
    int result = check_fragment(reader, position, head, found);
    if (result == 0 && cursor->sequence != 0 && found->sequence != cursor->sequence + 1) {
        result = -EBADMSG;
    }
    return result < 0 ? verdict(reader, position, result) : 1;
}

/* Timescale of generation NUMBER, or 0 if it is gone. */
static uint32_t timescale_of(const ringcast_reader *reader, uint32_t number)
{
    const struct ring_generation_slot *slot = ring_reader_slot(reader, number);
    uint32_t lock = atomic_load_explicit(&slot->lock, memory_order_acquire);
    uint32_t found = atomic_load_explicit(&slot->number, memory_order_relaxed);
    uint32_t timescale = atomic_load_explicit(&slot->timescale, memory_order_relaxed);

    ring_fence(memory_order_acquire);
    if (lock % 2 != 0 || found != number || atomic_load_explicit(&slot->lock, memory_order_relaxed) != lock) {
        return 0;
    }
    return timescale;
}

static void describe(const ringcast_reader *reader, const struct found *found, ringcast_entry *entry)
{
    *entry = (ringcast_entry){
        .position = found->position,
        .sequence = found->sequence,
        .generation = found->generation,
        .flags = found->flags & RING_PUBLIC_FLAGS,
        .length = found->length,
        .decode_time = found->decode_time,
        .duration = found->duration,
        .timescale = timescale_of(reader, found->generation),
        .wall_ns = found->wall_ns,
        .capture_ns = found->capture_ns,
        .published_ns = found->published_ns,
    };
}

int ringcast_read(const ringcast_reader *reader, ringcast_cursor *cursor, void *buffer, size_t size,
                  ringcast_entry *entry)
{
    struct found found;

    int result = find(reader, cursor, &found);
    if (result != 1) {
        return result;
    }
    describe(reader, &found, entry);
    if (found.length > size) {
        return verdict(reader, cursor->position, -ENOSPC);
    }
    ring_copy(buffer, entry_at(reader, found.position) + 1, found.length);
    result = verdict(reader, cursor->position, 1);
    if (result == 1) {
        cursor->position = found.position + ring_entry_span(found.length);
        cursor->sequence = found.sequence;
    }
    return result;
}

int ringcast_peek(const ringcast_reader *reader, const ringcast_cursor *cursor, ringcast_entry *entry)
{
    struct found found;

    int result = find(reader, cursor, &found);
    if (result != 1) {
        return result;
    }
    describe(reader, &found, entry);
    return verdict(reader, cursor->position, 1);
}

int ringcast_seek_keyframe(const ringcast_reader *reader, ringcast_cursor *cursor)
{
    const struct ring_header *header = ring_reader_header(reader);
    struct found found;

    uint64_t keyframe = atomic_load_explicit(&header->keyframe, memory_order_acquire);
    uint64_t head = atomic_load_explicit(&header->head, memory_order_acquire);
    *cursor = (ringcast_cursor){.position = head};
    if (keyframe < RING_FIRST_POSITION || keyframe % RING_ALIGN != 0 || keyframe >= head ||
        lapped(reader, keyframe, memory_order_acquire)) {
        return -EAGAIN;
    }
    if (check_entry(reader, keyframe, head, &found) < 0 || (found.flags & RING_PADDING) ||
        !(found.flags & RINGCAST_KEYFRAME) || verdict(reader, keyframe, 0) < 0) {
        return -EAGAIN;
    }
    cursor->position = keyframe;
    return 0;
}

int ringcast_continue(const ringcast_reader *reader, ringcast_cursor *cursor)
{
    struct found found;

    /* The first entry of a ring lies at its first position. */
    cursor->position = RING_FIRST_POSITION;
    int result = find(reader, cursor, &found);
    if (result == 1) {
        result = verdict(reader, cursor->position, 0);
    } else if (result == 0 || result == -EPIPE) {
        return -EAGAIN;
    }
    return result < 0 ? -ESTALE : 0;
}

int ringcast_open_fd(int fd, ringcast_reader **reader)
{
    struct ring_geometry geometry;

    int result = ring_geometry_read(fd, &geometry);
    if (result < 0) {
        return result;
    }
    ringcast_reader *opened = calloc(1, sizeof(*opened));
    if (!opened) {
        return -ENOMEM;
    }
    void *map = mmap(NULL, geometry.length, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        result = -errno;
        goto free_reader;
    }
    *opened = (ringcast_reader){.map = map, .geometry = geometry};
    result = ring_fault_guard(map, geometry.length, &opened->guard);
    if (result < 0) {
        goto unmap;
    }
    *reader = opened;
    return 0;

unmap:
    munmap(map, geometry.length);
free_reader:
    free(opened);
    return result;
}

/* /dev/shm is everyone's: another user may have made the object that has a ring's name. Root may read any ring. */
static bool is_trusted(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && (status.st_uid == geteuid() || geteuid() == 0);
}

int ringcast_open(const char *name, ringcast_reader **reader)
{
    /* Not to hang on a FIFO that somebody put in the ring's place. */
    int fd = shm_open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (fd < 0) {
        return -errno;
    }
    int result = is_trusted(fd) ? ringcast_open_fd(fd, reader) : -EPERM;
    close(fd);
    /* A ring that ended and whose name is about to go: its readers come here to see what follows. */
    if (result == 0 &&
        atomic_load_explicit(&ring_reader_header(*reader)->state, memory_order_acquire) == RING_RETIRED) {
        ringcast_close(*reader);
        *reader = NULL;
        result = -ENOENT;
    }
    return result;
}

void ringcast_close(ringcast_reader *reader)
{
    if (!reader) {
        return;
    }
    ring_fault_release(reader->guard);
    munmap((void *)reader->map, reader->geometry.length);
    free(reader);
}

size_t ringcast_capacity(const ringcast_reader *reader)
{
    return (size_t)reader->geometry.capacity;
}
