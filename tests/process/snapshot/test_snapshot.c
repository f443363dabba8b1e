/* SPDX-License-Identifier: MIT */
/*
 * ringcast-snapshot: pictures of all kinds, and damaged ones. The test plays ringcastd, a fan-out and the camera's worker.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jpeglib.h>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "common/ring/ring_create.h"
#include "common/ring/ring_writer.h"
#include "tests/support/patience.h"

#define RING_BYTES 65536
#define FILE_MAX 16384
#define FRAGMENTS_MAX 8
#define CHANNELS 3

/* Damaged pictures of each file. */
#define DAMAGED 30

/* Per channel: what lossy codecs, and two conversions of colours, may change. */
#define COLOUR_TOLERANCE 24

struct program {
    pid_t pid;
    int channel, client; /* to ringcastd, to a fan-out: the test */
};

struct camera {
    char name[16];
    struct ring_writer *writer;
    int reader, wake;
};

/* A file of pictures, taken apart. */
struct movie {
    uint8_t data[FILE_MAX];
    size_t size, init_length;
    struct {
        size_t at, length;
    } fragments[FRAGMENTS_MAX];
    size_t count;
};

struct answer {
    int status;
    uint8_t *jpeg;
    size_t length;
    char text[256], etag[80];
};

static struct program program;
static json_int_t number;
static unsigned rings;

/* ---- The program ---- */

static void send_with(int channel, json_t *message, const int *fds, int count)
{
    struct pollfd writable = {.fd = channel, .events = POLLOUT};
    int result;

    assert_non_null(message);
    while ((result = channel_send(channel, message, fds, count)) == -EAGAIN) {
        assert_int_equal(poll(&writable, 1, PATIENCE_MS), 1);
    }
    assert_int_equal(result, 0);
    json_decref(message);
}

/* The next message of TYPE on CHANNEL; false: the program has ended. */
static bool receive(int channel, const char *type, struct channel_message *message)
{
    for (;;) {
        struct pollfd readable = {.fd = channel, .events = POLLIN};
        assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
        int result = channel_receive(channel, message);
        if (result <= 0) {
            assert_int_equal(result, 0);
            return false;
        }
        if (message_is(message->body, type)) {
            return true;
        }
        channel_message_clear(message);
    }
}

static void begin(json_t *avoid)
{
    struct channel_message message;

    send_with(program.channel, message_pack("begin", "{s:s, s:o}", "log_level", "error", "avoid", avoid),
              NULL, 0);
    assert_true(receive(program.channel, "ready", &message));
    channel_message_clear(&message);
}

static int start(void **state)
{
    int ends[2], pair[2];

    (void)state;
    assert_int_equal(channel_pair(ends), 0);
    program.pid = fork();
    if (program.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (ends[1] == CHANNEL_CHILD_FD || dup2(ends[1], CHANNEL_CHILD_FD) != CHANNEL_CHILD_FD) {
            _exit(126);
        }
        execl(RINGCAST_SNAPSHOT, "ringcast-snapshot", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    program.channel = ends[0];
    begin(json_object());
    assert_int_equal(channel_pair(pair), 0);
    send_with(program.channel, message_pack("client", "{s:i}", "index", 0), &pair[1], 1);
    close(pair[1]);
    program.client = pair[0];
    return 0;
}

static int stop(void **state)
{
    int status = 0;

    (void)state;
    close(program.client);
    close(program.channel);
    assert_int_equal(waitpid(program.pid, &status, 0), program.pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return 0;
}

/* ---- Cameras ---- */

static void camera_begin(struct camera *camera, const char *name, const char *state)
{
    struct ring_descriptors ring;
    char ring_name[RING_NAME_SIZE];

    *camera = (struct camera){0};
    snprintf(camera->name, sizeof(camera->name), "%s", name);
    snprintf(ring_name, sizeof(ring_name), "/ringcast.test-snapshot-%d-%u.%s", (int)getpid(), ++rings, name);
    assert_int_equal(ring_create(ring_name, RING_BYTES, 0, clock_now_ns(), &ring), 0);
    ring_unlink(ring_name);
    camera->reader = ring.reader;
    camera->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_int_equal(ring_writer_attach(ring.writer, camera->wake, &camera->writer), 0);
    const int fds[] = {camera->reader, camera->wake};
    send_with(program.channel, message_pack("camera-add", "{s:s, s:s}", "name", name, "state", state), fds,
              2);
}

static void camera_tell_state(const struct camera *camera, const char *state)
{
    send_with(program.channel,
              message_pack("camera-state", "{s:s, s:s, s:n}", "name", camera->name, "state", state, "error"),
              NULL, 0);
}

static void camera_end(struct camera *camera)
{
    send_with(program.channel, message_pack("camera-remove", "{s:s}", "name", camera->name), NULL, 0);
    ring_writer_detach(camera->writer);
    close(camera->reader);
    close(camera->wake);
}

static void movie_load(struct movie *movie, const char *name)
{
    char path[512];

    *movie = (struct movie){0};
    snprintf(path, sizeof(path), "%s/%s.mp4", PICTURES, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    movie->size = fread(movie->data, 1, sizeof(movie->data), file);
    fclose(file);
    for (size_t at = 0; at + 8 <= movie->size;) {
        uint32_t size = bytes_get_be32(movie->data + at);
        if (memcmp(movie->data + at + 4, "moof", 4) == 0) {
            assert_true(movie->count < FRAGMENTS_MAX);
            movie->fragments[movie->count].at = at;
            movie->fragments[movie->count++].length = size + bytes_get_be32(movie->data + at + size);
            movie->init_length = movie->init_length > 0 ? movie->init_length : at;
        }
        at += size;
    }
    assert_int_equal(movie->count, 3);
}

static void publish(const struct camera *camera, const struct movie *movie, size_t index)
{
    size_t length = movie->fragments[index].length;
    uint8_t *place = ring_writer_reserve(camera->writer, length);

    assert_non_null(place);
    memcpy(place, movie->data + movie->fragments[index].at, length);
    const struct ring_fragment fragment = {.flags = index == 0 ? RINGCAST_KEYFRAME : 0,
                                           .decode_time = ring_writer_end_ns(camera->writer) / 11111,
                                           .duration = 9000,
                                           .wall_ns = clock_wall_ns(),
                                           .capture_ns = clock_now_ns()};
    assert_int_equal(ring_writer_publish(camera->writer, &fragment), 0);
}

/* A new generation, and the first COUNT pictures of it. */
static void publish_movie(const struct camera *camera, const struct movie *movie, size_t count)
{
    const struct ring_stream stream = {.codecs = "avc1.64001F",
                                       .init = movie->data,
                                       .init_length = movie->init_length,
                                       .timescale = 90000,
                                       .width = 64,
                                       .height = 48};

    assert_int_equal(ring_writer_begin_generation(camera->writer, &stream), 0);
    for (size_t i = 0; i < count; i++) {
        publish(camera, movie, i);
    }
}

/* ---- Questions ---- */

static json_int_t ask(const char *camera, json_t *query)
{
    send_with(program.client,
              message_pack("ask", "{s:I, s:s, s:s, s:o, s:s}", "number", ++number, "stream", camera, "what",
                           "picture", "query", query, "prefix", ""),
              NULL, 0);
    return number;
}

/* False: the program has ended. */
static bool get(json_int_t of, struct answer *answer)
{
    struct channel_message message;
    struct stat status;

    *answer = (struct answer){0};
    if (!receive(program.client, "answer", &message)) {
        return false;
    }
    assert_int_equal(message_integer(message.body, "number", 0), of);
    answer->status = (int)message_integer(message.body, "status", 0);
    snprintf(answer->text, sizeof(answer->text), "%s", message_string(message.body, "text", ""));
    snprintf(answer->etag, sizeof(answer->etag), "%s", message_string(message.body, "etag", ""));
    int fd = channel_message_take_fd(&message, 0);
    if (fd >= 0) {
        assert_int_equal(fstat(fd, &status), 0);
        answer->length = (size_t)status.st_size;
        answer->jpeg = malloc(answer->length);
        assert_int_equal(pread(fd, answer->jpeg, answer->length, 0), (ssize_t)answer->length);
        close(fd);
    }
    channel_message_clear(&message);
    return true;
}

static void expect_status(const char *camera, json_t *query, int status, struct answer *answer)
{
    assert_true(get(ask(camera, query), answer));
    if (answer->status != status) {
        fail_msg("%s: %d instead of %d: %s", camera, answer->status, status, answer->text);
    }
}

/* ---- What is in a picture ---- */

struct image {
    unsigned width, height;
    uint8_t pixels[128 * 128 * CHANNELS];
};

static void decode(struct answer *answer, struct image *image)
{
    struct jpeg_decompress_struct info = {0};
    struct jpeg_error_mgr errors;

    info.err = jpeg_std_error(&errors); /* an error ends the test */
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, answer->jpeg, answer->length);
    assert_int_equal(jpeg_read_header(&info, TRUE), JPEG_HEADER_OK);
    info.out_color_space = JCS_RGB;
    jpeg_start_decompress(&info);
    image->width = info.output_width;
    image->height = info.output_height;
    assert_true(image->width <= 128 && image->height <= 128);
    while (info.output_scanline < info.output_height) {
        JSAMPROW row = image->pixels + (size_t)info.output_scanline * image->width * CHANNELS;
        jpeg_read_scanlines(&info, &row, 1);
    }
    jpeg_finish_decompress(&info);
    jpeg_destroy_decompress(&info);
    free(answer->jpeg);
    answer->jpeg = NULL;
}

/* Of the pixel at these parts of width and height, in percent. */
static void expect_colour(const char *what, const struct image *image, unsigned x, unsigned y,
                          const uint8_t rgb[CHANNELS])
{
    const uint8_t *pixel =
        image->pixels +
        ((size_t)(image->height * y / 100) * image->width + image->width * x / 100) * CHANNELS;

    for (int i = 0; i < CHANNELS; i++) {
        if (abs(pixel[i] - rgb[i]) > COLOUR_TOLERANCE) {
            fail_msg("%s: at %u%%,%u%% %u,%u,%u instead of %u,%u,%u", what, x, y, pixel[0], pixel[1],
                     pixel[2], rgb[0], rgb[1], rgb[2]);
        }
    }
}

static const uint8_t red[] = {255, 0, 0}, blue[] = {0, 0, 255};

/* ---- Tests ---- */

static void pictures_of_every_kind_are_right(void **state)
{
    static const struct {
        const char *name;
        unsigned width, height;
        bool turned, all_red;
    } files[] = {
        {"h264", 64, 48, false, false},
        {"h264_10bit", 64, 48, false, false},
        {"h264_full_range", 64, 48, false, false},
        {"h264_444", 64, 48, false, false},
        {"h264_odd", 51, 37, false, true},
        {"h264_wide", 128, 48, false, false},
        {"h264_turned", 48, 64, true, false},
        {"h265", 64, 48, false, false},
        {"h265_10bit", 64, 48, false, false},
    };
    static struct image image;
    static struct movie movie;
    struct answer answer;
    struct camera camera;

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        movie_load(&movie, files[i].name);
        camera_begin(&camera, "front", "streaming");
        publish_movie(&camera, &movie, 3);
        for (int fresh = 0; fresh < 2; fresh++) {
            expect_status("front", fresh ? json_pack("{s:s}", "fresh", "") : json_object(), 200, &answer);
            decode(&answer, &image);
            assert_int_equal(image.width, files[i].width);
            assert_int_equal(image.height, files[i].height);
            expect_colour(files[i].name, &image, files[i].turned ? 50 : 20, files[i].turned ? 20 : 50, red);
            expect_colour(files[i].name, &image, files[i].turned ? 50 : 80, files[i].turned ? 80 : 50,
                          files[i].all_red ? red : blue);
        }
        expect_status("front", json_pack("{s:s}", "width", "32"), 200, &answer);
        decode(&answer, &image);
        assert_int_equal(image.width, 32);
        assert_int_equal(image.height, (files[i].height * 32 + files[i].width / 2) / files[i].width);
        camera_end(&camera);
    }
}

static void a_codec_that_is_not_known_is_no_picture(void **state)
{
    static struct movie movie;
    struct answer answer;
    struct camera camera;

    (void)state;
    movie_load(&movie, "mpeg4");
    camera_begin(&camera, "front", "streaming");
    publish_movie(&camera, &movie, 1);
    expect_status("front", json_object(), 503, &answer);
    assert_non_null(strstr(answer.text, "kind"));
    camera_end(&camera);
}

static void a_camera_that_wakes_up_is_waited_for(void **state)
{
    static struct movie movie;
    struct channel_message message;
    struct answer answer, later;
    struct camera camera;

    (void)state;
    movie_load(&movie, "h264");
    camera_begin(&camera, "front", "idle");
    publish_movie(&camera, &movie, 1); /* of before it slept */
    json_int_t asked = ask("front", json_object());
    assert_true(receive(program.channel, "wanted", &message));
    assert_string_equal(message_string(message.body, "name", ""), "front");
    channel_message_clear(&message);
    /* The old keyframe is none: another camera's question is answered first. */
    struct camera other;
    camera_begin(&other, "other", "disabled");
    expect_status("other", json_object(), 503, &answer);
    assert_non_null(strstr(answer.text, "disabled"));
    publish(&camera, &movie, 0);
    assert_true(get(asked, &answer));
    assert_int_equal(answer.status, 200);
    free(answer.jpeg);
    camera_tell_state(&camera, "streaming");
    expect_status("front", json_object(), 200, &later);
    assert_string_equal(later.etag, answer.etag);
    free(later.jpeg);
    /* One that is taken back is not answered, and one for a camera that goes gets 404. */
    camera_tell_state(&camera, "starting");
    asked = ask("front", json_object());
    send_with(program.client, message_pack("cancel", "{s:I}", "number", asked), NULL, 0);
    asked = ask("front", json_object());
    expect_status("other", json_object(), 503, &answer); /* the three messages before have been read */
    camera_end(&camera);
    assert_true(get(asked, &answer));
    assert_int_equal(answer.status, 404);
    camera_end(&other);
}

static void a_camera_that_killed_is_left_alone(void **state)
{
    static struct movie movie;
    struct answer answer;
    struct camera camera, other;

    (void)state;
    movie_load(&movie, "h264");
    begin(json_pack("{s:I}", "front", (json_int_t)clock_now_ms() + 5000));
    camera_begin(&camera, "front", "streaming");
    camera_begin(&other, "other", "streaming");
    publish_movie(&camera, &movie, 1);
    publish_movie(&other, &movie, 1);
    expect_status("front", json_object(), 503, &answer);
    expect_status("other", json_object(), 200, &answer);
    free(answer.jpeg);
    camera_end(&camera);
    camera_end(&other);
}

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Bytes are turned over, a run is made equal, or the end is cut off: in the parameter sets or in the picture. */
static void damage(struct movie *movie, uint32_t *random)
{
    bool init = next_random(random) % 4 == 0;
    size_t at = init ? 0 : movie->fragments[0].at,
           size = init ? movie->init_length : movie->fragments[0].length;
    size_t head = init ? 0 : 100; /* of the boxes, mostly left as they are */

    head = next_random(random) % 8 == 0 ? 0 : head;
    for (unsigned i = next_random(random) % 12 + 1; i > 0; i--) {
        movie->data[at + head + next_random(random) % (size - head)] = (uint8_t)next_random(random);
    }
    if (next_random(random) % 4 == 0) {
        size_t from = head + next_random(random) % (size - head);
        memset(movie->data + at + from, (int)(next_random(random) % 2 * 0xff), (size - from) / 2);
    }
}

static void start_again(void **state)
{
    int status;

    close(program.client);
    close(program.channel);
    assert_int_equal(waitpid(program.pid, &status, 0), program.pid);
    assert_false(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS); /* a call that the sandbox forbids */
    start(state);
}

/* A crash of the decoder is no fault of this program, but what it answers is, and that it can go on. */
static void damaged_pictures_cost_an_answer_at_most(void **state)
{
    static const char *const names[] = {"h264", "h264_10bit", "h264_444", "h265", "h265_10bit"};
    static struct movie good, bad;
    struct answer answer;
    struct camera camera;
    unsigned refused = 0, deaths = 0;
    uint32_t random = 20251129;

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]) * DAMAGED; i++) {
        movie_load(&good, names[i / DAMAGED]);
        bad = good;
        damage(&bad, &random);
        camera_begin(&camera, "front", "streaming");
        publish_movie(&camera, &bad, 3);
        if (get(ask("front", json_pack("{s:s}", "fresh", i % 2 ? "1" : "0")), &answer)) {
            assert_true(answer.status == 200 || answer.status == 503);
            refused += answer.status == 503;
            free(answer.jpeg);
            camera_end(&camera);
            camera_begin(&camera, "front", "streaming");
        } else {
            deaths++;
            start_again(state);
            camera_end(&camera);
            camera_begin(&camera, "front", "streaming");
        }
        publish_movie(&camera, &good, 3);
        expect_status("front", json_object(), 200, &answer);
        free(answer.jpeg);
        camera_end(&camera);
    }
    print_message("%u refused, %u deaths\n", refused, deaths);
    assert_true(refused > 0); /* the damage is damage */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pictures_of_every_kind_are_right, start, stop),
        cmocka_unit_test_setup_teardown(a_codec_that_is_not_known_is_no_picture, start, stop),
        cmocka_unit_test_setup_teardown(a_camera_that_wakes_up_is_waited_for, start, stop),
        cmocka_unit_test_setup_teardown(a_camera_that_killed_is_left_alone, start, stop),
        cmocka_unit_test_setup_teardown(damaged_pictures_cost_an_answer_at_most, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
