/* Records a camera from its ring, as fragmented MP4: recorder /ringcast.<instance>.<camera> FILE.mp4 SECONDS
 */
#include <errno.h>
#include <ringcast.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void wait_for_keyframe(const ringcast_reader *reader, ringcast_cursor *cursor)
{
    while (ringcast_seek_keyframe(reader, cursor) < 0 && ringcast_wait(reader, cursor, -1) != -EPIPE)
        continue;
}

/* Goes on in the ring that has taken the place of the one that ended. False: there is none. */
static int reopen(const char *name, ringcast_reader **reader, ringcast_cursor *cursor, void **buffer)
{
    ringcast_close(*reader);
    *reader = NULL;
    if (ringcast_open(name, reader) < 0)
        return 0;
    void *larger = realloc(*buffer, ringcast_capacity(*reader));
    if (!larger)
        return 0;
    *buffer = larger;
    if (ringcast_continue(*reader, cursor) == -ESTALE)
        wait_for_keyframe(*reader, cursor);
    return 1;
}

static void record(const char *name, ringcast_reader *reader, FILE *file, double seconds)
{
    static uint8_t init[2]
                       [RINGCAST_INIT_MAX]; /* init segments: the file's, and that of the fragment at hand */
    ringcast_generation now = {0};          /* number 0: nothing is written yet */
    ringcast_cursor cursor;
    ringcast_entry entry;
    void *buffer = malloc(ringcast_capacity(reader)); /* no fragment is longer */
    int64_t begin = 0;
    int result = 0;

    wait_for_keyframe(reader, &cursor);
    while (buffer && (result != -EPIPE || reopen(name, &reader, &cursor, &buffer))) {
        bool first = now.number == 0;
        result = ringcast_read(reader, &cursor, buffer, ringcast_capacity(reader), &entry);
        if (result == 1 && entry.generation != now.number) {
            if (ringcast_init_segment(reader, entry.generation, init[!first], RINGCAST_INIT_MAX, &now) < 0)
                result = -ESTALE;
            else if (!first && memcmp(init[0], init[1], RINGCAST_INIT_MAX) != 0)
                break; /* the stream changed: what follows needs a file of its own */
            else if (first && fwrite(init[0], now.init_length, 1, file) == 1)
                begin = entry.decode_time;
        }
        if (result == 0)
            ringcast_wait(reader, &cursor, -1);
        else if (result < 0 && result != -EPIPE) /* overtaken by the writer: there will be a gap */
            wait_for_keyframe(reader, &cursor);
        else if (result == 1 &&
                 (fwrite(buffer, entry.length, 1, file) != 1 ||
                  (double)(entry.decode_time + entry.duration - begin) >= seconds * now.timescale))
            break;
    }
    ringcast_close(reader);
    free(buffer);
}

int main(int argc, char **argv)
{
    ringcast_reader *reader;
    if (argc != 4 || ringcast_open(argv[1], &reader) < 0)
        return fprintf(stderr, "usage: recorder /ringcast.INSTANCE.CAMERA FILE.mp4 SECONDS\n"), 2;
    FILE *file = fopen(argv[2], "wb");
    if (file && setvbuf(file, NULL, _IONBF, 0) == 0)
        record(argv[1], reader, file, atof(argv[3]));
    else
        ringcast_close(reader);
    int failed = !file || ftell(file) <= 0 || ferror(file) || fclose(file) != 0;
    return failed ? fprintf(stderr, "recorder: nothing recorded, or no room in the file\n"), 1 : 0;
}
