# SPDX-License-Identifier: MIT
ringcast_fuzz_target(config_fuzz SOURCES config_fuzz.c LIBRARIES ringcast-config ringcast-base CORPUS config)
