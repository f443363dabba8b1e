# SPDX-License-Identifier: MIT
ringcast_fuzz_target(ring_reader_fuzz SOURCES ring_reader_fuzz.c LIBRARIES ringcast-ring CORPUS ring_reader)
