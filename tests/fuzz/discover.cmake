# SPDX-License-Identifier: MIT
ringcast_fuzz_target(onvif_fuzz SOURCES onvif_fuzz.c LIBRARIES ringcast-discover-parts CORPUS onvif)
