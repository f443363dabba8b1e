/* SPDX-License-Identifier: MIT */
/*
 * The ring reader on memory that the fuzzer wrote. An input is a list of steps, one byte each and then its
 * arguments: change the shared memory, cut it off, open it, or call a function of libringcast. Each input
 * begins with the same sound ring, so that damage meets something to damage. What the header promises is
 * checked; a broken promise aborts.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/ring/ring_create.h"
#include "common/ring/ring_format.h"
#include "common/ring/ring_writer.h"
#include "common/ring/ringcast.h"

#define CAPACITY 65536u
#define DATA_OFFSET (RING_DATA_OFFSET + 4096u) /* the index takes a page */
#define OBJECT_SIZE (DATA_OFFSET + CAPACITY)
#define READS_AT_THE_END 100

enum step {
    STEP_RAW,     /* the rest of the input lies at the start of the object */
    STEP_PATCH,   /* u8 region, u16 offset, u8 length, bytes */
    STEP_COUNTER, /* u8 which, u64 value */
    STEP_NUDGE,   /* u8 which, i8 steps of 64 bytes */
    STEP_CUT,     /* u16 length in units of 8 bytes */
    STEP_OPEN,
    STEP_SEEK,
    STEP_READ, /* u16 size of the buffer */
    STEP_PEEK,
    STEP_INIT,   /* u8 number, u16 size of the buffer */
    STEP_CURSOR, /* u64 position, u8 sequence */
    STEP_WAIT,
    STEP_TIME, /* i64 time */
    STEPS
};

struct input {
    const uint8_t *data;
    size_t size;
};

static int object = -1;
static uint8_t *memory; /* the object, mapped writable */
static uint8_t sound[OBJECT_SIZE];
static uint64_t newest_position;
static ringcast_reader *reader;
static ringcast_cursor cursor;

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

static uint64_t take(struct input *input, size_t bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes && input->size > 0; i++, input->data++, input->size--) {
        value |= (uint64_t)*input->data << (8 * i);
    }
    return value;
}

/* Three generations, a lap and a half of fragments with padding between. */
static void write_sound_ring(struct ring_writer *writer)
{
    struct ring_stream stream = {
        .codecs = "avc1.64001F", .init = "ftypmoov", .init_length = 8, .timescale = 90000};

    for (unsigned i = 0; i < 45; i++) {
        struct ring_fragment fragment = {.flags = i % 5 == 0 ? RINGCAST_KEYFRAME : 0, .duration = 3600};
        size_t length = 1 + (i * 977) % 4500;
        if (i % 15 == 0) {
            require(ring_writer_begin_generation(writer, &stream) == 0);
        }
        uint8_t *room = ring_writer_reserve(writer, length);
        require(room != NULL);
        memset(room, (int)i, length);
        require(ring_writer_publish(writer, &fragment) == 0);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char name[RING_NAME_SIZE];
    char instance[32];
    struct ring_descriptors descriptors;
    struct ring_writer *writer;
    (void)argc;
    (void)argv;

    snprintf(instance, sizeof(instance), "fuzz-%d", (int)getpid());
    require(ring_name(name, instance, "camera") == 0);
    require(ring_create(name, CAPACITY, 1, 0, &descriptors) == 0);
    require(ring_unlink(name) == 0);
    close(descriptors.reader);
    object = descriptors.writer;
    const uint32_t spacing_ms = 0; /* every keyframe is noted */
    require(pwrite(object, &spacing_ms, sizeof(spacing_ms),
                   offsetof(struct ring_identity, index_spacing_ms)) == sizeof(spacing_ms));
    require(ring_writer_attach(dup(object), -1, &writer) == 0);
    write_sound_ring(writer);
    ring_writer_detach(writer);
    memory = mmap(NULL, OBJECT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
    require(memory != MAP_FAILED);
    memcpy(sound, memory, OBJECT_SIZE);
    newest_position = atomic_load(&((struct ring_header *)memory)->newest);
    return 0;
}

static void step_raw(struct input *input)
{
    size_t length = input->size < OBJECT_SIZE ? input->size : OBJECT_SIZE;

    memcpy(memory, input->data, length);
    input->size = 0;
}

static void step_patch(struct input *input)
{
    const uint64_t bases[] = {0,
                              sizeof(struct ring_header),
                              DATA_OFFSET,
                              DATA_OFFSET + (newest_position & (CAPACITY - 1)),
                              offsetof(struct ring_header, intent),
                              RING_DATA_OFFSET};
    uint64_t offset = bases[take(input, 1) % 6] + take(input, 2);
    size_t length = take(input, 1);

    for (size_t i = 0; i < length && input->size > 0; i++) {
        memory[(offset + i) % OBJECT_SIZE] = (uint8_t)take(input, 1);
    }
}

static _Atomic uint64_t *counter(uint64_t which)
{
    struct ring_header *header = (struct ring_header *)memory;
    struct ring_entry *entry =
        (struct ring_entry *)(memory + DATA_OFFSET + (newest_position & (CAPACITY - 1)));
    _Atomic uint64_t *const counters[] = {&header->intent,   &header->newest,  &header->head,
                                          &header->keyframe, &entry->position, &entry->sequence,
                                          &header->indexed};

    return counters[which % 7];
}

static void step_open(void)
{
    ringcast_close(reader);
    reader = NULL;
    int result = ringcast_open_fd(object, &reader);
    require(result == 0 || result == -EPROTO);
    if (result == 0) {
        require(ringcast_capacity(reader) <= OBJECT_SIZE);
    }
}

static void check_entry(const ringcast_entry *entry)
{
    require(entry->length > 0 && entry->length <= ringcast_capacity(reader) / 4);
    require(entry->sequence != 0 && entry->generation != 0 && entry->flags <= 3);
}

/* What ringcast_read says. */
static int step_read(size_t size)
{
    uint8_t *buffer = malloc(size ? size : 1);
    ringcast_cursor before = cursor;
    ringcast_entry entry;

    require(buffer != NULL);
    int result = ringcast_read(reader, &cursor, buffer, size, &entry);
    free(buffer);
    require(result == 1 || memcmp(&before, &cursor, sizeof(cursor)) == 0);
    if (result == 1) {
        check_entry(&entry);
        require(entry.length <= size && cursor.position > before.position &&
                cursor.sequence == entry.sequence);
    } else if (result == -ENOSPC) {
        check_entry(&entry);
        require(entry.length > size);
    } else {
        require(result == 0 || result == -ESTALE || result == -EBADMSG || result == -EPIPE);
    }
    return result;
}

static void step_peek(void)
{
    ringcast_entry entry;

    int result = ringcast_peek(reader, &cursor, &entry);
    if (result == 1) {
        check_entry(&entry);
    } else {
        require(result == 0 || result == -ESTALE || result == -EBADMSG || result == -EPIPE);
    }
}

static void step_init(uint32_t number, size_t size)
{
    uint8_t *buffer = malloc(size ? size : 1);
    ringcast_generation generation;

    require(buffer != NULL);
    int result = ringcast_init_segment(reader, number, buffer, size, &generation);
    free(buffer);
    if (result == 0 || result == -ENOSPC) {
        require((generation.init_length <= size) == (result == 0));
        require(generation.init_length <= RINGCAST_INIT_MAX && generation.timescale != 0);
        require(memchr(generation.codecs, '\0', sizeof(generation.codecs)) != NULL);
        require(number == 0 || generation.number == number);
    } else {
        require(result == -EAGAIN || result == -ESTALE || result == -EBADMSG);
    }
}

static void step_use(enum step step, struct input *input)
{
    int result;

    switch (step) {
    case STEP_SEEK:
        result = ringcast_seek_keyframe(reader, &cursor);
        require(result == 0 || result == -EAGAIN);
        break;
    case STEP_TIME:
        result = ringcast_seek_time(reader, &cursor, (int64_t)take(input, 8));
        require(result == 0 || result == -EAGAIN);
        break;
    case STEP_READ:
        step_read(take(input, 2));
        break;
    case STEP_PEEK:
        step_peek();
        break;
    case STEP_INIT:
        step_init((uint32_t)take(input, 1), take(input, 2));
        break;
    case STEP_CURSOR:
        cursor.position = take(input, 8);
        cursor.sequence = take(input, 1);
        break;
    default:
        result = ringcast_wait(reader, &cursor, 0);
        require(result == 0 || result == 1 || result == -EPIPE);
        break;
    }
}

static void run_step(struct input *input)
{
    enum step step = take(input, 1) % STEPS;
    _Atomic uint64_t *place;

    switch (step) {
    case STEP_RAW:
        step_raw(input);
        break;
    case STEP_PATCH:
        step_patch(input);
        break;
    case STEP_COUNTER:
        place = counter(take(input, 1));
        atomic_store(place, take(input, 8));
        break;
    case STEP_NUDGE:
        place = counter(take(input, 1));
        atomic_fetch_add(place, (uint64_t)(64 * (int64_t)(int8_t)take(input, 1)));
        break;
    case STEP_CUT:
        require(ftruncate(object, (off_t)(take(input, 2) * 8 % OBJECT_SIZE)) == 0);
        if (reader) {
            step_init(0, 100); /* where it is cut off for this reader, before it is whole again */
        }
        if (reader) {
            step_read(100);
        }
        require(ftruncate(object, OBJECT_SIZE) == 0);
        break;
    case STEP_OPEN:
        step_open();
        break;
    default:
        if (reader) {
            step_use(step, input);
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {.data = data, .size = size};

    memcpy(memory, sound, OBJECT_SIZE);
    cursor = (ringcast_cursor){0};
    step_open();
    require(reader != NULL);
    while (input.size > 0) {
        run_step(&input);
    }

    step_open();
    for (uint32_t number = 0; reader && number <= RING_GENERATIONS; number++) {
        step_init(number, RINGCAST_INIT_MAX);
    }
    if (reader) {
        ringcast_seek_time(reader, &cursor, 0);
    }
    for (int i = 0; reader && i < READS_AT_THE_END && step_read(CAPACITY) == 1; i++) {
        continue;
    }
    ringcast_close(reader);
    reader = NULL;
    return 0;
}
