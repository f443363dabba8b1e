/* SPDX-License-Identifier: MIT */
/*
 * What a person most likely did who wrote a configuration that libconfig cannot parse: libconfig names a line and says "syntax
 * error". Part of config.c; a pure function.
 */
#ifndef COMMON_CONFIG_CONFIG_SYNTAX_H
#define COMMON_CONFIG_CONFIG_SYNTAX_H

#include <stddef.h>

/* Bytes of an advice with its NUL. */
#define CONFIG_SYNTAX_SIZE 160

/*
 * Fills ADVICE with what to change in TEXT, which libconfig gave up in line LINE. Strings and comments in TEXT are closed
 * (config_source.h). Returns the line that the advice is about, at most LINE; or 0 if nothing is known that is wrong.
 */
unsigned config_syntax_advise(const char *text, unsigned line, char advice[CONFIG_SYNTAX_SIZE]);

#endif
