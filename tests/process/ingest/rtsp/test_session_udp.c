/* SPDX-License-Identifier: MIT */
/* Packets beside the connection. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/process/ingest/rtsp/session_fixture.h"
#include "tests/support/patience.h"

static struct script_server server;
static struct session_fixture fixture;

/* The camera's own ports, bound by the test. */
static int rtp, rtcp, rtp_port, rtcp_port;

static int bind_udp(const char *address, int *port)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    socklen_t size = sizeof(name);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET, address, &name.sin_addr);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &size), 0);
    *port = ntohs(name.sin_port);
    return fd;
}

static void send_udp(int fd, int port, const void *data, size_t size)
{
    struct sockaddr_in name = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    assert_int_equal(sendto(fd, data, size, 0, (struct sockaddr *)&name, sizeof(name)), size);
}

static int client_port(const char *request)
{
    const char *at = strstr(request, "client_port=");

    return at != NULL ? atoi(at + 12) : 0;
}

struct manner {
    bool refuses;        /* 461 to UDP */
    bool sends;          /* a packet after PLAY */
    bool interleaves;    /* answers an offer of UDP with TCP */
    bool udp_only;       /* 461 to TCP */
    bool always_udp;     /* answers an offer of TCP with UDP */
    const char *refusal; /* to TCP; NULL: 461 */
    const char *instead; /* Transport that answers an offer of TCP, if ALWAYS_UDP; NULL: with ports */
    const char *source;  /* named in the Transport header; NULL: none */
    int port;            /* of the client, once known */
};

static void udp_camera(struct script_server *camera, const char *request)
{
    struct manner *manner = (struct manner *)(uintptr_t)camera->context;
    char text[256];
    int port = script_is(request, "SETUP") ? client_port(request) : 0;

    if (port == 0 && script_is(request, "SETUP") && manner->udp_only) {
        script_reply(camera, request, manner->refusal ? manner->refusal : "461 Unsupported Transport", "",
                     NULL);
    } else if (port == 0 && script_is(request, "SETUP") && manner->always_udp) {
        snprintf(text, sizeof(text), "Transport: %s\r\nSession: 1\r\n",
                 manner->instead ? manner->instead : "RTP/AVP;unicast;client_port=2-3;server_port=4-5");
        script_reply(camera, request, "200 OK", text, NULL);
    } else if (port != 0 && manner->refuses) {
        script_reply(camera, request, "461 Unsupported Transport", "", NULL);
    } else if (port != 0) {
        manner->port = port;
        snprintf(text, sizeof(text),
                 "Transport: RTP/AVP%s;unicast;%s%sclient_port=%d-%d;server_port=%d-%d\r\nSession: 1\r\n",
                 manner->interleaves ? "/TCP;interleaved=0-1" : "", manner->source ? "source=" : "",
                 manner->source ? manner->source : "", port, port + 1, rtp_port, rtcp_port);
        script_reply(camera, request, "200 OK", text, NULL);
    } else if (script_is(request, "PLAY") && manner->sends) {
        send_udp(rtp, manner->port, "\x80packet", 7);
        script_reply(camera, request, "200 OK", "", NULL);
    } else {
        script_camera(camera, request, false);
    }
}

static void begin(const struct manner *manner, enum rtsp_choice transport)
{
    rtp = bind_udp("127.0.0.1", &rtp_port);
    rtcp = bind_udp("127.0.0.1", &rtcp_port);
    script_start(&server, udp_camera, manner);
    session_prepare(&fixture, server.port);
    fixture.options.transport = transport;
}

static void end(void)
{
    session_close(&fixture);
    script_stop(&server);
    close(rtp);
    close(rtcp);
}

static size_t receive(int fd, char *out, size_t size)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};

    assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
    ssize_t got = recv(fd, out, size, 0);
    assert_true(got >= 0);
    return (size_t)got;
}

static void packets_come_and_reports_go(void **state)
{
    struct manner manner = {.sends = true};
    char text[64];

    (void)state;
    begin(&manner, RTSP_UDP);
    session_open(&fixture, 0);
    assert_true(rtsp_session_is_udp(fixture.session));
    assert_int_equal(manner.port % 2, 0);
    struct rtsp_packet packet = session_packet(&fixture);
    assert_int_equal(packet.size, 7);
    assert_false(packet.rtcp);
    send_udp(rtcp, manner.port + 1, "\x80report", 7);
    packet = session_packet(&fixture);
    assert_true(packet.rtcp);
    assert_memory_equal(packet.data, "\x80report", 7);
    assert_int_equal(receive(rtp, text, sizeof(text)), 12); /* opens the way through a firewall */
    assert_int_equal(receive(rtcp, text, sizeof(text)), 8);
    rtsp_session_send_rtcp(fixture.session, RTSP_VIDEO, "answer", 6);
    assert_int_equal(receive(rtcp, text, sizeof(text)), 6);
    end();
}

static void strangers_are_not_heard(void **state)
{
    struct manner manner = {.sends = true};
    int port;
    int stranger = bind_udp("127.0.0.2", &port);

    (void)state;
    begin(&manner, RTSP_UDP);
    session_open(&fixture, 0);
    session_packet(&fixture);
    for (int i = 0; i < 100; i++) {
        send_udp(stranger, manner.port, "\x80stranger", 9);
    }
    send_udp(rtp, manner.port, "\x80mine", 5);
    struct rtsp_packet packet = session_packet(&fixture);
    assert_int_equal(packet.size, 5);
    close(stranger);
    end();
}

static void refusal_leads_to_tcp(void **state)
{
    struct manner manner = {.refuses = true};

    (void)state;
    begin(&manner, RTSP_BEST);
    session_open(&fixture, 0);
    assert_false(rtsp_session_is_udp(fixture.session));
    assert_int_equal(server.connections, 1);
    assert_int_equal(script_count(&server, "client_port="), 1);
    assert_int_equal(script_count(&server, "interleaved="), 1);
    end();
    begin(&manner, RTSP_UDP);
    session_open(&fixture, -EPROTONOSUPPORT);
    session_assert_error(&fixture, "461");
    end();
    manner = (struct manner){.interleaves = true};
    begin(&manner, RTSP_BEST);
    session_open(&fixture, 0);
    assert_false(rtsp_session_is_udp(fixture.session));
    end();
}

/* A camera without RTP over TCP: the default goes over to UDP, and the next session begins with it. */
static void tcp_that_is_refused_leads_to_udp(void **state)
{
    struct manner manners[] = {
        {.sends = true, .udp_only = true},
        {.sends = true, .always_udp = true},
        {.sends = true, .always_udp = true, .instead = "RTP/AVP/UDP;unicast"},
        {.sends = true, .always_udp = true, .instead = "RTP/AVP;unicast;client_port=2-3"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(manners) / sizeof(manners[0]); i++) {
        struct rtsp_memory memory = {0};
        begin(&manners[i], RTSP_TCP_FIRST);
        fixture.options.memory = &memory;
        session_open(&fixture, 0);
        assert_true(rtsp_session_is_udp(fixture.session));
        assert_int_equal(session_packet(&fixture).size, 7);
        end();
        begin(&manners[i], RTSP_TCP_FIRST);
        fixture.options.memory = &memory;
        session_open(&fixture, 0);
        assert_int_equal(script_count(&server, "interleaved="), 0);
        end();
        begin(&manners[i], RTSP_TCP);
        session_open(&fixture, -EPROTONOSUPPORT);
        session_assert_error(&fixture, "transport = \"udp\"");
        end();
    }
}

/* Cameras refuse what they do not offer with other statuses than 461, too; what says something else is believed. */
static void tcp_is_refused_in_other_words(void **state)
{
    static const char *const refusals[] = {"400 Bad Request", "406 Not Acceptable", "459 Aggregate",
                                           "500 Internal Server Error", "501 Not Implemented"};
    struct manner manner = {.sends = true, .udp_only = true};

    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct rtsp_memory memory = {0};
        manner.refusal = refusals[i];
        begin(&manner, RTSP_TCP_FIRST);
        fixture.options.memory = &memory;
        session_open(&fixture, 0);
        assert_true(rtsp_session_is_udp(fixture.session));
        assert_true(memory.tcp_fails);
        end();
    }
    manner.refusal = "404 Not Found";
    begin(&manner, RTSP_TCP_FIRST);
    session_open(&fixture, -EPROTO);
    session_assert_error(&fixture, "404");
    assert_int_equal(script_count(&server, "client_port="), 0);
    end();
}

/* How a camera that sends to a group says so. */
struct group {
    int port;
    bool unicast;     /* any offer is answered with the group, not 461 */
    bool description; /* group and port are in the description alone */
};

#define GROUP "239.255.77.3"

static void multicast_camera(struct script_server *camera, const char *request)
{
    const struct group *group = camera->context;
    char text[512] = "Transport: RTP/AVP;multicast\r\nSession: 1\r\n";

    if (script_is(request, "DESCRIBE")) {
        snprintf(text, sizeof(text),
                 "v=0\r\ns=x\r\nc=IN IP4 " GROUP "/1\r\nm=video %d RTP/AVP 96\r\n"
                 "a=rtpmap:96 H264/90000\r\na=control:track1\r\n",
                 group->port);
        script_reply(camera, request, "200 OK", "", text);
    } else if (script_is(request, "SETUP") && !group->unicast && !strstr(request, "multicast")) {
        script_reply(camera, request, "461 Unsupported Transport", "", NULL);
    } else if (script_is(request, "SETUP")) {
        if (!group->description) {
            snprintf(text, sizeof(text),
                     "Transport: RTP/AVP;multicast;destination=" GROUP ";port=%d-%d;ttl=1\r\nSession: 1\r\n",
                     group->port, group->port + 1);
        }
        script_reply(camera, request, "200 OK", text, NULL);
    } else {
        script_camera(camera, request, false);
    }
}

/* Two ports, one after the other, that nobody has at the moment. */
static int free_ports(void)
{
    for (;;) {
        int port, next;
        int first = bind_udp("127.0.0.1", &port);
        struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(port + 1))};
        next = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        bool both = bind(next, (struct sockaddr *)&name, sizeof(name)) == 0;
        close(first);
        close(next);
        if (both) {
            return port;
        }
    }
}

static void send_group(int fd, int port, const char *text)
{
    const struct in_addr loopback = {.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    inet_pton(AF_INET, GROUP, &name.sin_addr);
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &loopback, sizeof(loopback)), 0);
    assert_int_equal(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&name, sizeof(name)), strlen(text));
}

/* Where nothing else is offered, the group is joined, and the next session begins with it. */
static void multicast_is_joined_where_nothing_else_is_offered(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        struct group group = {.port = free_ports(), .unicast = way == 1, .description = way == 2};
        struct rtsp_memory memory = {0};
        int port;
        int stranger = bind_udp("127.0.0.2", &port);
        rtp = bind_udp("127.0.0.1", &rtp_port);
        for (int round = 0; round < 2; round++) {
            script_start(&server, multicast_camera, &group);
            session_prepare(&fixture, server.port);
            fixture.options.transport = RTSP_TCP_FIRST;
            fixture.options.memory = &memory;
            session_open(&fixture, 0);
            assert_true(rtsp_session_is_udp(fixture.session));
            assert_int_equal(script_count(&server, "interleaved="), round == 0);
            send_group(stranger, group.port, "\x80stranger");
            send_group(rtp, group.port, "\x80mine");
            struct rtsp_packet packet = session_packet(&fixture);
            assert_int_equal(packet.size, 5);
            assert_false(packet.rtcp);
            send_group(rtp, group.port + 1, "\x80report");
            packet = session_packet(&fixture);
            assert_true(packet.rtcp);
            session_close(&fixture);
            script_stop(&server);
        }
        close(rtp);
        close(stranger);
    }
}

static void multicast_is_refused_with_words(void **state)
{
    static const struct {
        const char *transport, *words;
        enum rtsp_choice choice;
    } cases[] = {
        {"RTP/AVP;multicast;destination=239.1.2.3;port=5000-5001", "transport = \"auto-tcp\" would use that",
         RTSP_TCP},
        {"RTP/AVP;multicast;destination=10.1.2.3;port=5000-5001", "cannot be joined: Invalid argument",
         RTSP_TCP_FIRST},
        {"RTP/AVP;multicast;destination=239.1.2.3", "names no port", RTSP_TCP_FIRST},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct manner manner = {.always_udp = true, .instead = cases[i].transport};
        begin(&manner, cases[i].choice);
        fixture.result = rtsp_session_open(&fixture.options, &fixture.session, fixture.error);
        assert_true(fixture.result < 0);
        session_assert_error(&fixture, cases[i].words);
        end();
    }
}

/* What the camera said of TCP is told when UDP fails, too, and the next session begins with TCP again. */
static void the_first_refusal_is_told(void **state)
{
    struct manner manner = {.refuses = true, .udp_only = true, .refusal = "400 Bad Request"};
    struct rtsp_memory memory = {0};

    (void)state;
    begin(&manner, RTSP_TCP_FIRST);
    fixture.options.memory = &memory;
    session_open(&fixture, -EPROTONOSUPPORT);
    session_assert_error(&fixture, "400");
    assert_int_equal(script_count(&server, "client_port="), 1);
    assert_false(memory.tcp_fails);
    end();
    manner.refusal = NULL;
    for (int i = 0; i < 2; i++) {
        begin(&manner, i == 0 ? RTSP_TCP_FIRST : RTSP_BEST);
        session_open(&fixture, -EPROTONOSUPPORT);
        session_assert_error(&fixture, "neither over TCP nor over UDP, and not as multicast (461)");
        assert_int_equal(script_count(&server, "RTP/AVP;multicast"), 1);
        end();
    }
}

/* Packets come from the address that the camera names, or from the one that the connection goes to. */
static void either_source_is_heard(void **state)
{
    struct manner manner = {.sends = true, .source = "127.0.0.9;"};
    int port;
    int named = bind_udp("127.0.0.9", &port);

    (void)state;
    begin(&manner, RTSP_UDP);
    session_open(&fixture, 0);
    assert_int_equal(session_packet(&fixture).size, 7); /* from the connection's */
    end();
    manner.sends = false;
    begin(&manner, RTSP_UDP);
    session_open(&fixture, 0);
    send_udp(named, manner.port, "\x80named", 6);
    assert_int_equal(session_packet(&fixture).size, 6);
    end();
    close(named);
}

/* Once a port has sent RTP, another port of the same host does not take the stream. */
static void other_ports_do_not_take_the_stream(void **state)
{
    struct manner manner = {.sends = true};
    int port;
    int intruder = bind_udp("127.0.0.1", &port);

    (void)state;
    begin(&manner, RTSP_UDP);
    session_open(&fixture, 0);
    assert_int_equal(session_packet(&fixture).size, 7);
    for (int i = 0; i < 5; i++) {
        send_udp(rtp, manner.port, "\x80mine", 5);
        send_udp(intruder, manner.port, "\x80intruder", 9);
        assert_int_equal(session_packet(&fixture).size, 5);
    }
    end();
    close(intruder);
}

/* The connection ends at a SETUP over TCP: the next session asks for UDP. */
static void ends_at_tcp(struct script_server *camera, const char *request)
{
    if (script_is(request, "SETUP") && client_port(request) == 0) {
        script_hang_up(camera, false);
    } else {
        udp_camera(camera, request);
    }
}

static void an_end_at_setup_leads_to_udp(void **state)
{
    struct manner manner = {.sends = true};
    struct rtsp_memory memory = {0};

    (void)state;
    for (int round = 0; round < 2; round++) {
        rtp = bind_udp("127.0.0.1", &rtp_port);
        rtcp = bind_udp("127.0.0.1", &rtcp_port);
        script_start(&server, ends_at_tcp, &manner);
        session_prepare(&fixture, server.port);
        fixture.options.transport = RTSP_TCP_FIRST;
        fixture.options.memory = &memory;
        session_open(&fixture, round == 0 ? -ECONNRESET : 0);
        end();
    }
}

static void silence_leads_to_tcp(void **state)
{
    struct manner manner = {.sends = false};

    (void)state;
    begin(&manner, RTSP_BEST);
    session_open(&fixture, 0);
    assert_false(rtsp_session_is_udp(fixture.session));
    assert_in_range(fixture.duration_ms, RTSP_UDP_SILENCE_MS - 10, PATIENCE_MS);
    assert_int_equal(server.connections, 2);
    assert_int_equal(script_count(&server, "TEARDOWN"), 1);
    end();
}

static void the_first_packet_is_not_lost(void **state)
{
    struct manner manner = {.sends = true};

    (void)state;
    begin(&manner, RTSP_BEST);
    session_open(&fixture, 0);
    assert_true(rtsp_session_is_udp(fixture.session));
    assert_int_equal(session_packet(&fixture).size, 7);
    end();
}

static void tls_takes_no_udp(void **state)
{
    struct manner manner = {.sends = true};

    (void)state;
    begin(&manner, RTSP_UDP);
    fixture.options.scheme = "rtsps";
    session_open(&fixture, -ENOTSUP);
    session_assert_error(&fixture, "rtsps protects nothing that goes over UDP");
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_come_and_reports_go),
        cmocka_unit_test(strangers_are_not_heard),
        cmocka_unit_test(refusal_leads_to_tcp),
        cmocka_unit_test(tcp_that_is_refused_leads_to_udp),
        cmocka_unit_test(tcp_is_refused_in_other_words),
        cmocka_unit_test(multicast_is_joined_where_nothing_else_is_offered),
        cmocka_unit_test(multicast_is_refused_with_words),
        cmocka_unit_test(an_end_at_setup_leads_to_udp),
        cmocka_unit_test(the_first_refusal_is_told),
        cmocka_unit_test(either_source_is_heard),
        cmocka_unit_test(other_ports_do_not_take_the_stream),
        cmocka_unit_test(silence_leads_to_tcp),
        cmocka_unit_test(the_first_packet_is_not_lost),
        cmocka_unit_test(tls_takes_no_udp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
