/* SPDX-License-Identifier: MIT */
/* Programs of ringcast that this one starts: they lie in its own directory, wherever that is. One thread. */
#ifndef CTL_PROGRAM_BESIDE_H
#define CTL_PROGRAM_BESIDE_H

#include <limits.h>

/* The path of program NAME beside this one. 0; negative errno: it is not there, or cannot be run; PATH is then what was looked for. */
int program_beside(const char *name, char path[PATH_MAX]);

#endif
