# SPDX-License-Identifier: MIT
ringcast_fuzz_target(proxy_headers_fuzz SOURCES proxy_headers_fuzz.c LIBRARIES ringcast-fanout-parts CORPUS proxy_headers)
