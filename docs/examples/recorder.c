/* SPDX-License-Identifier: MIT */
/*
 * Records a camera from its ring, as fragmented MP4: recorder /ringcast.<instance>.<camera> FILE.mp4 SECONDS
 */
#include <errno.h>
#include <ringcast.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From the newest keyframe on, as long as the stream stays the same. 0, or a negative errno. */
static int record(ringcast_follower *camera, FILE *file, double seconds)
{
    ringcast_piece piece;
    int64_t begin = 0;
    bool begun = false;
    int result;

    while ((result = ringcast_next(camera, -1, &piece)) == 1) {
        if (piece.init && begun) {
            return 0; /* other parameters: what follows needs a file of its own */
        }
        if (fwrite(piece.data, piece.length, 1, file) != 1) {
            return -EIO;
        }
        if (piece.init) {
            begin = piece.entry.decode_time;
        }
        begun = true;
        double recorded = (double)(piece.entry.decode_time + piece.entry.duration - begin);
        if (!piece.init && recorded >= seconds * piece.generation->timescale) {
            return 0;
        }
    }
    return begun && result == -ENOENT ? 0
                                      : result; /* the camera was removed: what there is, is a recording */
}

int main(int argc, char **argv)
{
    ringcast_follower *camera;

    if (argc != 4) {
        return fprintf(stderr, "usage: recorder /ringcast.INSTANCE.CAMERA FILE.mp4 SECONDS\n"), 2;
    }
    FILE *file = fopen(argv[2], "wb");
    if (file == NULL) {
        return fprintf(stderr, "recorder: %s: %s\n", argv[2], strerror(errno)), 1;
    }
    setvbuf(file, NULL, _IONBF, 0); /* a fragment is in the file when it is written */
    int result = ringcast_follow(argv[1], &camera);
    if (result == 0) {
        result = record(camera, file, atof(argv[3]));
        ringcast_unfollow(camera);
    }
    if (fclose(file) != 0 && result == 0) {
        result = -errno;
    }
    if (result < 0) {
        fprintf(stderr, "recorder: %s: %s\n", argv[1], strerror(-result));
    }
    return result < 0;
}
