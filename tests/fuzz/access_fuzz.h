/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets of common/visitor share: a table with one user, one token and one secret for JWTs,
 * and what must hold for any credentials and judgement.
 */
#ifndef TESTS_FUZZ_ACCESS_FUZZ_H
#define TESTS_FUZZ_ACCESS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/visitor/access.h"

/* The time of every judgement, and the names of all who may get in. */
#define ACCESS_FUZZ_NOW INT64_C(1700000000)
#define ACCESS_FUZZ_USER "anna"
#define ACCESS_FUZZ_TOKEN "rct_0a1b2c3d_abc"
#define ACCESS_FUZZ_SECRET "0123456789abcdef0123456789abcdef"

void access_fuzz_require(bool holds);

/* SIZE bytes of DATA as a text, which ends at the first NUL; to be freed. */
char *access_fuzz_text(const uint8_t *data, size_t size);

/* An access with the table; the same with each call. */
struct access *access_fuzz_access(void);

/*
 * Reads SOURCES and judges them. What was read keeps its limits, and only those get in who are in the table.
 */
enum access_verdict access_fuzz_judge(const struct credential_sources *sources,
                                      struct credentials *credentials);

#endif
