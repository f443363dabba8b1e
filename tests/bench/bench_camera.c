/* SPDX-License-Identifier: MIT */
/*
 * bench_camera: many RTSP cameras in one process, for tests/bench/run and by hand. All replay one clip
 * (clip.h) in real time, staggered evenly; every frame carries a stamp (stamp.h) made just before its packets
 * are sent. Cameras are rtsp://127.0.0.1:PORT/cam0, /cam1, … Prints {"event":"listening","port":N}, and on
 * end of standard input {"event":"result",…}.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "tests/bench/clip.h"
#include "tests/bench/clock.h"
#include "tests/bench/options.h"
#include "tests/bench/rtp_frame.h"
#include "tests/bench/rtsp_session.h"
#include "tests/bench/stamp.h"

#define BACKLOG 1024
#define VIDEO_CLOCK 90000.0
#define AAC_FRAME_SAMPLES 1024
#define REPORT_INTERVAL_S 5.0
#define UDP_PORT_TRIES 64
/* Many cameras' units are sent in batches: a wake-up costs more than a send. Stamps are made at the send. */
#define BATCH_NS NS_PER_MS

struct camera {
    struct rtp_stream streams[RTSP_TRACKS];
    uint32_t base[RTSP_TRACKS];   /* RTP time of the beginning */
    size_t first_frame;           /* of the clip: a keyframe; cameras begin at different ones */
    bool report_due[RTSP_TRACKS]; /* somebody has just begun to play */
    struct rtsp_session *sessions;
};

/* Units of all cameras in turn: number N belongs to camera N mod count and is due N × interval / count. */
struct schedule {
    double interval_ns; /* of one camera's units; 0: there are none */
    uint64_t next;
};

struct bench {
    struct clip clip;
    struct rtsp_server server;
    struct rtp_frame frame;
    struct camera *cameras;
    struct schedule schedules[RTSP_TRACKS];
    struct rtsp_session *waiting; /* not playing yet */
    int64_t start_ns;
    int listener, timer, epoll;
    char sdp[CLIP_SDP_MAX];
};

static void print_line(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    puts(text ? text : "{}");
    fflush(stdout);
    free(text);
    json_decref(object);
}

static int64_t due_ns(const struct bench *bench, const struct schedule *schedule)
{
    double turns = (double)schedule->next / (double)bench->server.camera_count;
    return bench->start_ns + (int64_t)(turns * schedule->interval_ns);
}

static void unlink_session(struct rtsp_session **list, const struct rtsp_session *session)
{
    while (*list && *list != session) {
        list = &(*list)->next;
    }
    if (*list) {
        *list = session->next;
    }
}

static void drop_session(struct bench *bench, struct rtsp_session *session)
{
    unlink_session(&bench->waiting, session);
    for (size_t i = 0; i < bench->server.camera_count; i++) {
        unlink_session(&bench->cameras[i].sessions, session);
    }
    rtsp_session_destroy(session);
}

static void watch_session(const struct bench *bench, struct rtsp_session *session, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | (session->pending_length > 0 ? EPOLLOUT : 0),
                                .data.ptr = session};
    if (epoll_ctl(bench->epoll, operation, session->fd, &event) < 0) {
        perror("bench_camera: epoll_ctl");
    }
}

static void send_to_sessions(struct bench *bench, struct camera *camera, enum rtsp_track_index track,
                             bool report)
{
    for (struct rtsp_session *session = camera->sessions, *next; session; session = next) {
        next = session->next;
        bool was_pending = session->pending_length > 0;
        if (rtsp_session_send(session, &bench->server, track, &bench->frame, report) < 0) {
            drop_session(bench, session);
        } else if (!was_pending && session->pending_length > 0) {
            watch_session(bench, session, EPOLL_CTL_MOD);
        }
    }
}

static void send_report(struct bench *bench, struct camera *camera, enum rtsp_track_index track,
                        uint32_t timestamp)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    camera->report_due[track] = false;
    rtp_frame_clear(&bench->frame);
    rtp_frame_add_report(&bench->frame, &camera->streams[track], timestamp,
                         wall.tv_sec * NS_PER_S + wall.tv_nsec);
    send_to_sessions(bench, camera, track, true);
}

static void add_slices(struct rtp_frame *frame, struct rtp_stream *stream, uint32_t timestamp,
                       const struct clip_unit *unit)
{
    for (size_t at = 0; at < unit->length;) {
        const uint8_t *nal = unit->data + at + 4;
        size_t length = (size_t)nal[-4] << 24 | (size_t)nal[-3] << 16 | (size_t)nal[-2] << 8 | nal[-1];
        at += 4 + length;
        rtp_frame_add_nal(frame, stream, timestamp, nal, length, at >= unit->length);
    }
}

static void send_video(struct bench *bench, struct camera *camera, uint64_t number)
{
    const struct clip *clip = &bench->clip;
    const struct clip_unit *unit = &clip->video.units[(camera->first_frame + number) % clip->video.count];
    struct rtp_stream *stream = &camera->streams[RTSP_VIDEO];
    uint32_t timestamp =
        camera->base[RTSP_VIDEO] + (uint32_t)(uint64_t)((double)number * VIDEO_CLOCK / clip->fps);
    uint8_t sei[STAMP_NAL_SIZE];
    if (camera->report_due[RTSP_VIDEO] || number % (uint64_t)(REPORT_INTERVAL_S * clip->fps) == 0) {
        send_report(bench, camera, RTSP_VIDEO, timestamp);
    }
    stamp_write(sei, &(struct stamp){.capture_ns = clock_ns(), .frame = number});
    rtp_frame_clear(&bench->frame);
    if (unit->keyframe) {
        rtp_frame_add_nal(&bench->frame, stream, timestamp, clip->sps, clip->sps_length, false);
        rtp_frame_add_nal(&bench->frame, stream, timestamp, clip->pps, clip->pps_length, false);
    }
    rtp_frame_add_nal(&bench->frame, stream, timestamp, sei, sizeof sei, false);
    add_slices(&bench->frame, stream, timestamp, unit);
    send_to_sessions(bench, camera, RTSP_VIDEO, false);
}

static void send_audio(struct bench *bench, struct camera *camera, uint64_t number)
{
    const struct clip_unit *unit = &bench->clip.audio.units[number % bench->clip.audio.count];
    uint32_t timestamp = camera->base[RTSP_AUDIO] + (uint32_t)(number * AAC_FRAME_SAMPLES);
    uint64_t per_report = (uint64_t)(REPORT_INTERVAL_S * bench->clip.audio_rate / AAC_FRAME_SAMPLES);
    if (camera->report_due[RTSP_AUDIO] || number % per_report == 0) {
        send_report(bench, camera, RTSP_AUDIO, timestamp);
    }
    rtp_frame_clear(&bench->frame);
    rtp_frame_add_aac(&bench->frame, &camera->streams[RTSP_AUDIO], timestamp, unit->data, unit->length);
    send_to_sessions(bench, camera, RTSP_AUDIO, false);
}

static void send_unit(struct bench *bench, enum rtsp_track_index track)
{
    uint64_t turn = bench->schedules[track].next++;
    struct camera *camera = &bench->cameras[turn % bench->server.camera_count];
    uint64_t number = turn / bench->server.camera_count;
    if (!camera->sessions) {
        return;
    }
    if (track == RTSP_VIDEO) {
        send_video(bench, camera, number);
    } else {
        send_audio(bench, camera, number);
    }
}

/* The track whose unit is due first. */
static enum rtsp_track_index next_track(const struct bench *bench)
{
    const struct schedule *audio = &bench->schedules[RTSP_AUDIO];
    bool audio_first =
        audio->interval_ns > 0 && due_ns(bench, audio) < due_ns(bench, &bench->schedules[RTSP_VIDEO]);
    return audio_first ? RTSP_AUDIO : RTSP_VIDEO;
}

static int arm_timer(const struct bench *bench, int64_t now)
{
    int64_t due = due_ns(bench, &bench->schedules[next_track(bench)]);
    struct itimerspec spec = {.it_value = clock_timespec(due > now + BATCH_NS ? due : now + BATCH_NS)};
    return timerfd_settime(bench->timer, TFD_TIMER_ABSTIME, &spec, NULL) < 0 ? -errno : 0;
}

static int on_timer(struct bench *bench)
{
    uint64_t expirations;
    (void)!read(bench->timer, &expirations, sizeof expirations);
    int64_t now = clock_ns();
    for (;;) {
        enum rtsp_track_index track = next_track(bench);
        if (due_ns(bench, &bench->schedules[track]) > now) {
            return arm_timer(bench, now);
        }
        send_unit(bench, track);
    }
}

static void on_listener(struct bench *bench)
{
    for (;;) {
        uint64_t id;
        int fd = accept4(bench->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 || getrandom(&id, sizeof id, 0) != sizeof id) {
            return;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        struct rtsp_session *session = rtsp_session_create(fd, id);
        if (!session) {
            return;
        }
        session->next = bench->waiting;
        bench->waiting = session;
        watch_session(bench, session, EPOLL_CTL_ADD);
    }
}

static void on_session(struct bench *bench, struct rtsp_session *session, uint32_t events)
{
    bool was_playing = session->playing;
    int result = 0;
    if (events & EPOLLOUT) {
        result = rtsp_session_writable(session);
        if (result == 0 && session->pending_length == 0) {
            watch_session(bench, session, EPOLL_CTL_MOD);
        }
    }
    if (result == 0 && (events & ~(uint32_t)EPOLLOUT)) {
        result = rtsp_session_readable(session, &bench->server);
    }
    if (result < 0) {
        drop_session(bench, session);
    } else if (!was_playing && session->playing) {
        struct camera *camera = &bench->cameras[session->camera];
        unlink_session(&bench->waiting, session);
        session->next = camera->sessions;
        camera->sessions = session;
        camera->report_due[RTSP_VIDEO] = camera->report_due[RTSP_AUDIO] = true;
    }
}

static int run_loop(struct bench *bench)
{
    struct epoll_event event = {0};
    bool ended = false;
    int result = 0;
    while (!ended && result == 0) {
        /* One event at a time: what is done for one may destroy the session that another names. */
        int count = epoll_wait(bench->epoll, &event, 1, -1);
        if (count < 0 && errno != EINTR) {
            return -errno;
        }
        if (count <= 0) {
            continue;
        }
        if (event.data.ptr == NULL) {
            ended = true;
        } else if (event.data.ptr == &bench->timer) {
            result = on_timer(bench);
        } else if (event.data.ptr == &bench->listener) {
            on_listener(bench);
        } else {
            on_session(bench, event.data.ptr, event.events);
        }
    }
    return result;
}

static int bind_udp(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* An even port and the one after it (RFC 3550 section 11). */
static int open_udp(struct rtsp_server *server)
{
    struct sockaddr_in address = {0};
    socklen_t length = sizeof address;
    for (int i = 0; i < UDP_PORT_TRIES; i++) {
        server->rtp_socket = bind_udp(0);
        if (server->rtp_socket < 0 ||
            getsockname(server->rtp_socket, (struct sockaddr *)&address, &length) < 0) {
            return -errno;
        }
        server->rtp_port = ntohs(address.sin_port);
        if (server->rtp_port % 2 == 0 &&
            (server->rtcp_socket = bind_udp((uint16_t)(server->rtp_port + 1))) >= 0) {
            return 0;
        }
        close(server->rtp_socket);
        server->rtp_socket = -1;
    }
    return -EADDRINUSE;
}

static int open_listener(struct bench *bench, size_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    socklen_t length = sizeof address;
    bench->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bench->listener < 0) {
        return -errno;
    }
    setsockopt(bench->listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(bench->listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(bench->listener, BACKLOG) < 0 ||
        getsockname(bench->listener, (struct sockaddr *)&address, &length) < 0) {
        return -errno;
    }
    print_line(json_pack("{s:s,s:i}", "event", "listening", "port", (int)ntohs(address.sin_port)));
    return 0;
}

static int watch(const struct bench *bench, int fd, void *tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = tag};
    return epoll_ctl(bench->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static size_t longest_frame(const struct clip *clip)
{
    size_t longest = 0;
    for (size_t i = 0; i < clip->video.count; i++) {
        longest = clip->video.units[i].length > longest ? clip->video.units[i].length : longest;
    }
    return longest;
}

/* Cameras begin at different keyframes, so that their GOPs do not beat as one. */
static size_t nth_keyframe(const struct clip *clip, size_t number)
{
    size_t keyframes = 0;
    for (size_t i = 0; i < clip->video.count; i++) {
        keyframes += clip->video.units[i].keyframe;
    }
    if (keyframes == 0) {
        return 0;
    }
    number %= keyframes;
    for (size_t i = 0;; i++) {
        if (clip->video.units[i].keyframe && number-- == 0) {
            return i;
        }
    }
}

static int make_cameras(struct bench *bench)
{
    size_t count = bench->server.camera_count;
    bench->cameras = calloc(count, sizeof *bench->cameras);
    if (!bench->cameras) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        struct camera *camera = &bench->cameras[i];
        camera->streams[RTSP_VIDEO] = (struct rtp_stream){.payload_type = 96, .ssrc = (uint32_t)(0x1000 + i)};
        camera->streams[RTSP_AUDIO] = (struct rtp_stream){.payload_type = 97, .ssrc = (uint32_t)(0x8000 + i)};
        camera->base[RTSP_VIDEO] = (uint32_t)(i * 1000003);
        camera->base[RTSP_AUDIO] = (uint32_t)(i * 700001);
        camera->first_frame = nth_keyframe(&bench->clip, i);
    }
    return 0;
}

static int bench_open(struct bench *bench, const char *clip_path, bool no_audio, size_t port)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    int result = clip_load(&bench->clip, clip_path, !no_audio);
    if (result < 0) {
        return result;
    }
    clip_sdp(&bench->clip, bench->sdp);
    bench->server.sdp = bench->sdp;
    bench->schedules[RTSP_VIDEO].interval_ns = (double)NS_PER_S / bench->clip.fps;
    if (bench->clip.audio.count > 0) {
        bench->schedules[RTSP_AUDIO].interval_ns =
            AAC_FRAME_SAMPLES * (double)NS_PER_S / bench->clip.audio_rate;
    }
    bench->epoll = epoll_create1(EPOLL_CLOEXEC);
    bench->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (bench->epoll < 0 || bench->timer < 0) {
        return -errno;
    }
    bench->start_ns = clock_ns();
    if ((result = rtp_frame_init(&bench->frame, longest_frame(&bench->clip))) < 0 ||
        (result = make_cameras(bench)) < 0 || (result = open_udp(&bench->server)) < 0 ||
        (result = open_listener(bench, port)) < 0 ||
        (result = watch(bench, bench->listener, &bench->listener)) < 0 ||
        (result = watch(bench, bench->timer, &bench->timer)) < 0 ||
        (result = watch(bench, STDIN_FILENO, NULL)) < 0) {
        return result;
    }
    return arm_timer(bench, bench->start_ns);
}

static void bench_finish(struct bench *bench)
{
    const int fds[] = {bench->listener, bench->timer, bench->epoll, bench->server.rtp_socket,
                       bench->server.rtcp_socket};
    while (bench->waiting) {
        drop_session(bench, bench->waiting);
    }
    for (size_t i = 0; bench->cameras && i < bench->server.camera_count; i++) {
        while (bench->cameras[i].sessions) {
            drop_session(bench, bench->cameras[i].sessions);
        }
    }
    free(bench->cameras);
    rtp_frame_finish(&bench->frame);
    clip_finish(&bench->clip);
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
}

int main(int argc, char **argv)
{
    struct bench bench = {.listener = -1,
                          .timer = -1,
                          .epoll = -1,
                          .server = {.camera_count = 1, .rtp_socket = -1, .rtcp_socket = -1}};
    const char *clip = NULL;
    bool no_audio = false;
    size_t port = 0;
    const struct option_spec specs[] = {
        {"--clip", OPTION_STRING, &clip, "file with H.264 (and AAC): begins with a keyframe, no B-frames"},
        {"--cameras", OPTION_COUNT, &bench.server.camera_count, "how many; default 1"},
        {"--port", OPTION_COUNT, &port, "default: any free one"},
        {"--packets", OPTION_FLAG, &bench.server.packet_by_packet,
         "one RTP packet a write, as most cameras send; default: a frame"},
        {"--no-audio", OPTION_FLAG, &no_audio, "picture only"},
    };
    if (options_parse(specs, sizeof specs / sizeof specs[0], argc, argv) < 0 || !clip ||
        bench.server.camera_count == 0 || port > UINT16_MAX) {
        return 2;
    }
    int result = bench_open(&bench, clip, no_audio, port);
    if (result == 0) {
        result = run_loop(&bench);
    }
    if (result < 0) {
        fprintf(stderr, "bench_camera: %s\n", strerror(-result));
    } else {
        print_line(json_pack("{s:s,s:I,s:I}", "event", "result", "frames_sent",
                             (json_int_t)bench.server.frames_sent, "frames_dropped",
                             (json_int_t)bench.server.frames_dropped));
    }
    bench_finish(&bench);
    return result < 0 ? 1 : 0;
}
