# SPDX-License-Identifier: MIT
# What a node of a cluster gets from others.
ringcast_fuzz_target(piece_fuzz SOURCES piece_fuzz.c LIBRARIES ringcast-cluster CORPUS piece)
ringcast_fuzz_target(cluster_cameras_fuzz SOURCES cluster_cameras_fuzz.c LIBRARIES ringcast-cluster-cameras ringcast-config CORPUS cluster_cameras)
ringcast_fuzz_target(subject_fuzz SOURCES subject_fuzz.c LIBRARIES ringcast-cluster CORPUS subject)
ringcast_fuzz_target(remote_fragment_fuzz SOURCES remote_fragment_fuzz.c LIBRARIES ringcast-ingest-core CORPUS remote_fragment)
