# SPDX-License-Identifier: MIT
foreach(part viewer_message clip_query origin raw_head request go2rtc)
    ringcast_fuzz_target(${part}_fuzz SOURCES ${part}_fuzz.c LIBRARIES ringcast-fanout-parts CORPUS ${part})
endforeach()
