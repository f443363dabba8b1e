# SPDX-License-Identifier: MIT
ringcast_fuzz_target(rtsp_input_fuzz SOURCES rtsp_input_fuzz.c LIBRARIES ringcast-ingest-rtsp CORPUS rtsp_input)
ringcast_fuzz_target(rtsp_response_fuzz SOURCES rtsp_response_fuzz.c LIBRARIES ringcast-ingest-rtsp CORPUS rtsp_response)
ringcast_fuzz_target(sdp_fuzz SOURCES sdp_fuzz.c LIBRARIES ringcast-ingest-rtsp CORPUS sdp)
