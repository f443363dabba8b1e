/* SPDX-License-Identifier: MIT */
/*
 * The pipeline of a camera: videotestsrc gives the pace and the buffers (it is a live source with exact
 * timestamps), a probe behind it draws the picture into them, x264enc or x265enc encodes. Everything that
 * keeps state per run (frame number, the paused flag) is touched by the streaming thread only or atomic.
 *
 * A medium is taken down by threads of the server's own, after its last client and perhaps after
 * camera_destroy; so it holds a reference to its camera.
 */
#include "tests/camera/camera.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gst/video/video.h>

#include "tests/camera/picture.h"

#define NS_PER_S 1000000000LL

/* Lowest tone of a camera's sound in Hz; each camera has its own. */
#define TONE_HZ 220

struct camera {
    struct camera_options options; /* name is owned */
    GstRTSPServer *server;         /* not owned */
    GstRTSPMediaFactory *factory;
    struct picture *picture; /* streaming thread; of the size that was drawn last */
    int width, height;       /* of picture */
    unsigned int index;
    GMutex lock;         /* of encoder and size: the main loop and the server's threads use them */
    GstElement *encoder; /* of the running media, or NULL; owned reference */
    GstElement *size;    /* likewise: the filter that says how large pictures are */
    char *path;
    atomic_bool paused;
    _Atomic uint64_t frames; /* drawn since the first run; the streaming thread counts, the main loop asks */
};

static int64_t wall_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static struct picture *make_picture(const struct camera *camera, int width, int height)
{
    struct picture *picture = picture_create(width, height, camera->options.name, camera->index);

    if (picture != NULL) {
        picture_set_noise(picture, camera->options.noise);
    }
    return picture;
}

/* What pictures the pad has now; the picture to draw is made anew if that has changed. */
static bool size_of(struct camera *camera, GstPad *pad, GstVideoInfo *info)
{
    GstCaps *caps = gst_pad_get_current_caps(pad);
    bool known = caps != NULL && gst_video_info_from_caps(info, caps);

    if (caps != NULL) {
        gst_caps_unref(caps);
    }
    if (!known || (info->width == camera->width && info->height == camera->height)) {
        return known;
    }
    struct picture *picture = make_picture(camera, info->width, info->height);
    if (picture == NULL) {
        return false;
    }
    picture_destroy(camera->picture);
    camera->picture = picture;
    camera->width = info->width;
    camera->height = info->height;
    return true;
}

static void draw(struct camera *camera, GstPad *pad, GstBuffer *buffer)
{
    struct picture_planes planes;
    GstVideoInfo info;
    GstVideoFrame frame;

    if (!size_of(camera, pad, &info)) {
        return;
    }
    if (!gst_video_frame_map(&frame, &info, buffer, GST_MAP_WRITE)) {
        return;
    }
    for (guint plane = 0; plane < 3; plane++) {
        planes.data[plane] = GST_VIDEO_FRAME_PLANE_DATA(&frame, plane);
        planes.stride[plane] = GST_VIDEO_FRAME_PLANE_STRIDE(&frame, plane);
    }
    uint64_t number = atomic_fetch_add_explicit(&camera->frames, 1, memory_order_relaxed);
    picture_draw(camera->picture, &planes, number, camera->options.fps, wall_ns());
    gst_video_frame_unmap(&frame);
}

static GstPadProbeReturn on_picture(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    struct camera *camera = data;

    if (atomic_load_explicit(&camera->paused, memory_order_relaxed)) {
        return GST_PAD_PROBE_DROP;
    }
    info->data = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
    draw(camera, pad, GST_PAD_PROBE_INFO_BUFFER(info));
    return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn on_sound(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    struct camera *camera = data;

    (void)pad;
    (void)info;
    return atomic_load_explicit(&camera->paused, memory_order_relaxed) ? GST_PAD_PROBE_DROP
                                                                       : GST_PAD_PROBE_OK;
}

static GstPadProbeReturn on_rtcp(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    (void)pad;
    (void)info;
    (void)data;
    return GST_PAD_PROBE_DROP;
}

/* A camera has no past to go to. Were it seekable, the server would flush and preroll the pipeline of every
 * client for each PLAY with a range, and abort where another client's PLAY came during that. */
static GstPadProbeReturn on_query(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    GstQuery *query = GST_PAD_PROBE_INFO_QUERY(info);
    GstFormat format;

    (void)pad;
    (void)data;
    if (GST_QUERY_TYPE(query) != GST_QUERY_SEEKING) {
        return GST_PAD_PROBE_OK;
    }
    gst_query_parse_seeking(query, &format, NULL, NULL, NULL);
    gst_query_set_seeking(query, format, FALSE, 0, -1);
    return GST_PAD_PROBE_HANDLED;
}

static void add_probes(GstElement *bin, const char *name, GstPadProbeCallback callback, struct camera *camera)
{
    GstElement *element = gst_bin_get_by_name(GST_BIN(bin), name);
    GstPad *pad;

    if (element == NULL) {
        return;
    }
    pad = gst_element_get_static_pad(element, "src");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, callback, camera, NULL);
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_QUERY_UPSTREAM, on_query, NULL, NULL);
    gst_object_unref(pad);
    gst_object_unref(element);
}

/* A receiver report makes rtpsession believe in an SSRC collision and change the stream's SSRC, so none
 * reaches it. */
static void on_rtpbin_pad(GstElement *rtpbin, GstPad *pad, gpointer data)
{
    (void)rtpbin;
    (void)data;
    if (g_str_has_prefix(GST_PAD_NAME(pad), "recv_rtcp_sink")) {
        gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_rtcp, NULL,
                          NULL);
    }
}

static void on_pipeline_element(GstBin *pipeline, GstElement *element, gpointer data)
{
    (void)pipeline;
    (void)data;
    if (g_str_has_prefix(GST_OBJECT_NAME(element), "rtpbin")) {
        g_signal_connect(element, "pad-added", G_CALLBACK(on_rtpbin_pad), NULL);
    }
}

static void camera_finish(gpointer data)
{
    struct camera *camera = data;

    g_object_unref(camera->factory);
    gst_clear_object(&camera->encoder);
    gst_clear_object(&camera->size);
    g_mutex_clear(&camera->lock);
    picture_destroy(camera->picture);
    g_free(camera->options.name);
    g_free(camera->path);
}

static void camera_unref(gpointer camera)
{
    g_atomic_rc_box_release_full(camera, camera_finish);
}

/* Takes over the references that the caller holds. */
static void set_elements(struct camera *camera, GstElement *encoder, GstElement *size)
{
    g_mutex_lock(&camera->lock);
    gst_clear_object(&camera->encoder);
    gst_clear_object(&camera->size);
    camera->encoder = encoder;
    camera->size = size;
    g_mutex_unlock(&camera->lock);
}

static void on_unprepared(GstRTSPMedia *media, gpointer data)
{
    (void)media;
    set_elements(data, NULL, NULL);
}

static void on_media_configure(GstRTSPMediaFactory *factory, GstRTSPMedia *media, gpointer data)
{
    struct camera *camera = data;
    GstElement *bin = gst_rtsp_media_get_element(media);
    GstObject *pipeline = gst_object_get_parent(GST_OBJECT(bin));

    (void)factory;
    add_probes(bin, "video", on_picture, camera);
    add_probes(bin, "sound", on_sound, camera);
    set_elements(camera, gst_bin_get_by_name(GST_BIN(bin), "encoder"),
                 gst_bin_get_by_name(GST_BIN(bin), "size"));
    g_object_set_data_full(G_OBJECT(media), "camera", g_atomic_rc_box_acquire(camera), camera_unref);
    g_signal_connect(media, "unprepared", G_CALLBACK(on_unprepared), camera);
    if (pipeline != NULL) {
        g_signal_connect(pipeline, "element-added", G_CALLBACK(on_pipeline_element), NULL);
        gst_object_unref(pipeline);
    }
    gst_object_unref(bin);
}

static const char *audio_branch(enum camera_audio audio)
{
    switch (audio) {
    case CAMERA_AUDIO_AAC:
        return "audio/x-raw,rate=16000,channels=1 ! voaacenc bitrate=32000 ! rtpmp4gpay name=pay1 pt=97";
    case CAMERA_AUDIO_OPUS:
        return "audio/x-raw,rate=48000,channels=1 ! opusenc bitrate=32000 ! rtpopuspay name=pay1 pt=97";
    case CAMERA_AUDIO_PCMA:
        return "audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay1 pt=8";
    case CAMERA_AUDIO_PCMU:
        return "audio/x-raw,rate=8000,channels=1 ! mulawenc ! rtppcmupay name=pay1 pt=0";
    case CAMERA_AUDIO_L16:
        return "audio/x-raw,rate=16000,channels=2 ! rtpL16pay name=pay1 pt=97";
    case CAMERA_AUDIO_G722:
        return "audio/x-raw,rate=16000,channels=1 ! avenc_g722 ! rtpg722pay name=pay1 pt=9";
    case CAMERA_AUDIO_G726:
        return "audio/x-raw,rate=8000,channels=1 ! avenc_g726 bitrate=32000 ! rtpg726pay name=pay1 pt=97";
    case CAMERA_AUDIO_LATM:
        return "audio/x-raw,rate=16000,channels=1 ! voaacenc bitrate=32000 ! rtpmp4apay name=pay1 pt=97";
    case CAMERA_AUDIO_NONE:
        break;
    }
    return NULL;
}

static char *h264_branch(const struct camera_options *options)
{
    bool reorders = options->b_frames > 0;

    /* Left alone, rtph264pay asks for the constrained baseline profile, which has no B-frames. */
    return g_strdup_printf("x264enc name=encoder speed-preset=ultrafast threads=1 sliced-threads=false "
                           "sync-lookahead=0 rc-lookahead=0 "
                           "b-adapt=false bframes=%d key-int-max=%d bitrate=%d option-string=scenecut=0%s "
                           "! video/x-h264,stream-format=byte-stream,alignment=au%s ! rtph264pay name=pay0 "
                           "pt=96 config-interval=-1",
                           options->b_frames, options->gop, options->bitrate,
                           reorders ? "" : " tune=zerolatency", reorders ? ",profile=main" : "");
}

static char *h265_branch(const struct camera_options *options)
{
    return g_strdup_printf(
        "x265enc name=encoder speed-preset=ultrafast key-int-max=%d bitrate=%d%s "
        "option-string=pools=none:frame-threads=1:scenecut=0:bframes=%d:b-adapt=0:rc-lookahead=%d "
        "! video/x-h265,stream-format=byte-stream,alignment=au ! rtph265pay name=pay0 pt=96 "
        "config-interval=-1",
        options->gop, options->bitrate, options->b_frames == 0 ? " tune=zerolatency" : "", options->b_frames,
        options->b_frames == 0 ? 0 : options->b_frames + 1);
}

static char *size_caps(const struct camera_options *options, int width, int height)
{
    return g_strdup_printf("video/x-raw,format=I420,width=%d,height=%d,framerate=%d/1", width, height,
                           options->fps);
}

static char *launch_line(const struct camera_options *options, unsigned int index)
{
    char *video = options->codec == CAMERA_CODEC_H264 ? h264_branch(options) : h265_branch(options);
    const char *audio = audio_branch(options->audio);
    char *caps = size_caps(options, options->width, options->height);
    GString *line = g_string_new(NULL);

    g_string_printf(line,
                    "( videotestsrc name=video is-live=true pattern=black "
                    "! capsfilter name=size caps=%s ! %s ",
                    caps, video);
    if (audio != NULL) {
        g_string_append_printf(line, "audiotestsrc name=sound is-live=true volume=0.1 freq=%u ! %s ",
                               TONE_HZ * (index + 1), audio);
    }
    g_string_append(line, ")");
    g_free(video);
    g_free(caps);
    return g_string_free(line, FALSE);
}

static void require_role(GstRTSPMediaFactory *factory)
{
    GstRTSPPermissions *permissions = gst_rtsp_permissions_new();

    gst_rtsp_permissions_add_role(permissions, CAMERA_ROLE, GST_RTSP_PERM_MEDIA_FACTORY_ACCESS,
                                  G_TYPE_BOOLEAN, TRUE, GST_RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, G_TYPE_BOOLEAN,
                                  TRUE, NULL);
    gst_rtsp_media_factory_set_permissions(factory, permissions);
    gst_rtsp_permissions_unref(permissions);
}

static char *path_for(const char *name, unsigned int index)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

    if (name[strspn(name, plain)] == '\0') {
        return g_strdup_printf("/%s", name);
    }
    return g_strdup_printf("/cam%u", index + 1);
}

struct camera *camera_create(GstRTSPServer *server, const struct camera_options *options, unsigned int index,
                             bool auth)
{
    struct camera *camera = g_atomic_rc_box_new0(struct camera);
    char *launch;

    g_mutex_init(&camera->lock);
    camera->options = *options;
    camera->options.name = g_strdup(options->name);
    camera->index = index;
    camera->width = options->width;
    camera->height = options->height;
    camera->path = path_for(options->name, index);
    camera->server = server;
    camera->factory = gst_rtsp_media_factory_new();
    camera->picture = make_picture(camera, camera->width, camera->height);
    if (camera->picture == NULL) {
        camera_unref(camera);
        return NULL;
    }
    launch = launch_line(options, index);
    gst_rtsp_media_factory_set_launch(camera->factory, launch);
    g_free(launch);
    gst_rtsp_media_factory_set_shared(camera->factory, TRUE);
    gst_rtsp_media_factory_set_latency(camera->factory, 0);
    g_signal_connect(camera->factory, "media-configure", G_CALLBACK(on_media_configure), camera);
    if (auth) {
        require_role(camera->factory);
    }
    camera_set_mounted(camera, true);
    return camera;
}

void camera_destroy(struct camera *camera)
{
    if (camera == NULL) {
        return;
    }
    camera_set_mounted(camera, false);
    g_signal_handlers_disconnect_by_data(camera->factory, camera);
    camera_unref(camera);
}

void camera_set_protocols(struct camera *camera, int protocols)
{
    int allowed = 0;

    if (protocols & CAMERA_TCP) {
        allowed |= GST_RTSP_LOWER_TRANS_TCP;
    }
    if (protocols & CAMERA_UDP) {
        allowed |= GST_RTSP_LOWER_TRANS_UDP;
    }
    gst_rtsp_media_factory_set_protocols(camera->factory, (GstRTSPLowerTrans)allowed);
}

const char *camera_name(const struct camera *camera)
{
    return camera->options.name;
}

const char *camera_path(const struct camera *camera)
{
    return camera->path;
}

void camera_set_mounted(struct camera *camera, bool mounted)
{
    GstRTSPMountPoints *mounts = gst_rtsp_server_get_mount_points(camera->server);

    gst_rtsp_mount_points_remove_factory(mounts, camera->path);
    if (mounted) {
        gst_rtsp_mount_points_add_factory(mounts, camera->path, g_object_ref(camera->factory));
    }
    g_object_unref(mounts);
}

void camera_set_paused(struct camera *camera, bool paused)
{
    atomic_store_explicit(&camera->paused, paused, memory_order_relaxed);
}

uint64_t camera_frames(const struct camera *camera)
{
    return atomic_load_explicit(&camera->frames, memory_order_relaxed);
}

void camera_force_keyframe(struct camera *camera)
{
    GstElement *encoder;
    GstPad *pad;

    g_mutex_lock(&camera->lock);
    encoder = camera->encoder != NULL ? gst_object_ref(camera->encoder) : NULL;
    g_mutex_unlock(&camera->lock);
    if (encoder == NULL) {
        return;
    }
    pad = gst_element_get_static_pad(encoder, "src");
    gst_pad_send_event(pad, gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 0));
    gst_object_unref(pad);
    gst_object_unref(encoder);
}

void camera_set_size(struct camera *camera, int width, int height)
{
    GstElement *size;

    g_mutex_lock(&camera->lock);
    size = camera->size != NULL ? gst_object_ref(camera->size) : NULL;
    g_mutex_unlock(&camera->lock);
    if (size == NULL) {
        return;
    }
    char *text = size_caps(&camera->options, width, height);
    GstCaps *caps = gst_caps_from_string(text);
    g_object_set(size, "caps", caps, NULL);
    gst_caps_unref(caps);
    g_free(text);
    gst_object_unref(size);
}
