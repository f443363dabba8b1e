/* SPDX-License-Identifier: MIT */
#include "snapshot/shots.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ipc/memory_file.h"
#include "common/log/log.h"
#include "common/ring/ringcast.h"
#include "snapshot/movie.h"
#include "snapshot/picture.h"

/* How long a decoded picture and a JPEG are kept after they were last asked for. */
#define PICTURE_KEPT_MS 5000
#define JPEG_KEPT_MS 30000

/* Of all streams: bytes of decoded pictures and of JPEGs that are kept. */
#define PICTURES_BYTES_MAX ((size_t)96 << 20)
#define JPEGS_BYTES_MAX ((size_t)64 << 20)

/* JPEGs of one stream, of different widths. */
#define JPEGS_MAX 16

/* A picture that takes longer than this to decode and encode ends the process. */
#define WORK_MS 8000

/* After which no further picture is decoded on the way to the newest: then the last one has to do. */
#define FRESH_WORK_NS (2 * NS_PER_SECOND)

/* A decoded picture: the newest keyframe, or the newest picture. */
struct still {
    struct picture *picture; /* NULL: none */
    uint64_t sequence;       /* in the ring */
    int64_t capture_ns, wall_ns, published_ns;
    uint64_t made_ms, used_ms;
};

struct jpeg {
    TAILQ_ENTRY(jpeg) link;
    struct shot shot;
    unsigned width;
    bool fresh;
    uint64_t sequence;
    int64_t published_ns;
    uint64_t made_ms, used_ms;
};

enum { KEYFRAME, NEWEST, STILLS };

struct shots {
    struct program_camera *camera;
    ringcast_reader *reader; /* of the last time: another one is another ring */
    struct still stills[STILLS];
    TAILQ_HEAD(jpegs_head, jpeg) jpegs; /* the one that was used last first */
    unsigned jpeg_count;
    uint64_t bad_sequence; /* of a keyframe that cannot be decoded; 0: none */
    int bad_result;
    uint8_t *buffer; /* for fragments */
    size_t buffer_size;
};

/* Of all streams. */
static size_t pictures_bytes, jpegs_bytes;
static struct shots_counts counts;

struct shots_counts shots_counts(void)
{
    return counts;
}

/* ---- What is kept ---- */

static void drop_still(struct still *still)
{
    if (still->picture) {
        pictures_bytes -= picture_bytes(still->picture);
        picture_free(still->picture);
    }
    *still = (struct still){0};
}

static void drop_jpeg(struct shots *shots, struct jpeg *jpeg)
{
    TAILQ_REMOVE(&shots->jpegs, jpeg, link);
    shots->jpeg_count--;
    jpegs_bytes -= jpeg->shot.length;
    close(jpeg->shot.fd);
    free(jpeg);
}

static void drop_all(struct shots *shots)
{
    for (int i = 0; i < STILLS; i++) {
        drop_still(&shots->stills[i]);
    }
    while (!TAILQ_EMPTY(&shots->jpegs)) {
        drop_jpeg(shots, TAILQ_FIRST(&shots->jpegs));
    }
    shots->bad_sequence = 0;
    free(shots->buffer);
    shots->buffer = NULL;
    shots->buffer_size = 0;
}

bool shots_clean(struct shots *shots, uint64_t now_ms)
{
    struct jpeg *jpeg, *next;
    bool kept = false;

    for (int i = 0; i < STILLS; i++) {
        if (now_ms >= shots->stills[i].used_ms + PICTURE_KEPT_MS || pictures_bytes > PICTURES_BYTES_MAX) {
            drop_still(&shots->stills[i]);
        }
        kept = kept || shots->stills[i].picture;
    }
    for (jpeg = TAILQ_FIRST(&shots->jpegs); jpeg; jpeg = next) {
        next = TAILQ_NEXT(jpeg, link);
        if (now_ms >= jpeg->used_ms + JPEG_KEPT_MS) {
            drop_jpeg(shots, jpeg);
        }
    }
    if (!kept && TAILQ_EMPTY(&shots->jpegs)) {
        drop_all(shots);
        program_camera_unmap(shots->camera);
        shots->reader = NULL;
        return false;
    }
    return true;
}

struct shots *shots_create(struct program_camera *camera)
{
    struct shots *shots = calloc(1, sizeof(*shots));

    if (shots) {
        shots->camera = camera;
        TAILQ_INIT(&shots->jpegs);
    }
    return shots;
}

void shots_destroy(struct shots *shots)
{
    if (shots) {
        drop_all(shots);
        free(shots);
    }
}

/* ---- Reading the ring ---- */

/* The fragment at CURSOR, which moves on. 1: it is in the buffer; 0: there is none yet; negative errno as of ringcast_read. */
static int read_fragment(struct shots *shots, ringcast_cursor *cursor, ringcast_entry *entry)
{
    int result = ringcast_read(shots->reader, cursor, shots->buffer, shots->buffer_size, entry);

    if (result == -ENOSPC) {
        uint8_t *buffer = realloc(shots->buffer, entry->length);
        if (!buffer) {
            return -ENOMEM;
        }
        shots->buffer = buffer;
        shots->buffer_size = entry->length;
        result = ringcast_read(shots->reader, cursor, shots->buffer, shots->buffer_size, entry);
    }
    return result;
}

static int open_decoder(const struct shots *shots, uint32_t generation, struct decoder **decoder)
{
    uint8_t init[RINGCAST_INIT_MAX];
    ringcast_generation about;
    struct movie movie;
    int result = ringcast_init_segment(shots->reader, generation, init, sizeof(init), &about);

    if (result == 0) {
        result = movie_read(init, about.init_length, &movie);
    }
    return result == 0 ? decoder_open(&movie, decoder) : result;
}

static int add_fragment(const struct shots *shots, struct decoder *decoder, const ringcast_entry *entry)
{
    const uint8_t *sample;
    size_t length;
    int result = movie_find_sample(shots->buffer, entry->length, &sample, &length);

    return result == 0 ? decoder_add(decoder, sample, length) : result;
}

/* Adds all that follows the keyframe. What comes after a picture that cannot be decoded is left out: it may refer to that one. */
static void add_rest(struct shots *shots, struct decoder *decoder, ringcast_cursor *cursor,
                     ringcast_entry *last)
{
    const int64_t until_ns = clock_now_ns() + FRESH_WORK_NS;
    const uint32_t generation = last->generation;
    ringcast_entry entry;

    while (clock_now_ns() < until_ns && read_fragment(shots, cursor, &entry) == 1 &&
           entry.generation == generation) {
        if (add_fragment(shots, decoder, &entry) < 0) {
            return;
        }
        *last = entry;
    }
}

/* Decodes from the keyframe at CURSOR. 0, and STILL is set. */
static int decode(struct shots *shots, ringcast_cursor cursor, bool fresh, struct still *still)
{
    struct decoder *decoder = NULL;
    struct picture *picture = NULL;
    ringcast_entry entry;
    int result = read_fragment(shots, &cursor, &entry);

    if (result <= 0) {
        return result == 0 ? -EAGAIN : result;
    }
    result = open_decoder(shots, entry.generation, &decoder);
    if (result == 0) {
        result = add_fragment(shots, decoder, &entry);
    }
    if (result == 0 && fresh) {
        add_rest(shots, decoder, &cursor, &entry);
    }
    if (result == 0) {
        result = decoder_finish(decoder, &picture);
    }
    decoder_close(decoder);
    if (result < 0) {
        return result;
    }
    uint64_t now_ms = clock_now_ms();
    drop_still(still);
    *still = (struct still){.picture = picture,
                            .sequence = entry.sequence,
                            .capture_ns = entry.capture_ns,
                            .wall_ns = entry.wall_ns,
                            .published_ns = entry.published_ns,
                            .made_ms = now_ms,
                            .used_ms = now_ms};
    pictures_bytes += picture_bytes(picture);
    counts.decoded++;
    return 0;
}

/* ---- JPEGs ---- */

/* What was made of what was asked for. */
static struct jpeg *find_jpeg(const struct shots *shots, const struct request *request)
{
    struct jpeg *jpeg;

    TAILQ_FOREACH(jpeg, &shots->jpegs, link) {
        if (jpeg->width == request->width && jpeg->fresh == request->fresh) {
            return jpeg;
        }
    }
    return NULL;
}

static int encode(struct shots *shots, const struct still *still, const struct request *request,
                  struct jpeg **made)
{
    uint8_t *data = NULL;
    size_t length = 0;
    int result = picture_encode(still->picture, request->width, &data, &length);
    struct jpeg *jpeg = result == 0 ? calloc(1, sizeof(*jpeg)) : NULL;
    int fd = jpeg ? memory_file_seal("ringcast-picture", data, length) : -ENOMEM;

    free(data);
    if (result < 0 || fd < 0) {
        free(jpeg);
        return result < 0 ? result : fd;
    }
    *jpeg = (struct jpeg){
        .shot = {.fd = fd, .length = length, .capture_ns = still->capture_ns, .wall_ns = still->wall_ns},
        .width = request->width,
        .fresh = request->fresh,
        .sequence = still->sequence,
        .published_ns = still->published_ns,
        .made_ms = still->made_ms};
    snprintf(jpeg->shot.etag, sizeof(jpeg->shot.etag), "\"%" PRIx64 "-%" PRIx64 "-%x%s\"",
             (uint64_t)still->wall_ns, still->sequence, request->width, request->fresh ? "f" : "");
    struct jpeg *old = find_jpeg(shots, request);
    if (old) {
        drop_jpeg(shots, old);
    }
    TAILQ_INSERT_HEAD(&shots->jpegs, jpeg, link);
    shots->jpeg_count++;
    jpegs_bytes += length;
    counts.encoded++;
    *made = jpeg;
    return 0;
}

static void make_room(struct shots *shots)
{
    while (shots->jpeg_count > 1 && (shots->jpeg_count > JPEGS_MAX || jpegs_bytes > JPEGS_BYTES_MAX)) {
        drop_jpeg(shots, TAILQ_LAST(&shots->jpegs, jpegs_head));
    }
}

/* Whether what was made at MADE_MS of picture SEQUENCE is what is asked for while ENTRY is the newest keyframe. */
static bool is_good(bool fresh, uint64_t sequence, int64_t published_ns, uint64_t made_ms,
                    const ringcast_entry *entry, int64_t after_ns, uint64_t now_ms)
{
    return published_ns > after_ns &&
           (now_ms < made_ms + SHOTS_FRESH_MS || (!fresh && entry->sequence == sequence));
}

/* The ring's newest keyframe. A ring that has taken the place of another one begins anew. */
static int look(struct shots *shots, int64_t after_ns, ringcast_cursor *cursor, ringcast_entry *keyframe)
{
    ringcast_reader *reader = program_camera_reader(shots->camera);

    if (!reader) {
        return -EAGAIN;
    }
    if (reader != shots->reader) {
        shots->bad_sequence = 0;
        shots->reader = reader;
    }
    program_camera_leave_last(shots->camera);
    int result = ringcast_seek_keyframe(reader, cursor);
    if (result == 0) {
        result = ringcast_peek(reader, cursor, keyframe);
        result = result > 0 ? 0 : result == 0 ? -EAGAIN : result;
    }
    return result == 0 && keyframe->published_ns <= after_ns ? -EAGAIN : result;
}

static int make(struct shots *shots, const struct request *request, int64_t after_ns, ringcast_cursor cursor,
                const ringcast_entry *keyframe, struct jpeg **jpeg)
{
    struct still *still = &shots->stills[request->fresh ? NEWEST : KEYFRAME];
    int result = 0;

    if (shots->bad_sequence == keyframe->sequence) {
        return shots->bad_result;
    }
    program_begin_work(shots->camera->program, shots->camera, WORK_MS);
    if (!still->picture || !is_good(request->fresh, still->sequence, still->published_ns, still->made_ms,
                                    keyframe, after_ns, clock_now_ms())) {
        result = decode(shots, cursor, request->fresh, still);
    }
    if (result == 0) {
        still->used_ms = clock_now_ms();
        result = encode(shots, still, request, jpeg);
    }
    program_done(shots->camera->program);
    if (result == -EBADMSG || result == -ENOTSUP || result == -ENOMEM) {
        log_camera(LOG_LEVEL_WARNING, shots->camera->name, "camera %s: a picture cannot be decoded: %s",
                   shots->camera->name, strerror(-result));
        counts.failed++;
        shots->bad_sequence = keyframe->sequence;
        shots->bad_result = result;
    }
    return result;
}

int shots_get(struct shots *shots, const struct request *request, int64_t after_ns, const struct shot **shot)
{
    ringcast_cursor cursor;
    ringcast_entry keyframe;
    struct jpeg *jpeg = find_jpeg(shots, request);
    uint64_t now_ms = clock_now_ms();
    int result = look(shots, after_ns, &cursor, &keyframe);

    if (result < 0) {
        return result;
    }
    if (!jpeg || !is_good(request->fresh, jpeg->sequence, jpeg->published_ns, jpeg->made_ms, &keyframe,
                          after_ns, now_ms)) {
        result = make(shots, request, after_ns, cursor, &keyframe, &jpeg);
    }
    if (result < 0) {
        return result;
    }
    jpeg->used_ms = clock_now_ms();
    TAILQ_REMOVE(&shots->jpegs, jpeg, link);
    TAILQ_INSERT_HEAD(&shots->jpegs, jpeg, link);
    make_room(shots);
    *shot = &jpeg->shot;
    return 0;
}
