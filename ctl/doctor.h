/* SPDX-License-Identifier: MIT */
/* `ringcastctl doctor`: looks at the machine, the configuration and each camera, and says what to do. One thread. */
#ifndef CTL_DOCTOR_H
#define CTL_DOCTOR_H

#include "ctl/options.h"

enum exit_code doctor_run(const struct options *options);

#endif
