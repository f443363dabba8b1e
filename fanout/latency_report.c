/* SPDX-License-Identifier: MIT */
#include "fanout/latency_report.h"

#include <errno.h>
#include <string.h>

#include "common/ipc/channel.h"
#include "common/ipc/message.h"

/* Bytes of one message that histograms may take: less than MESSAGE_CHANNEL_MAX. */
#define REPORT_BYTES_MAX 40960u

/* One histogram beside the camera's name: 13 bounds of at most 23 characters, 14 counts and a sum of 20. */
#define HISTOGRAM_BYTES_MAX 700u

/* Adds the histograms that are due from *STREAM on, and moves it to the first that has no room. */
static json_t *gather(struct stream **stream)
{
    json_t *histograms = json_object();
    size_t bytes = 0;
    for (; *stream; *stream = (*stream)->next) {
        if (!(*stream)->feed.latency_due) {
            continue;
        }
        bytes += 2 * strlen((*stream)->name) + HISTOGRAM_BYTES_MAX; /* a quote is escaped: two bytes */
        if (bytes > REPORT_BYTES_MAX) {
            break;
        }
        json_object_set_new(histograms, (*stream)->name, latency_to_json(&(*stream)->feed.latency));
    }
    return histograms;
}

/* Consumes HISTOGRAMS. 0 or negative errno. */
static int send_message(json_t *histograms, int channel)
{
    json_t *message = message_pack("latency", "{s:o}", "cameras", histograms);
    int result = message ? channel_send(channel, message, NULL, 0) : -ENOMEM;

    json_decref(message);
    return result;
}

bool latency_report_send(struct streams *streams, int channel)
{
    struct stream *next = streams->first;
    while (next) {
        struct stream *first = next;
        json_t *histograms = gather(&next);
        if (json_object_size(histograms) == 0) {
            json_decref(histograms);
            return true;
        }
        if (send_message(histograms, channel) < 0) {
            return false;
        }
        for (struct stream *told = first; told != next; told = told->next) {
            told->feed.latency_due = false;
        }
    }
    return true;
}

bool latency_report_again(struct streams *streams)
{
    bool any = false;
    for (struct stream *stream = streams->first; stream; stream = stream->next) {
        stream->feed.latency_due = latency_count(&stream->feed.latency) > 0;
        any |= stream->feed.latency_due;
    }
    return any;
}
