# SPDX-License-Identifier: MIT
ringcast_fuzz_target(movie_fuzz SOURCES movie_fuzz.c LIBRARIES ringcast-movie CORPUS movie)
