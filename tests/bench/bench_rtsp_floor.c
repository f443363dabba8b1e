/* SPDX-License-Identifier: MIT */
/*
 * The floor for ringcast-rtsp: gst-rtsp-server as it comes, which serves the same ring with the same payloader. bench_rtsp_floor PORT RING serves
 * rtsp://127.0.0.1:PORT/x until it is killed; tests/bench/rtsp compares the processor time of the two.
 */
#include <fcntl.h>
#include <gst/rtsp-server/rtsp-server.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log/log.h"
#include "rtsp/door/streams.h"
#include "rtsp/media/factory.h"
#include "rtsp/media/plugins.h"

static void on_media(GstRTSPMediaFactory *factory, GstRTSPMedia *media, gpointer data)
{
    (void)factory, (void)data;
    feed_play(factory_feed(media));
}

static void on_wanted(void *owner, const char *name)
{
    (void)owner, (void)name;
}

static void on_ended(void *owner, struct feed *feed)
{
    (void)owner, (void)feed;
}

int main(int argc, char **argv)
{
    const struct streams_handlers handlers = {.wanted = on_wanted, .ended = on_ended};
    GstRTSPServer *server;
    int ring = argc == 3 ? open(argv[2], O_RDONLY | O_CLOEXEC) : -1;

    log_open("floor", NULL);
    if (ring < 0 || !plugins_load()) {
        fprintf(stderr, "usage: bench_rtsp_floor PORT RING\n");
        return 2;
    }
    struct streams *streams = streams_create(&handlers);
    if (streams_set_ring(streams, "x", ring) < 0) {
        return 1;
    }
    streams_set_live(streams, "x", true);
    if (streams_prepare(streams, "x") != GST_RTSP_STS_OK) {
        return 1;
    }
    GstRTSPMediaFactory *factory = gst_rtsp_mount_points_match(streams_mounts(streams), "/x", NULL);
    g_signal_connect(factory, "media-configure", G_CALLBACK(on_media), NULL);
    server = gst_rtsp_server_new();
    gst_rtsp_server_set_address(server, "127.0.0.1");
    gst_rtsp_server_set_service(server, argv[1]);
    gst_rtsp_server_set_mount_points(server, streams_mounts(streams));
    if (gst_rtsp_server_attach(server, NULL) == 0) {
        return 1;
    }
    puts("ready");
    fflush(stdout);
    g_main_loop_run(g_main_loop_new(NULL, FALSE));
    return 0;
}
