# SPDX-License-Identifier: MIT
foreach(part h264 h265 aac latm plain track format)
    ringcast_fuzz_target(
        rtp_${part}_fuzz
        SOURCES rtp_${part}_fuzz.c rtp_fuzz_feed.c
        LIBRARIES ringcast-ingest-core
        CORPUS rtp_${part})
endforeach()
ringcast_fuzz_target(
    codec_probe_fuzz
    SOURCES codec_probe_fuzz.c rtp_fuzz_feed.c
    LIBRARIES ringcast-ingest-core
    CORPUS codec_probe)
foreach(part latm_config adts media_choice timeline)
    ringcast_fuzz_target(${part}_fuzz SOURCES ${part}_fuzz.c LIBRARIES ringcast-ingest-core CORPUS ${part})
endforeach()
ringcast_fuzz_target(rtcp_fuzz SOURCES rtcp_fuzz.c LIBRARIES ringcast-ingest-core CORPUS rtcp)
ringcast_fuzz_target(access_unit_fuzz SOURCES access_unit_fuzz.c LIBRARIES ringcast-ingest-core CORPUS access_unit)
