/* SPDX-License-Identifier: MIT */
#include "fanout/viewer_list.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/ipc/message.h"
#include "fanout/feed/bundle.h"
#include "fanout/feed/guest.h"
#include "fanout/http/client_address.h"
#include "fanout/http/gate.h"
#include "fanout/loop/connections.h"

/* Bytes of one answer that viewers may take: less than MESSAGE_CHANNEL_MAX. */
#define PAGE_BYTES_MAX 40960u

/* Viewers looked at for one answer: they are over 150 bytes each as JSON. */
#define PAGE_VIEWERS_MAX 256u

static const char kicked_reason[] = "closed by the operator";

struct found {
    const struct stream *stream;
    struct viewer *viewer;
};

/* The viewers with the lowest numbers above AFTER; a heap with the highest of them first. */
struct viewer_page {
    struct found list[PAGE_VIEWERS_MAX];
    unsigned count;
    uint64_t after;
    bool more; /* some had no room */
};

static bool is_higher(const struct viewer_page *page, unsigned a, unsigned b)
{
    return page->list[a].viewer->number > page->list[b].viewer->number;
}

static void swap(struct viewer_page *page, unsigned a, unsigned b)
{
    struct found found = page->list[a];
    page->list[a] = page->list[b];
    page->list[b] = found;
}

static void sift_up(struct viewer_page *page, unsigned at)
{
    for (; at > 0 && is_higher(page, at, (at - 1) / 2); at = (at - 1) / 2) {
        swap(page, at, (at - 1) / 2);
    }
}

static void sift_down(struct viewer_page *page)
{
    for (unsigned at = 0, child; (child = 2 * at + 1) < page->count; at = child) {
        child += child + 1 < page->count && is_higher(page, child + 1, child);
        if (!is_higher(page, child, at)) {
            return;
        }
        swap(page, at, child);
    }
}

static void consider(struct viewer_page *page, const struct stream *stream, struct viewer *viewer)
{
    if (viewer->number <= page->after) {
        return;
    }
    if (page->count < PAGE_VIEWERS_MAX) {
        page->list[page->count++] = (struct found){stream, viewer};
        sift_up(page, page->count - 1);
        return;
    }
    page->more = true;
    if (viewer->number < page->list[0].viewer->number) {
        page->list[0] = (struct found){stream, viewer};
        sift_down(page);
    }
}

static void consider_all(struct viewer_page *page, const struct stream *stream,
                         const struct viewer_array *viewers)
{
    for (unsigned i = 0; i < viewers->count; i++) {
        consider(page, stream, viewers->list[i].viewer);
    }
}

static int by_number(const void *a, const void *b)
{
    uint64_t first = ((const struct found *)a)->viewer->number,
             second = ((const struct found *)b)->viewer->number;
    return (first > second) - (first < second);
}

/* "192.0.2.7:51234", "[2001:db8::7]:51234"; an IPv4 address in IPv6 (RFC 4291, 2.5.5.2) as what it is. */
static json_t *peer_address(int socket)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } peer = {0};
    socklen_t length = sizeof(peer);
    char host[INET6_ADDRSTRLEN] = "", address[sizeof(host) + sizeof("[]:65535")];
    if (getpeername(socket, &peer.any, &length) < 0) {
        return json_null();
    }
    if (peer.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &peer.v4.sin_addr, host, sizeof(host));
        snprintf(address, sizeof(address), "%s:%u", host, (unsigned)ntohs(peer.v4.sin_port));
    } else if (peer.any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&peer.v6.sin6_addr)) {
        inet_ntop(AF_INET, &peer.v6.sin6_addr.s6_addr[12], host, sizeof(host));
        snprintf(address, sizeof(address), "%s:%u", host, (unsigned)ntohs(peer.v6.sin6_port));
    } else if (peer.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &peer.v6.sin6_addr, host, sizeof(host));
        snprintf(address, sizeof(address), "[%s]:%u", host, (unsigned)ntohs(peer.v6.sin6_port));
    } else {
        return json_null();
    }
    return json_string(address);
}

/* The visitor's, of whom a proxy tells no port; or else where the connection comes from. */
static json_t *address_of(struct lws *wsi)
{
    const struct connection *connection = lws_get_opaque_user_data(wsi);
    char text[INET6_ADDRSTRLEN];

    if (IN6_ARE_ADDR_EQUAL(&connection->address, &connection->peer)) {
        return peer_address(lws_get_socket_fd(wsi));
    }
    return json_string(client_address_format(&connection->address, text));
}

/* The visitor's name, or null. */
static json_t *user_of(struct lws *wsi)
{
    const struct connection *connection = lws_get_opaque_user_data(wsi);
    const struct visitor *visitor = permit_visitor(connection->permit);

    return visitor && visitor->name[0] != '\0' ? json_string(visitor->name) : json_null();
}

/* Bytes in the ring that a viewer that is behind has yet to get. */
static uint64_t waiting_in_ring(const struct feed *feed, const struct viewer *viewer)
{
    ringcast_cursor head = feed->cursor;
    if (viewer->state != VIEWER_BEHIND || viewer->in_old_ring || !feed->reader ||
        (!feed->in_pass && ringcast_seek_keyframe(feed->reader, &head) < 0)) {
        return 0;
    }
    return head.position > viewer->cursor.position ? head.position - viewer->cursor.position : 0;
}

/* What the kernel knows of its connection; nothing, if it does not say. */
static void describe_connection(json_t *entry, const struct feed *feed, struct viewer *viewer)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof(info);
    if (getsockopt(lws_get_socket_fd(viewer->wsi), IPPROTO_TCP, TCP_INFO, &info, &length) < 0) {
        return;
    }
    uint64_t sent = info.tcpi_bytes_sent - info.tcpi_bytes_retrans;
    uint64_t on_the_way = sent > info.tcpi_bytes_acked ? sent - info.tcpi_bytes_acked : 0;
    uint64_t buffered = info.tcpi_notsent_bytes + on_the_way + waiting_in_ring(feed, viewer);
    if (viewer->bundle) { /* the kernel knows of all subscriptions together */
        sent = bundle_member(viewer)->sent;
        buffered = waiting_in_ring(feed, viewer);
    }
    json_object_set_new(entry, "sent_bytes", json_integer((json_int_t)sent));
    json_object_set_new(entry, "buffered_bytes", json_integer((json_int_t)buffered));
    if (info.tcpi_rtt > 0) {
        json_object_set_new(entry, "rtt_ms", json_real((double)info.tcpi_rtt / 1000));
    }
}

/* How it gets its stream. */
static const char *way_of(const struct viewer *viewer)
{
    if (!viewer->guest) {
        return "websocket";
    }
    return guest_is_http(viewer->guest) ? "file" : "go2rtc";
}

static json_t *describe(const struct found *found, time_t now)
{
    struct viewer *viewer = found->viewer;
    json_t *entry =
        json_pack("{s:I, s:s, s:s, s:o, s:o, s:I, s:s, s:I}", "number", (json_int_t)viewer->number, "camera",
                  found->stream->name, "way", way_of(viewer), "user", user_of(viewer->wsi), "address",
                  address_of(viewer->wsi), "since_s", (json_int_t)(now - viewer->since), "state",
                  viewer_strstate((enum viewer_state)viewer->state), "dropped", (json_int_t)viewer->dropped);
    if (entry) {
        describe_connection(entry, &found->stream->feed, viewer);
    }
    return entry;
}

/* As many as fit. */
static json_t *describe_page(struct viewer_page *page)
{
    json_t *viewers = json_array();
    size_t bytes = 0;
    const time_t now_s = clock_coarse_s();

    for (unsigned i = 0; i < page->count; i++) {
        json_t *entry = describe(&page->list[i], now_s);
        bytes += entry ? json_dumpb(entry, NULL, 0, JSON_COMPACT) + 1 : 0;
        if (!entry || bytes > PAGE_BYTES_MAX) {
            json_decref(entry);
            page->more = true;
            break;
        }
        json_array_append_new(viewers, entry);
    }
    return viewers;
}

bool viewer_list_page(const struct streams *streams, const json_t *request, json_t **viewers)
{
    const char *name = message_string(request, "camera", NULL);
    json_int_t after = message_integer(request, "after", 0);
    struct viewer_page page = {.after = after > 0 ? (uint64_t)after : 0};
    for (struct stream *stream = streams->first; stream; stream = stream->next) {
        if (!name || strcmp(stream->name, name) == 0) {
            consider_all(&page, stream, &stream->feed.viewers);
            consider_all(&page, stream, &stream->feed.paused);
        }
    }
    qsort(page.list, page.count, sizeof(page.list[0]), by_number);
    *viewers = describe_page(&page);
    return page.more;
}

static struct viewer *find(const struct viewer_array *viewers, uint64_t number)
{
    for (unsigned i = 0; i < viewers->count; i++) {
        if (viewers->list[i].viewer->number == number) {
            return viewers->list[i].viewer;
        }
    }
    return NULL;
}

static unsigned kick_number(const struct streams *streams, uint64_t number)
{
    for (struct stream *stream = streams->first; stream; stream = stream->next) {
        struct viewer *viewer = find(&stream->feed.viewers, number);
        viewer = viewer ? viewer : find(&stream->feed.paused, number);
        if (viewer) {
            feed_leave(viewer);
            viewer_close(viewer, VIEWER_LIST_KICKED, kicked_reason);
            return 1;
        }
    }
    return 0;
}

unsigned viewer_list_kick(const struct streams *streams, const json_t *request)
{
    const char *name = message_string(request, "camera", NULL);
    if (!name) {
        json_int_t number = message_integer(request, "viewer", 0);
        return number > 0 ? kick_number(streams, (uint64_t)number) : 0;
    }
    struct stream *stream = streams_find(streams, name);
    if (!stream) {
        return 0;
    }
    unsigned count = stream->feed.viewers.count + stream->feed.paused.count;
    feed_close_viewers(&stream->feed, VIEWER_LIST_KICKED, kicked_reason);
    return count;
}
