/* SPDX-License-Identifier: MIT */
/*
 * Pages that a process needed at its beginning and may not need again: its own part of what they cost becomes free. Where one is
 * needed again it is as it was, for the price of a page fault. Any process.
 */
#ifndef COMMON_BASE_GIVE_BACK_H
#define COMMON_BASE_GIVE_BACK_H

/*
 * Code and constants of the program and its libraries: loading, relocating and warming up touch far more of them than is used
 * afterwards. They stay in the system's page cache, which can now drop them where memory is short. Any thread.
 */
void give_back_code(void);

/* What a deep call has left of the stack below this one. Of the main thread only, whose stack has nothing below it. */
void give_back_stack(void);

#endif
