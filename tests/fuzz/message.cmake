# SPDX-License-Identifier: MIT
ringcast_fuzz_target(message_fuzz SOURCES message_fuzz.c LIBRARIES ringcast-message CORPUS message)
