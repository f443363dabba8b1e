/* SPDX-License-Identifier: MIT */
#include "tests/camera/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than anyone tests with; each encodes for itself. */
#define CAMERAS_MAX 256

/* The picture's text needs this much room. */
#define SIZE_MIN 64
#define SIZE_MAX_PIXELS 4096

#define PASSWORD_VARIABLE "RINGCAST_CAMERA_PASSWORD"

static const struct camera_options defaults = {
    .codec = CAMERA_CODEC_H264,
    .audio = CAMERA_AUDIO_NONE,
    .width = 640,
    .height = 360,
    .fps = 25,
    .gop = 50,
    .bitrate = 800,
    .b_frames = 0,
};

static const char help[] =
    "Usage: ringcast-test-camera [OPTION]...\n"
    "Serves RTSP cameras with a running clock on 127.0.0.1 and prints one line of JSON when it does.\n"
    "\n"
    "  --port N             port; 0 takes a free one (0)\n"
    "  --cameras N          N cameras: cam1, cam2, ... (1)\n"
    "  --names A,B,...      cameras with these names\n"
    "  --camera NAME[:K=V,...]  one camera; may be repeated. K: codec, audio, size, fps, gop, bitrate, "
    "b-frames, noise\n"
    "  --user NAME          ask for this user; the password is read from --password-file or from the\n"
    "                       environment variable " PASSWORD_VARIABLE "\n"
    "  --password-file FILE first line of FILE\n"
    "  --auth KIND          basic, digest, both (digest)\n"
    "  --tls FILE           TLS, with the certificate and the key of FILE (PEM)\n"
    "  --address ADDRESS    a loopback address to listen at (127.0.0.1)\n"
    "  --protocols P        how packets may go: tcp, udp, both (both)\n"
    "for all cameras that do not say otherwise:\n"
    "  --codec C            h264, h265 (h264)\n"
    "  --audio A            none, aac, opus, pcma, pcmu, l16, g722, g726, latm (none)\n"
    "  --size WxH           pixels (640x360)\n"
    "  --fps N              frames a second (25)\n"
    "  --gop N              frames from one keyframe to the next (50)\n"
    "  --bitrate N          kbit/s of video at most (800)\n"
    "  --b-frames N         B-frames in a row (0)\n"
    "  --noise N            percent of the picture that is noise, so that the bitrate is reached (0)\n"
    "\n"
    "Lines on standard input: drop NAME (closes its connections), pause NAME, resume NAME (connection up, "
    "no\n"
    "frames), off NAME, on NAME (404 and back), keyframe NAME, clients NAME, size=WxH NAME (from now on). "
    "Each\n"
    "is answered with one line of JSON.\n";

static int lookup(const char *const *names, size_t count, const char *value)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], value) == 0) {
            return (int)i;
        }
    }
    return -EINVAL;
}

static int parse_number(const char *text, int low, int high, int *number)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*text == '\0' || *end != '\0' || value < low || value > high) {
        return -EINVAL;
    }
    *number = (int)value;
    return 0;
}

int options_parse_size(const char *text, int *width, int *height)
{
    int used = 0;

    if (sscanf(text, "%dx%d%n", width, height, &used) != 2 || text[used] != '\0') {
        return -EINVAL;
    }
    if (*width < SIZE_MIN || *height < SIZE_MIN || *width > SIZE_MAX_PIXELS || *height > SIZE_MAX_PIXELS ||
        *width % 2 != 0 || *height % 2 != 0) {
        return -EINVAL;
    }
    return 0;
}

static int set_codec(struct camera_options *camera, const char *value)
{
    static const char *const names[] = {"h264", "h265"};
    int found = lookup(names, sizeof names / sizeof names[0], value);

    if (found >= 0) {
        camera->codec = (enum camera_codec)found;
    }
    return found < 0 ? found : 0;
}

static int set_audio(struct camera_options *camera, const char *value)
{
    static const char *const names[] = {"none", "aac", "opus", "pcma", "pcmu", "l16", "g722", "g726", "latm"};
    int found = lookup(names, sizeof names / sizeof names[0], value);

    if (found >= 0) {
        camera->audio = (enum camera_audio)found;
    }
    return found < 0 ? found : 0;
}

/* Sets what a camera sends, from the command line's options and from a --camera's list alike. */
static int set_property(struct camera_options *camera, const char *key, const char *value)
{
    if (strcmp(key, "codec") == 0) {
        return set_codec(camera, value);
    }
    if (strcmp(key, "audio") == 0) {
        return set_audio(camera, value);
    }
    if (strcmp(key, "size") == 0) {
        return options_parse_size(value, &camera->width, &camera->height);
    }
    if (strcmp(key, "fps") == 0) {
        return parse_number(value, 1, 120, &camera->fps);
    }
    if (strcmp(key, "gop") == 0) {
        return parse_number(value, 1, 100000, &camera->gop);
    }
    if (strcmp(key, "bitrate") == 0) {
        return parse_number(value, 1, 100000, &camera->bitrate);
    }
    if (strcmp(key, "b-frames") == 0) {
        return parse_number(value, 0, 4, &camera->b_frames);
    }
    if (strcmp(key, "noise") == 0) {
        return parse_number(value, 0, 100, &camera->noise);
    }
    return -EINVAL;
}

static struct camera_options *add_camera(struct options *options, const struct camera_options *model,
                                         const char *name)
{
    struct camera_options *grown;

    if (options->camera_count == CAMERAS_MAX || *name == '\0') {
        return NULL;
    }
    grown = realloc(options->cameras, (options->camera_count + 1) * sizeof *grown);
    if (grown == NULL) {
        return NULL;
    }
    options->cameras = grown;
    grown += options->camera_count;
    *grown = *model;
    grown->name = strdup(name);
    if (grown->name == NULL) {
        return NULL;
    }
    options->camera_count++;
    return grown;
}

static int add_numbered(struct options *options, const struct camera_options *model, const char *text)
{
    char name[16];
    int count;

    if (parse_number(text, 1, CAMERAS_MAX, &count) < 0) {
        return -EINVAL;
    }
    for (int i = 1; i <= count; i++) {
        snprintf(name, sizeof name, "cam%d", i);
        if (add_camera(options, model, name) == NULL) {
            return -EINVAL;
        }
    }
    return 0;
}

static int add_named(struct options *options, const struct camera_options *model, char *names)
{
    char *rest = names;

    for (char *name = strsep(&rest, ","); name != NULL; name = strsep(&rest, ",")) {
        if (add_camera(options, model, name) == NULL) {
            return -EINVAL;
        }
    }
    return 0;
}

/* NAME[:key=value,...]; the last colon separates, so a name may hold colons if a list follows. */
static int add_described(struct options *options, const struct camera_options *model, char *text)
{
    char *list = strrchr(text, ':');
    struct camera_options *camera;

    if (list != NULL) {
        *list++ = '\0';
    }
    camera = add_camera(options, model, text);
    if (camera == NULL) {
        return -EINVAL;
    }
    for (char *item = strsep(&list, ","); item != NULL; item = strsep(&list, ",")) {
        char *value = strchr(item, '=');
        if (value == NULL) {
            return -EINVAL;
        }
        *value++ = '\0';
        if (set_property(camera, item, value) < 0) {
            return -EINVAL;
        }
    }
    return 0;
}

static int set_password_from_file(struct options *options, const char *path)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    ssize_t length;

    if (file == NULL) {
        return -errno;
    }
    length = getline(&line, &size, file);
    fclose(file);
    if (length < 0) {
        free(line);
        return -EINVAL;
    }
    line[strcspn(line, "\r\n")] = '\0';
    free(options->password);
    options->password = line;
    return 0;
}

static int replace(char **field, const char *value)
{
    free(*field);
    *field = strdup(value);
    return *field != NULL ? 0 : -ENOMEM;
}

static int set_auth(struct options *options, const char *value)
{
    static const char *const names[] = {"basic", "digest", "both"};
    int found = lookup(names, sizeof names / sizeof names[0], value);

    if (found < 0) {
        return found;
    }
    options->auth = (enum camera_auth)(found + 1);
    return 0;
}

static int set_protocols(struct options *options, const char *value)
{
    static const char *const names[] = {"tcp", "udp", "both"};
    int found = lookup(names, sizeof names / sizeof names[0], value);

    if (found < 0) {
        return found;
    }
    options->protocols = found + 1;
    return 0;
}

/* What the long options mean: 'k': what all cameras send. */
static const struct option long_options[] = {
    {"port", required_argument, NULL, 'p'},    {"cameras", required_argument, NULL, 'N'},
    {"names", required_argument, NULL, 'n'},   {"camera", required_argument, NULL, 'c'},
    {"user", required_argument, NULL, 'u'},    {"password-file", required_argument, NULL, 'f'},
    {"auth", required_argument, NULL, 'a'},    {"tls", required_argument, NULL, 't'},
    {"address", required_argument, NULL, 'A'}, {"protocols", required_argument, NULL, 'P'},

    {"help", no_argument, NULL, 'h'},          {"codec", required_argument, NULL, 'k'},
    {"audio", required_argument, NULL, 'k'},   {"size", required_argument, NULL, 'k'},
    {"fps", required_argument, NULL, 'k'},     {"gop", required_argument, NULL, 'k'},
    {"bitrate", required_argument, NULL, 'k'}, {"b-frames", required_argument, NULL, 'k'},
    {"noise", required_argument, NULL, 'k'},   {NULL, 0, NULL, 0}};

/* Everything but what cameras send. */
static int apply(struct options *options, const struct camera_options *model, int option)
{
    switch (option) {
    case 'p':
        return parse_number(optarg, 0, 65535, &options->port);
    case 'N':
        return add_numbered(options, model, optarg);
    case 'n':
        return add_named(options, model, optarg);
    case 'c':
        return add_described(options, model, optarg);
    case 'u':
        return replace(&options->user, optarg);
    case 'f':
        return set_password_from_file(options, optarg);
    case 't':
        return replace(&options->tls, optarg);
    case 'A':
        return replace(&options->address, optarg);
    case 'P':
        return set_protocols(options, optarg);
    default:
        return set_auth(options, optarg);
    }
}

/* Goes through the command line once: for what all cameras send, or, then, for all the rest. */
static int pass(struct options *options, struct camera_options *model, bool rest, int argc, char **argv)
{
    int option, index = 0, result = 0;

    optind = 1;
    opterr = !rest;
    while ((option = getopt_long(argc, argv, "", long_options, &index)) != -1) {
        if (option == '?') {
            return -EINVAL;
        }
        if (option == 'h') {
            return 1;
        }
        if (rest != (option == 'k')) {
            result =
                rest ? apply(options, model, option) : set_property(model, long_options[index].name, optarg);
        }
        if (result < 0) {
            fprintf(stderr, "ringcast-test-camera: --%s: invalid: %s\n", long_options[index].name, optarg);
            return result;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "ringcast-test-camera: what is \"%s\"?\n", argv[optind]);
        return -EINVAL;
    }
    return 0;
}

/* What is only known when all options have been read. */
static int complete(struct options *options, const struct camera_options *model)
{
    const char *password = getenv(PASSWORD_VARIABLE);

    if (options->address == NULL && replace(&options->address, "127.0.0.1") < 0) {
        return -ENOMEM;
    }
    if (options->camera_count == 0 && add_numbered(options, model, "1") < 0) {
        return -ENOMEM;
    }
    if (options->user == NULL || options->password != NULL) {
        return 0;
    }
    if (password == NULL) {
        fprintf(stderr, "ringcast-test-camera: --user needs --password-file or " PASSWORD_VARIABLE "\n");
        return -EINVAL;
    }
    return replace(&options->password, password);
}

int options_parse(struct options *options, int argc, char **argv)
{
    struct camera_options model = defaults;
    int result;

    *options = (struct options){.auth = CAMERA_AUTH_DIGEST, .protocols = CAMERA_TCP | CAMERA_UDP};
    result = pass(options, &model, false, argc, argv);
    if (result == 0) {
        result = pass(options, &model, true, argc, argv);
    }
    if (result == 0) {
        result = complete(options, &model);
    }
    if (result > 0) {
        fputs(help, stdout);
    }
    if (result != 0) {
        options_free(options);
    }
    return result;
}

bool options_have_doors(const struct options *options)
{
    return options->user != NULL || options->tls != NULL;
}

void options_free(struct options *options)
{
    for (size_t i = 0; i < options->camera_count; i++) {
        free(options->cameras[i].name);
    }
    free(options->cameras);
    free(options->user);
    free(options->tls);
    free(options->address);
    free(options->password);
    *options = (struct options){0};
}
