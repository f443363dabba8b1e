/* SPDX-License-Identifier: MIT */
/* SIGINT and SIGTERM as the wish to stop, for commands that run until then. One thread. */
#ifndef CTL_INTERRUPT_H
#define CTL_INTERRUPT_H

#include <stdbool.h>

/* From now on these signals do not end the process; they interrupt system calls instead. */
void interrupt_catch(void);

/* True once one of them has come. */
bool interrupt_came(void);

#endif
