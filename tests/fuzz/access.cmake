# SPDX-License-Identifier: MIT
ringcast_fuzz_target(user_file_fuzz SOURCES user_file_fuzz.c LIBRARIES ringcast-user-file CORPUS user_file)
