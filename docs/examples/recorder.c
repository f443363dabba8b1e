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

static void record(const ringcast_reader *reader, FILE *file, void *buffer, size_t size, double seconds)
{
    static uint8_t init[2]
                       [RINGCAST_INIT_MAX]; /* init segments: the file's, and that of the fragment at hand */
    ringcast_generation now = {0};          /* number 0: nothing is written yet */
    ringcast_cursor cursor;
    ringcast_entry entry;
    int64_t begin = 0;
    int result;

    wait_for_keyframe(reader, &cursor);
    while ((result = ringcast_read(reader, &cursor, buffer, size, &entry)) != -EPIPE) {
        bool first = now.number == 0;
        if (result == 1 && entry.generation != now.number) {
            if (ringcast_init_segment(reader, entry.generation, init[!first], RINGCAST_INIT_MAX, &now) < 0)
                result = -ESTALE;
            else if (!first && memcmp(init[0], init[1], RINGCAST_INIT_MAX) != 0)
                return; /* the stream changed: what follows needs a file of its own */
            else if (first && fwrite(init[0], now.init_length, 1, file) == 1)
                begin = entry.decode_time;
        }
        if (result == 0)
            ringcast_wait(reader, &cursor, -1);
        else if (result < 0) /* overtaken by the writer: there will be a gap */
            wait_for_keyframe(reader, &cursor);
        else if (fwrite(buffer, entry.length, 1, file) != 1 ||
                 (double)(entry.decode_time + entry.duration - begin) >= seconds * now.timescale)
            return;
    }
}

int main(int argc, char **argv)
{
    ringcast_reader *reader;
    if (argc != 4 || ringcast_open(argv[1], &reader) < 0)
        return fprintf(stderr, "usage: recorder /ringcast.INSTANCE.CAMERA FILE.mp4 SECONDS\n"), 2;
    FILE *file = fopen(argv[2], "wb");
    void *buffer = malloc(ringcast_capacity(reader)); /* no fragment is longer */
    if (file && buffer && setvbuf(file, NULL, _IONBF, 0) == 0)
        record(reader, file, buffer, ringcast_capacity(reader), atof(argv[3]));
    int failed = !file || !buffer || ftell(file) <= 0 || ferror(file) || fclose(file) != 0;
    free(buffer);
    ringcast_close(reader);
    return failed ? fprintf(stderr, "recorder: nothing recorded, or no room in the file\n"), 1 : 0;
}
