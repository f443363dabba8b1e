#include "fanout/feed/latency_report.h"

#include <string.h>

#include "common/ipc/channel.h"
#include "common/ipc/message.h"

/* Bytes of one message that histograms may take: less than MESSAGE_CHANNEL_MAX. */
#define REPORT_BYTES_MAX 40960u

/* One histogram beside the camera's name: 13 bounds of at most 23 characters, 14 counts and a sum of 20. */
#define HISTOGRAM_BYTES_MAX 700u

/* Adds the histograms that are due from *CAMERA on, and moves it to the first that has no room. */
static json_t *gather(struct camera **camera)
{
    json_t *histograms = json_object();
    size_t bytes = 0;
    for (; *camera; *camera = (*camera)->next) {
        if (!(*camera)->feed.latency_due) {
            continue;
        }
        bytes += 2 * strlen((*camera)->name) + HISTOGRAM_BYTES_MAX; /* a quote is escaped: two bytes */
        if (bytes > REPORT_BYTES_MAX) {
            break;
        }
        json_object_set_new(histograms, (*camera)->name, latency_to_json(&(*camera)->feed.latency));
    }
    return histograms;
}

/* Consumes HISTOGRAMS. 0 or negative errno. */
static int send_message(json_t *histograms, int channel)
{
    json_t *message =
        json_pack("{s:i, s:s, s:o}", "v", MESSAGE_VERSION, "type", "latency", "cameras", histograms);
    int status = message ? channel_send(channel, message, NULL, 0) : -1;
    json_decref(message);
    return status;
}

bool latency_report_send(struct cameras *cameras, int channel)
{
    struct camera *next = cameras->first;
    while (next) {
        struct camera *first = next;
        json_t *histograms = gather(&next);
        if (json_object_size(histograms) == 0) {
            json_decref(histograms);
            return true;
        }
        if (send_message(histograms, channel) < 0) {
            return false;
        }
        for (struct camera *told = first; told != next; told = told->next) {
            told->feed.latency_due = false;
        }
    }
    return true;
}

bool latency_report_again(struct cameras *cameras)
{
    bool any = false;
    for (struct camera *camera = cameras->first; camera; camera = camera->next) {
        camera->feed.latency_due = latency_count(&camera->feed.latency) > 0;
        any |= camera->feed.latency_due;
    }
    return any;
}
