# SPDX-License-Identifier: MIT
# What ringcast-hls reads: what clients ask for, and what lies in a camera's ring.
ringcast_fuzz_target(hls_request_fuzz SOURCES hls_request_fuzz.c LIBRARIES ringcast-hls-stream CORPUS hls_request)
ringcast_fuzz_target(hls_media_fuzz SOURCES hls_media_fuzz.c LIBRARIES ringcast-hls-stream CORPUS hls_media)
