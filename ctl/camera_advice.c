/* SPDX-License-Identifier: MIT */
#include "ctl/camera_advice.h"

#include <stddef.h>
#include <string.h>

struct advice {
    const char *words, *advice; /* the first entry whose words are in the error counts */
};

static const char nobody_there[] =
    "Nothing answers at that address. Is the camera on? Does a firewall, or another network (VLAN), "
    "lie between?";
static const char too_many[] =
    "Too many viewers are connected to the camera. End the others, or raise its limit.";
static const char no_way[] =
    "This machine has no way to that address, or nothing has it. Is the camera on, and in this network?";
static const char no_network[] =
    "This machine has no way to that network. Check its address and its gateway.";
static const char unknown_name[] =
    "The name in the URL is not known to the name server. Use the camera's address.";
static const char other_codec[] =
    "Choose H.264 in the camera's settings (H.265 works, too), or use the URL of another of its "
    "streams: many cameras have several.";
static const char other_transport[] =
    "Leave transport away: then all are tried. Else switch RTP over TCP on in the camera.";
static const char update[] =
    "A fault of the camera: restart it, or update its firmware. If it lasts, check the path of the URL.";

static const struct advice of_streams[] = {
    {"refuses the username or password",
     "Check username and password in the camera's own page; many cameras have a user of their "
     "own for RTSP or ONVIF. Do not try often: cameras lock users out."},
    {"wants a username and password",
     "Give username=NAME and password=- (ringcastctl asks for it); in the configuration, write "
     "username and password."},
    {"offers Basic authentication only",
     "If you accept that the password crosses the network in the clear, add allow_basic=true; "
     "better, allow Digest in the camera's settings."},
    {"authentication of a kind", "Choose Digest as the way to log in, in the camera's settings."},
    {"encrypts its packets",
     "It is in the camera's settings for RTSP or security. With a URL of rtsps:// the pictures stay "
     "encrypted on their way."},
    {"no such stream", "The path of the URL is wrong. The camera's manual has it, and ringcastctl discover "
                       "asks the camera for it; "
                       "makers use paths like /stream1, /h264Preview_01_main, /Streaming/Channels/101 or "
                       "/cam/realmonitor?channel=1&subtype=0."},
    {"does not understand the request",
     "The path of the URL may be wrong. What the camera does not understand is seen with "
     "ringcastctl probe URL -v."},
    {"forbids this stream",
     "The user may log in, but not watch: give it the right to live video in the camera's settings."},
    {"rtsps protects nothing", "Set transport to tcp, or use rtsp:// in the URL."},
    {"multicast", "Set the camera to unicast, or leave transport away."},
    {"RTP over ", other_transport},
    {"RTP neither over", other_transport},
    {"does not offer this transport", other_transport},
    {"not enough bandwidth", too_many},
    {"camera is busy", too_many},
    {"redirects to another host", "Use the URL of that host, if you trust it, or add allow_redirect=true."},
    {"describes no media",
     "The camera has no stream at this path: choose another one, or switch the stream on."},
    {"urls of this scheme", "The URL of a camera begins with rtsp:// or rtsps://."},
    {"url is not of the form", "The URL of a camera is like rtsp://192.168.1.20:554/stream1."},
    {"speaks HTTP", "That is the port of the camera's web page. RTSP is usually at port 554."},
    {"onnection refused", "The machine is there, but nothing listens at this port. RTSP is usually at 554; "
                          "in some cameras it must be "
                          "switched on."},
    {"no route to", no_way},
    {"network cannot be reached", no_network},
    {"network is unreachable", no_network},
    {"no answer to", "Something takes connections at this port, but does not answer RTSP there. Is it the "
                     "right port (usually 554)? "
                     "Else restart the camera."},
    {"timed out", nobody_there},
    {"no answer", nobody_there},
    {"name or service not known", unknown_name},
    {"cannot be resolved", unknown_name},
    {"before it answered", "Is it the right port (usually 554)? Some cameras also hang up if the path is "
                           "wrong, if there are too many "
                           "viewers, or for a while after a wrong password."},
    {"certificate", "The camera's certificate is not one that this machine trusts. Most cameras sign their "
                    "own: see the settings for "
                    "TLS of a camera in the configuration's reference."},
    {"no TLS connection",
     "Is this the camera's port for TLS (often 322)? Else use rtsp:// and its port, usually 554."},
    {"parameter sets",
     "The camera never says how its pictures are encoded. Look for another profile of H.264 or H.265 in its "
     "settings."},
    {"keyframe", "The camera sends pictures, but none that a viewer can begin with. Set its I-frame interval "
                 "(GOP) to one or two "
                 "seconds."},
    {"the connection is slower",
     "Lower the camera's bit rate, or improve the network to it (Wi-Fi, a full switch)."},
    {"only audio",
     "What comes is sound alone: switch the pictures of this stream on, or use the URL of another one."},
    {"makes no frames", "Packets come, but they are no whole pictures. Over UDP, try transport=tcp; else "
                        "restart the camera, or set "
                        "its codec to H.264 again."},
    {"no video within", "The camera took the connection and sends nothing. If another program shows it, a "
                        "firewall may keep UDP out: "
                        "transport=tcp. Else restart the camera."},
    {"no video for", "Pictures came and then stopped, though the connection is open. Look at the network "
                     "between (Wi-Fi, a switch), "
                     "and whether the camera is overloaded or restarts."},
    {"video is announced as", "A fault of the camera: choose another profile, or update its firmware."},
    {"motion JPEG", other_codec},
    {"MPEG", other_codec},
    {"sends no video",
     "This stream has no pictures. Use the URL of another one, or switch them on in the camera's settings."},
    {"has no video",
     "This stream has no pictures. Use the URL of another one, or switch them on in the camera's settings."},
    {"set the camera to H.264", other_codec},
    {"sends video", other_codec},
    {"in a form that is not supported", other_codec},
    {"does not fit the ring", "Set ring_size_max to more, or lower the camera's bit rate."},
    {"/dev/shm", "See what is said of the shared memory; each camera needs 1 to 64 MiB of it."},
    {"error of its own", update},
    {"makes no sense", update},
    {"ended the stream", "The connection is made again by itself. If it is often, see whether the camera "
                         "restarts, or has too many "
                         "viewers."},
    {"said goodbye", "The connection is made again by itself. If it is often, see whether the camera "
                     "restarts, or has too many "
                     "viewers."},
    {"dropped the connection",
     "The connection is made again by itself. If it is often, look at the network, and whether the camera "
     "restarts or has too many viewers."},
    {"closed the connection",
     "The connection is made again by itself. If it is often, look at the network, and whether the camera "
     "restarts or has too many viewers."},
};

static const struct advice of_sound[] = {
    {"not supported", "Choose AAC, Opus or G.711 in the camera, or set audio = false."},
    {"no longer sends",
     "See whether the microphone was switched off in the camera; a restart of the camera may help."},
    {"cannot be that", "Choose another codec for the sound in the camera: AAC, Opus or G.711."},
};

static const struct advice of_devices[] = {
    {"wants a username and password", "Ask again with --user NAME, which asks for the password."},
    {"refuses the username or password",
     "Check both. Many cameras have users of their own for ONVIF, in a page of their settings; some "
     "refuse log-ins while their clock is wrong. Do not try often: cameras lock users out."},
    {"connection refused",
     "The machine is there, but nothing listens at this port. In some cameras ONVIF must be switched on; "
     "the port may be another one: --address HOST:PORT."},
    {"no route to", no_way},
    {"no answer in time",
     "It may be slow, or a firewall lies between: ask it alone with --address, and a longer --timeout."},
    {"no time was left", "Ask again with a longer --timeout, or ask it alone with --address."},
    {"not ONVIF", "Something else answers there, or a fault of the device's. The port of ONVIF may be "
                  "another one: --address "
                  "HOST:PORT."},
    {"no profile with video", "Make a profile with video in the device's settings, if it is a camera."},
    {"it names no stream", "Its streams' addresses by brand are in docs/guide/cameras.md."},
    {"it refuses",
     "A fault of the device's, or what it does not allow this user. Its streams' addresses by brand are in "
     "docs/guide/cameras.md."},
};

static const char *find(const struct advice *advices, size_t count, const char *error)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasestr(error, advices[i].words)) {
            return advices[i].advice;
        }
    }
    return NULL;
}

const char *camera_advice(const char *error)
{
    return find(of_streams, sizeof(of_streams) / sizeof(of_streams[0]), error);
}

const char *camera_advice_of_sound(const char *error)
{
    return find(of_sound, sizeof(of_sound) / sizeof(of_sound[0]), error);
}

const char *camera_advice_of_device(const char *error)
{
    return find(of_devices, sizeof(of_devices) / sizeof(of_devices[0]), error);
}
