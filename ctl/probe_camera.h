/* SPDX-License-Identifier: MIT */
/* `ringcastctl probe URL`: connects to one camera as ringcast does, measures it, and says what there is to say. One thread. */
#ifndef CTL_PROBE_CAMERA_H
#define CTL_PROBE_CAMERA_H

#include "ctl/options.h"

/* OPTIONS->arguments: the camera's URL, or "-" for standard input, and settings of a camera. */
enum exit_code probe_camera_run(const struct options *options);

#endif
